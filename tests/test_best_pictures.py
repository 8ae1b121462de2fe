"""The figures of the answer show what is in the table, and example maps are chosen by rank."""

import re
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.test_best_answer import WHERE, as_table, make_row, make_rows, means
from xai_utils.embedded.cutouts import REGIONS, outlined_photograph
from xai_utils.gradients import ScoreGradients
from xai_utils.heatmaps import share_inside
from xai_utils.images import resize_image
from xai_utils.methods import grad_cam
from xai_utils.scores import SCORES
from xai_utils.study.best.across import compare_places, networks_figure
from xai_utils.study.best.answer import METHODS, compare_scores
from xai_utils.study.best.cases import Source, make_case
from xai_utils.study.best.decision import fill_table
from xai_utils.study.best.examples import (
    PAIR,
    at_quartiles,
    choose_examples,
    examples_figure,
    measure_examples,
    photographs_alone,
    photographs_in_mosaics,
)
from xai_utils.study.best.matrices import decision_figure, judges_figure
from xai_utils.study.best.pictures import difference_figure
from xai_utils.study.best.plan import QUESTIONS
from xai_utils.style import SCORE_COLORS

LAYER = "block5_pool"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def marks(ax):
    """The marks of an axes: dict from label to (mean, row)."""
    return {
        line.get_label(): (line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines
        if len(line.get_xdata()) == 1
    }  # fmt: skip


def words(axes):
    return [text.get_text() for ax in np.ravel(axes) for text in ax.texts]


def test_differences_are_drawn_with_the_sign_of_their_label(tmp_path):
    table = as_table(tmp_path, make_rows(means(odds=0.7, pre=0.4), noise=0.01))
    for against, expected in (
        ("pre", {"odds − pre": 0.3, "log − pre": 0.1, "post − pre": 0.1}),
        ("post", {"odds − post": 0.2, "log − post": 0.0, "pre − post": -0.1}),
    ):
        (ax, *_) = difference_figure(table, ["share inside"], against).axes
        drawn = {label: mean for label, (mean, _) in marks(ax).items()}
        assert drawn == pytest.approx(expected, abs=0.01)


def test_a_damaged_map_is_no_method_and_not_in_the_family(tmp_path):
    parts = [
        make_rows(means(odds=0.7), method=m, seed=k)
        for k, m in enumerate(("grad_cam", "grad_cam, blurred", "grad_cam_signed"))
    ]
    alone, all_of_them = (
        compare_scores(as_table(tmp_path, *(list(p) for p in some)), "share inside")
        for some in ([make_rows(means(odds=0.7), method="grad_cam", seed=0)], parts)
    )
    assert alone == all_of_them


def test_every_network_and_layer_is_a_row_with_its_head(tmp_path):
    eff = {"network": "efficientnet-lite0", "measure": "grid pointing", "kind": "mosaic"}
    table = as_table(
        tmp_path,
        make_rows(means(odds=0.7)),
        make_rows(means(odds=0.6), method="rsi_grad_cam"),
        make_rows(means(odds=0.4), network="vgg19-mini@4"),
        make_rows(means(pre=0.6), layer="top_activation", head="linear", **eff),
        make_rows(means(pre=0.2), layer="block5c_add", **eff),
    )
    places = compare_places(table, ("share inside", "grid pointing"))
    assert [place[:3] for place in places] == [
        ("vgg19-mini", LAYER, "rectified"),
        ("vgg19-mini@4", LAYER, "rectified"),
        ("efficientnet-lite0", "top_activation", "linear"),
        ("efficientnet-lite0", "block5c_add", "rectified"),
    ]
    assert places[0].of("share inside", "grad_cam", "odds", "pre").difference.mean == (
        pytest.approx(0.2, abs=0.02)
    )
    assert places[0].of("grid pointing", "grad_cam", "odds", "pre") is None
    figure = networks_figure(places, ("grad_cam", "rsi_grad_cam"), "Everywhere")
    (inside, grid), (of_paths, _) = np.reshape(figure.axes, (2, 2))
    assert [tick.get_text() for tick in inside.get_yticklabels()] == [
        f"vgg19-mini · {LAYER} · rectified",
        f"vgg19-mini, logits × 4 · {LAYER} · rectified",
        "efficientnet-lite0 · top_activation · linear",
        "efficientnet-lite0 · block5c_add · rectified",
    ]
    assert len(of_paths.get_yticklabels()) == 1 and of_paths.get_ylabel() == METHODS["rsi_grad_cam"]
    mean, row = marks(grid)["post − pre"]
    assert mean == pytest.approx(0.3, abs=0.02) and round(row) == 3


def test_the_decision_figure_has_the_answers_of_the_cells(tmp_path):
    cells = fill_table(
        as_table(
            tmp_path,
            make_rows(means(pre=0.3), noise=0.02),
            make_rows(means(), noise=0.01, method="grad_cam_plus"),
        )
    )
    figure = decision_figure(cells, "Which score to take")
    said = words(figure.axes)
    assert said[:4] == list(SCORES)
    assert re.match(r"(post|log|odds) − pre: \+0\.\d\d \[\+0\.\d\d, \+0\.\d\d\]", said[4])
    assert sum(text.startswith("any; ") for text in said) == 1
    assert said.count("too few images") == len(METHODS) * len(QUESTIONS) - 2
    colors = [plt.matplotlib.colors.to_hex(p.get_facecolor()) for p in figure.axes[0].patches[:4]]
    assert colors == ["#ffffff", *(SCORE_COLORS[score] for score in SCORES[1:])]
    assert f"Grad-CAM, {WHERE} post or log or odds; " in figure.get_label()


def test_a_matrix_of_judges_has_its_numbers_or_says_that_there_are_none(tmp_path):
    of_judges = [
        make_rows(means(**{o: 0.8}), measure="deletion", judge=o, noise=0.001) for o in SCORES
    ]
    table = as_table(tmp_path, *of_judges)
    figure = judges_figure({"deletion": table, "nothing": table.where(network="none")}, 0.02)
    full, empty, _ = figure.axes
    assert len(words(full)) == 16 and not words(empty)
    assert "own judge\n+0.300 [" in full.get_xlabel()
    assert empty.get_xlabel().endswith("too few images")


def scenes(shares):
    """Rows of one-object scenes, by number: the shares of pre and odds."""
    for number, (pre, odds) in shares.items():
        for score, value in (("pre", pre), ("odds", odds)):
            yield make_row(image=f"one-{number}", score=score, value=value, **{"class": "cat"})


def test_examples_stand_at_the_quartiles_of_the_difference(mini, tmp_path):
    shares = {n: (0.5, 0.5 + 0.01 * ((7 * n) % 9)) for n in range(9)}  # nine different ones
    examples = choose_examples(as_table(tmp_path, scenes(shares)), mini)
    assert [e.rank for e in examples] == [0, 0.25, 0.5, 0.75, 1]
    assert [round(e.difference, 6) for e in examples] == [0, 0.02, 0.04, 0.06, 0.08]
    numbers = [int(e.case.name.removeprefix("one-")) for e in examples]
    assert [(7 * n) % 9 for n in numbers] == [0, 2, 4, 6, 8]
    assert choose_examples(as_table(tmp_path, make_rows(means(), kind="mosaic")), mini) == []


def test_the_maps_of_an_example_are_those_of_the_table_or_it_is_refused(mini, tmp_path):
    shares = {}
    for number in (4, 5):
        case = make_case("one", Source(mini), number)
        gradients = ScoreGradients(mini, [case.image], case.targets, LAYER)
        shares[number] = [share_inside(grad_cam(gradients, s)[0], case.masks[0]) for s in PAIR]
    examples = choose_examples(as_table(tmp_path, scenes(shares)), mini)
    figure = examples_figure(mini, LAYER, examples, "Two scenes")
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    effects = sorted(odds - pre for pre, odds in shares.values())
    for title, rank, effect in zip(titles, ("0%", "100%"), effects, strict=True):
        assert title.startswith(f"rank {rank}: {effect:+.2f}\n")
    for title, example in zip(titles, examples, strict=True):
        (y,) = mini.probabilities([example.case.image])
        target = example.case.targets[0]
        *_, name, p = title.split("\n")
        shown = re.fullmatch(r"p = (1 - )?(\S+)", p)
        value = 1 - float(shown[2]) if shown[1] else float(shown[2])
        assert name == mini.class_names[target] and value == pytest.approx(y[target], rel=1e-3)
    wrong = [examples[0]._replace(shares=(0.0, 0.0))]
    with pytest.raises(ValueError, match="was made with another network; run make study"):
        examples_figure(mini, LAYER, wrong, "Not these")


def test_photographs_stand_in_mosaics_with_the_class_that_they_have_alone(mini):
    alone, mosaics = photographs_alone(mini), photographs_in_mosaics(mini)
    assert [mini.class_names[case.targets[0]] for case in alone[:2]] == ["cat", "cup"]
    # no two of one class are put together
    targets = [case.targets[0] for case in alone]
    assert len(mosaics) == sum(len({*four}) == 4 for four in combinations(targets, 4)) > 0
    first = mosaics[0]
    names = first.name.split("+")
    by_name = {case.name: case for case in alone}
    assert first.targets == tuple(by_name[name].targets[0] for name in names)
    corner = resize_image(by_name[names[3]].tiles[0], 112, 112)
    np.testing.assert_array_equal(first.image[112:, 112:], corner)
    assert first.masks[3, 112:, 112:].all() and first.masks[3].sum() == 112**2


def test_an_outlined_object_is_where_the_scenes_cut_it_out(mini):
    cat = photographs_alone(mini)[0]
    photo, outline = outlined_photograph("cat")
    assert cat.masks.shape == (1, 224, 224)
    points = np.array(REGIONS["polygons"]["cat"]["polygon"]) * 224 / photo.size
    rows, columns = np.nonzero(cat.masks[0])
    box = [columns.min(), rows.min(), columns.max(), rows.max()]
    np.testing.assert_allclose(box, [*points.min(axis=0), *points.max(axis=0)], atol=2)
    x, y = points.T  # the area by the shoelace formula
    area = abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2
    assert cat.masks.sum() == pytest.approx(area, rel=0.02) and outline.size == photo.size
    np.testing.assert_array_equal(cat.tiles[0], np.asarray(photo))


def test_photographs_are_ranked_by_the_difference_that_their_maps_have(mini):
    cases = photographs_in_mosaics(mini)[:2]
    ranked = measure_examples(mini, LAYER, cases)
    assert [e.rank for e in ranked] == pytest.approx(np.linspace(0, 1, 8))
    rounded = [round(e.difference, 3) for e in ranked]
    assert rounded == sorted(rounded)
    for example in ranked:
        case, place = example.case, example.place
        gradients = ScoreGradients(mini, [case.image], [case.targets[place]], LAYER)
        own = [share_inside(grad_cam(gradients, s)[0], case.masks[place]) for s in PAIR]
        assert example.shares == pytest.approx(own, abs=1e-5)
    assert at_quartiles(list(range(8))) == [0, 2, 4, 5, 7]
    assert (
        measure_examples(mini, LAYER, []) == at_quartiles([]) == []
        and len(at_quartiles(ranked[:1])) == 1
    )
