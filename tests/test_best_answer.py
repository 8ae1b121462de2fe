"""From the table to the answer, on tables whose answer is known; and the plan beside its code."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from scipy.stats import norm

from xai_utils.scores import SCORES
from xai_utils.study.best.again import OfNetwork
from xai_utils.study.best.answer import by_bin, compare_scores, judge_matrix, outcome
from xai_utils.study.best.decision import (
    as_markdown,
    count_to_decide,
    differences,
    fill_table,
    pool_question,
)
from xai_utils.study.best.hypotheses import BORNE_OUT, OPEN, REFUTED, examine
from xai_utils.study.best.losses import cells_by_loss, turned_cells
from xai_utils.study.best.plan import (
    BIN_EDGES,
    BINS,
    FULL,
    LAYERS,
    MARGINS,
    PRIMARY,
    QUESTIONS,
    SMALL,
    STREAM,
    read_seed,
)
from xai_utils.study.best.sentences import NAMES, answer_sentences
from xai_utils.study.best.table import COLUMNS, merge_tables, read_table, write_table
from xai_utils.study.best.texts import END, IN_SHORT, START, write_answer
from xai_utils.study.best.worth import agreement, reactions, reliabilities
from xai_utils.study.statistics import Difference

PLAN = (Path(__file__).parent.parent / "notebooks" / "8_plan.md").read_text("utf-8")
WHERE = "Where is the class in the image?"
CLASSES = ("cat", "cup", "coin", "dahlia")


def make_row(**given):
    fixed = dict.fromkeys(COLUMNS, "") | {
        "network": "vgg19-mini", "layer": "block5_pool", "head": "rectified", "kind": "one",
        "object": "0", "method": "grad_cam", "measure": "share inside", "judge": "truth",
        "bin": "0 to 2", "log_odds": 1.0, "p2": 0.2, "rivals": 1.5,
    }  # fmt: skip
    return fixed | given


def make_rows(means, images=60, noise=0.05, seed=0, **given):
    """Rows of one method and measure in which each score has a mean, image by image."""
    rng = np.random.default_rng(seed)
    for image in range(images):
        easy = rng.normal(0, 0.2)
        for score in SCORES:
            value = means[score] + easy + rng.normal(0, noise)
            names = {"image": f"one-{image}", "class": CLASSES[image % 4], "score": score}
            yield make_row(**{**names, "value": value, **given})


def as_table(tmp_path, *parts):
    write_table(tmp_path / "table.csv.gz", [row for rows in parts for row in rows])
    return read_table(tmp_path / "table.csv.gz")


def means(**given):
    return dict.fromkeys(SCORES, 0.5) | given


def cell_of(table, question=WHERE, method="grad_cam"):
    (cell,) = [c for c in fill_table(table) if (c.method, c.question) == (method, question)]
    return cell


def test_a_table_is_read_as_it_was_written_and_the_same_rows_are_the_same_bytes(tmp_path):
    rows = list(make_rows(means(odds=0.7), images=5))
    for name in ("a", "b"):
        write_table(tmp_path / f"{name}.csv.gz", rows)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    merge_tables(tmp_path / "both.csv.gz", [tmp_path / "a.csv.gz", tmp_path / "b.csv.gz"])
    table = read_table(tmp_path / "both.csv.gz")
    assert len(table) == 2 * len(rows)
    np.testing.assert_allclose(table.numbers["value"][:20], [r["value"] for r in rows], rtol=1e-5)
    assert list(table.values("score")[:4]) == list(SCORES)
    assert len(table.where(score="odds", image=("one-0", "one-1"))) == 4
    assert table.where(image="one-3").present("class") == ["dahlia"]


def test_a_score_that_is_better_is_taken_and_changing_the_data_changes_the_answer(tmp_path):
    cell = cell_of(as_table(tmp_path, make_rows(means(odds=0.7))))
    assert cell.answer == "odds"
    assert re.match(r"0\.\d\d with odds against 0\.\d\d with \w+, \+0\.\d+ \[", cell.because)
    assert "n = 60 images, 1 network" in cell.because
    assert cell_of(as_table(tmp_path, make_rows(means(pre=0.7)))).answer == "pre"
    assert (
        cell_of(as_table(tmp_path, make_rows(means(pre=0.3), noise=0.02))).answer
        == "post or log or odds"
    )


def test_scores_that_do_not_differ_will_all_do(tmp_path):
    assert cell_of(as_table(tmp_path, make_rows(means(), noise=0.01))).answer == "any"


def test_what_is_too_uncertain_is_undecided_and_says_how_many_images_it_takes(tmp_path):
    cell = cell_of(as_table(tmp_path, make_rows(means(odds=0.53), images=30, noise=0.4)))
    assert cell.scores == () and cell.needed > 300
    assert cell.answer == f"undecided (n = {cell.needed})"
    nothing = cell_of(as_table(tmp_path, make_rows(means(odds=0.7), images=2)))
    assert nothing.answer == "undecided"
    assert nothing.because == "too few images: 2"


def test_equal_maps_are_not_told_apart_by_rounding(tmp_path):
    rows = list(make_rows(means(pre=0.3), noise=0.0))
    for row, score in zip(rows, SCORES * 60, strict=True):
        row["value"] += {"log": 3e-6, "odds": -3e-6}.get(score, 0)
    cell = cell_of(as_table(tmp_path, rows))
    assert cell.answer == "post or log or odds"
    assert (
        "with post against" in cell.because and "with pre, +0.200 [+0.200, +0.200]" in cell.because
    )
    rows = list(make_rows(means(), noise=0.0))
    for row, score in zip(rows, SCORES * 60, strict=True):
        row["value"] -= {"log": 3e-6, "odds": -3e-6}.get(score, 0)
    assert "+0.000 [+0.000, +0.000]" in cell_of(as_table(tmp_path, rows)).because


def test_an_undecided_cell_names_the_comparison_that_is_open(tmp_path):
    rows = make_rows(means(post=0.7, log=0.7, odds=0.7), images=30, noise=0.0)
    rows = list(rows)
    noise = np.random.default_rng(5).normal(0, 0.6, 30)
    for row in rows:
        if row["score"] == "pre":
            row["value"] = 0.7 + noise[int(row["image"].split("-")[1])]
    cell = cell_of(as_table(tmp_path, rows))
    assert cell.scores == () and " with pre, " in cell.because


def test_the_images_that_a_decision_would_take_by_a_known_interval():
    half = norm.ppf(0.95)  # of the 90 % interval, for an error of 1

    def found(mean):
        return Difference(mean, 0, 0, mean - half, mean + half, 1, 100)

    # equal as soon as the interval ends at the margin; different as soon as 1.96 errors are left
    assert count_to_decide(found(0), 0.5, family=1) == np.ceil(100 * (half / 0.5) ** 2)
    assert count_to_decide(found(2), 0.5, family=1) == np.ceil(100 * (norm.ppf(0.975) / 2) ** 2)
    assert count_to_decide(found(2), 0.5, family=10) > count_to_decide(found(2), 0.5, family=1)
    assert count_to_decide(found(-2), 0.5, family=3) == count_to_decide(found(2), 0.5, family=3)


def test_an_undecided_cell_takes_more_images_than_there_are(tmp_path):
    for seed, odds in enumerate((0.5, 0.52, 0.54, 0.56)):
        cell = cell_of(as_table(tmp_path, make_rows(means(odds=odds), seed=seed, noise=0.15)))
        assert bool(cell.scores) != (cell.needed > 60)


def test_two_readings_of_a_table_give_one_answer_and_all_cells_are_named(tmp_path):
    table = as_table(tmp_path, make_rows(means(odds=0.7)))
    text = as_markdown(fill_table(table))
    assert text == as_markdown(fill_table(table))
    assert "| Grad-CAM | Where is the class in the image? | odds | 0." in text
    assert text.count("undecided") == text.count("\n") - 2


def test_the_images_that_a_decision_would_take_are_images_not_objects(tmp_path):
    parts = [
        list(make_rows(means(odds=0.53), images=30, noise=0.4, object=str(k), seed=k))
        for k in range(2)
    ]
    one, two = (cell_of(as_table(tmp_path, *parts[:k])) for k in (1, 2))
    assert "n = 30 images" in one.because and "n = 30 images" in two.because
    table = as_table(tmp_path, *parts)
    found, margin = pool_question(table, "grad_cam", WHERE)
    pairs = differences(found)
    widest = max(count_to_decide(d, margin, len(pairs)) for d in pairs.values())
    assert two.needed == pytest.approx(widest / 2, abs=1)


def said(tmp_path, *parts):
    table = as_table(tmp_path, *parts)
    return answer_sentences(fill_table(table), examine(table), cells_by_loss(table))


MEASURED = "Of 21 cases over all networks, 7 kinds of map with 3 questions"


def test_the_answer_in_sentences_is_that_of_the_table_and_changes_with_it(tmp_path):
    better = list(make_rows(means(odds=0.7)))
    largest, turns, decided = said(tmp_path, better, mosaics(0.2))
    assert decided == (
        f"{MEASURED}: the score to take is, alone or beside others, the log-odds in 1; 20 are "
        "undecided (too few images)."
    )
    compared = cell_of(as_table(tmp_path, better, mosaics(0.2))).compared
    first, second = (f"{mean:.2f}" for mean in compared.means)
    other = NAMES[compared.second]
    assert largest == (
        f"The choice of score matters most for Grad-CAM, asked “{WHERE}”: take the log-odds "
        f"({first} of the map in the right place with the log-odds and {second} with {other}, a difference of "
        f"{compared.interval}, over 120 images and 1 network)."
    )
    assert turns.startswith("Whether the sign turns with what lies behind the layer could not be")
    assert "take the logit (0." in said(tmp_path, make_rows(means(pre=0.7)))[0]
    nothing = said(tmp_path, make_rows(means(odds=0.7), images=2))
    assert nothing[0].startswith("Nowhere is one score")
    assert nothing[2] == f"{MEASURED}, none is decided (too few images)."


def test_the_answer_says_where_any_score_will_do_and_how_many_images_are_wanting(tmp_path):
    same, open_cell = make_rows(means(), noise=0.01), {"method": "grad_cam_plus"}
    unsure = make_rows(means(odds=0.53), images=30, noise=0.4, **open_cell)
    unsure = list(unsure)
    (cell,) = (
        c for c in fill_table(as_table(tmp_path, unsure))
        if (c.method, c.question) == ("grad_cam_plus", WHERE)
    )  # fmt: skip
    (*_, decided) = said(tmp_path, same, unsure)
    assert decided == (
        f"{MEASURED}: 20 are undecided (for 1 of them a decision would take roughly "
        f"{float(f'{cell.needed:.2g}'):,.0f} images); any of the four will do in 1."
    )
    three = make_rows(means(pre=0.3), noise=0.01)
    best = "the log-odds in 1, the log-probability in 1 and the probability in 1"
    assert f"beside others, {best};" in said(tmp_path, three)[2]


def test_a_score_that_is_only_equal_to_the_others_is_not_called_best(tmp_path):
    """Post and odds are too far apart to be equal, and too uncertain to be told apart."""
    rows = list(make_rows(means(), noise=0.0))
    drawn = np.random.default_rng(3).normal(size=60)
    apart = 0.01 + 0.03 * (drawn - drawn.mean()) / drawn.std()
    for row in rows:
        half = apart[int(row["image"].split("-")[1])]
        row["value"] += {"pre": 0, "post": half, "log": half, "odds": -half}[row["score"]]
    table = as_table(tmp_path, rows)
    cell = cell_of(table)
    assert cell.scores == ("pre",) and cell.compared.verdict == "equal"
    assert ", equal by what matters, n = 60 images" in cell.because
    largest, _, decided = said(tmp_path, rows)
    assert "no other score is better by what matters than the logit in 1." in decided
    assert "to take" not in decided and largest.startswith("Nowhere")


@pytest.mark.parametrize(
    ("linear", "rectified", "verb", "words"),
    [
        (0.2, -0.1, "turns", ("has more of", "and less (-0.10 [")),
        (0.2, 0.1, "was not seen to turn", ("has more of", "and more (+0.10 [")),
        (0.2, 0.0, "was not seen to turn", ("has more of", "and no more and no less (+0.00 [")),
        (-0.2, 0.1, "turns", ("has less of", "and more (+0.10 [")),
    ],
)
def test_the_answer_says_in_words_whether_the_sign_turns(tmp_path, linear, rectified, verb, words):
    net = {"network": "efficientnet-lite0"}
    (_, turns, _) = said(
        tmp_path,
        mosaics(linear, layer="top_activation", head="linear", noise=0.001, **net),
        mosaics(rectified, layer="block5c_add", head="rectified", noise=0.001, **net),
    )
    assert turns.startswith(f"The sign of the difference between log-odds and logit {verb} with")
    assert all(part in turns for part in ("in efficientnet-lite0, ", *words))
    assert turns.endswith("; whether saturation alone changes it is open.")


@pytest.mark.parametrize(
    ("hot", "words"),
    [
        (0.1, "does not change it by what matters."),
        (0.3, "changes it."),
        (0.126, "makes it larger, whether by as much as matters is open."),
        (0.074, "makes it smaller, whether by as much as matters is open."),
    ],
)
def test_the_answer_says_in_words_what_saturation_does(tmp_path, hot, words):
    cool = mosaics(0.1, network="vgg19-mini@0.5", noise=0.02)
    hottest = mosaics(hot, network="vgg19-mini@4", noise=0.02, seed=1)
    sentence = said(tmp_path, cool, hottest)[1]
    assert sentence.endswith(f" multiplying the logits of vgg19-mini {words}")


def test_each_sentence_of_the_answer_has_one_full_stop(tmp_path):
    net = {"network": "efficientnet-lite0"}
    parts = (
        mosaics(0.2, layer="top_activation", head="linear", **net),
        mosaics(0.0, layer="block5c_add", head="rectified", **net),
    )
    for sentences in (said(tmp_path, *parts), said(tmp_path, make_rows(means(), images=2))):
        assert len(re.findall(r"\.( |$)", " ".join(sentences))) == 3


def test_a_score_that_turns_with_the_loss_of_the_training_comes_first(tmp_path):
    softmax = list(make_rows(means(odds=0.7)))
    turned, same = (
        list(make_rows(means(**best), network="sigmoid-0", seed=1))
        for best in ({"pre": 0.8}, {"odds": 0.8})
    )
    first = said(tmp_path, softmax, turned)[0]
    assert first.startswith(
        f"For Grad-CAM, asked “{WHERE}”, the comparison that was planned, over 2 networks, is "
        "undecided; split by the loss of the training, which was not planned, it says: with a "
        "softmax the log-odds (0."
    )
    assert (
        ", with sigmoids, in trainings of one recipe, the logit, there the log-odds of the class's "
        "own output (0."
    ) in first
    table = as_table(tmp_path, softmax, turned)
    decided = [
        c._replace(scores=("odds", "log")) if (c.method, c.question) == ("grad_cam", WHERE) else c
        for c in fill_table(table)
    ]
    first = answer_sentences(decided, examine(table), cells_by_loss(table))[0]
    assert "over 2 networks, says the log-odds or the log-probability; split by" in first
    assert set(cells_by_loss(as_table(tmp_path, softmax, turned))) == {"softmax", "sigmoid"}
    assert said(tmp_path, softmax, same)[0].startswith("The choice of score matters most")
    for of_softmax, of_sigmoids, verdict in (
        (0.3, -0.2, "changes which is ahead"),
        (0.3, 0.2, "does not change which is ahead"),
        (-0.3, -0.2, "does not change which is ahead"),
        (-0.3, 0.2, "changes which is ahead"),
        (0.3, -0.02, "leaves open which is ahead"),
        (0.02, 0.2, "leaves open which is ahead"),
    ):
        heads = [
            OfNetwork("softmax-head", of_softmax, of_softmax - 0.1, of_softmax + 0.1),
            OfNetwork("sigmoid-head", of_sigmoids, of_sigmoids - 0.1, of_sigmoids + 0.1),
        ]
        first = answer_sentences(fill_table(table), [], cells_by_loss(table), heads=heads)[0]
        assert f"of a network for ImageNet was trained with either, the loss {verdict} (" in first
        softmaxes, sigmoids = (
            f"{v:+.2f} [{v - 0.1:+.2f}, {v + 0.1:+.2f}]" for v in (of_softmax, of_sigmoids)
        )
        assert f"{softmaxes} with a softmax and {sigmoids} with sigmoids)." in first
    alone = cells_by_loss(as_table(tmp_path, softmax))
    assert (list(alone), turned_cells(alone)) == (["softmax"], [])


def test_the_answer_is_put_between_its_marks_again_and_again(tmp_path):
    page, notebook = tmp_path / "page.md", tmp_path / "page.ipynb"
    page.write_text(f"# Title\n\n{START}\nold\n{END}\n\nrest\n", "utf-8")
    cells = [nbformat.v4.new_markdown_cell("# 1"), nbformat.v4.new_markdown_cell(page.read_text())]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    short = tmp_path / "short.md"
    short.write_text(f"{START}\n{IN_SHORT}old\n{END}\n", "utf-8")
    for sentences in (["It is so.", "Or not."], ["It is new."]):
        write_answer(short, sentences)
        assert short.read_text("utf-8") == f"{START}\n{IN_SHORT}{' '.join(sentences)}\n{END}\n"
        for path in (page, notebook):
            write_answer(path, sentences)
        expected = f"# Title\n\n{START}\n{' '.join(sentences)}\n{END}\n\nrest\n"
        assert page.read_text("utf-8") == expected
        assert nbformat.read(notebook, 4).cells[1].source == expected


def test_copies_with_other_logits_and_other_layers_do_not_count_in_the_decision(tmp_path):
    others = ({"network": "vgg19-mini@4"}, {"layer": "block4_pool"})
    wrong = [make_rows(means(pre=0.9), **other) for other in others]
    assert cell_of(as_table(tmp_path, make_rows(means(odds=0.7)), *wrong)).answer == "odds"


def test_comparisons_are_those_of_the_data(tmp_path):
    table = as_table(tmp_path, make_rows(means(odds=0.7), noise=0.01))
    verdicts = {(c.first, c.second): c.verdict for c in compare_scores(table, "share inside")}
    assert verdicts["odds", "pre"] == verdicts["odds", "post"] == "better"
    assert verdicts["log", "pre"] == verdicts["post", "pre"] == "equal"
    (c,) = [
        c for c in compare_scores(table, "share inside") if (c.first, c.second) == ("odds", "pre")
    ]
    assert c.difference.mean == pytest.approx(0.2, abs=0.01)
    assert c.difference.count == 60


def test_an_image_without_a_number_of_one_score_is_left_out_for_all(tmp_path):
    rows = list(make_rows(means()))
    rows[2]["value"] = np.nan
    found = outcome(as_table(tmp_path, rows))
    assert found.values.shape == (59, 4)


def test_differences_by_log_odds_are_of_their_bin(tmp_path):
    low = make_rows(means(odds=0.7), bin="0 to 2")
    high = make_rows(means(odds=0.4), seed=1, bin="above 10", kind="two")
    found = by_bin(as_table(tmp_path, low, high), "odds", "pre")
    assert list(found) == list(BINS)
    assert found["0 to 2"].mean == pytest.approx(0.2, abs=0.03)
    assert found["above 10"].mean == pytest.approx(-0.1, abs=0.03)
    assert found["2 to 5"] is None


def test_the_advantage_of_the_own_judge_is_that_of_the_diagonal(tmp_path):
    own = {
        o: make_rows(means(**{o: 0.8}), measure="deletion", judge=o, noise=0.001) for o in SCORES
    }
    matrix, advantage = judge_matrix(as_table(tmp_path, *own.values()))
    np.testing.assert_allclose(matrix - matrix.mean(), 0.3 * np.eye(4) - 0.075, atol=0.001)
    assert advantage.mean == pytest.approx(0.3, abs=0.001)
    best = [make_rows(means(odds=0.8), measure="deletion", judge=o, noise=0.001) for o in SCORES]
    assert judge_matrix(as_table(tmp_path, *best))[1].mean == pytest.approx(0, abs=0.001)


def test_measures_that_order_maps_alike_agree_and_are_reliable(tmp_path):
    def rows(measure, order):
        for method, level in zip(("grad_cam", "grad_cam_plus"), (0, 1), strict=True):
            values = {s: level + 0.1 * k for k, s in enumerate(order)}
            yield from make_rows(values, method=method, measure=measure, noise=0.01)

    table = as_table(tmp_path, rows("share inside", SCORES), rows("pointing", SCORES))
    assert agreement(table, ("share inside", "pointing")) == pytest.approx(1)
    assert reliabilities(table)["pointing"] > 0.95


def test_a_measure_that_sees_damage_says_so(tmp_path):
    parts = [
        make_rows(means(odds=level), method=f"grad_cam{name}")
        for name, level in (("", 0.9), (", blurred", 0.6), (", other image", 0.2))
    ]
    found = reactions(as_table(tmp_path, *parts))
    assert found["share inside", "blurred"].mean == pytest.approx(0.3, abs=0.03)
    assert found["share inside", "other image"].low > 0.6


def test_the_map_of_another_mosaic_is_no_damage_as_its_class_is_in_the_same_tile(tmp_path):
    parts = [
        make_rows(means(odds=0.9), method=f"grad_cam{name}", measure="grid pointing", kind="mosaic")
        for name in ("", ", blurred", ", other image")
    ]
    found = reactions(as_table(tmp_path, *parts))
    assert found["grid pointing", "blurred"] is not None
    assert found["grid pointing", "other image"] is None


def mosaics(odds, **given):
    return make_rows(means(odds=0.5 + odds), measure="grid pointing", kind="mosaic", **given)


def findings(table):
    return {(f.hypothesis, f.network): f.verdict for f in examine(table)}


def sides(table, hypothesis):
    (finding,) = (f for f in examine(table) if f.hypothesis == hypothesis)
    return [side.mean for side in finding.sides]


@pytest.mark.parametrize(
    ("linear", "rectified", "verdict"),
    [(0.2, 0.0, BORNE_OUT), (0.2, 0.2, REFUTED), (-0.1, -0.3, REFUTED)],
)
def test_the_hypothesis_on_heads(tmp_path, linear, rectified, verdict):
    net = {"network": "efficientnet-lite0"}
    table = as_table(
        tmp_path,
        mosaics(linear, layer="top_activation", head="linear", **net),
        mosaics(rectified, layer="block5c_add", head="rectified", **net),
    )
    assert findings(table)["H1", "efficientnet-lite0, block5c_add"] == verdict
    assert sides(table, "H1") == pytest.approx([linear, rectified], abs=0.02)


@pytest.mark.parametrize(("shown", "verdict"), [(0.2, BORNE_OUT), (-0.2, REFUTED), (0.0, OPEN)])
def test_the_hypotheses_on_rivals(tmp_path, shown, verdict):
    few = mosaics(0.0, p2=0.01, rivals=1.1)
    many = mosaics(shown, p2=0.3, rivals=3.0, object="1", seed=1)
    table = as_table(tmp_path, few, many)
    found = findings(table)
    assert found["H2", "vgg19-mini"] == found["H3", "vgg19-mini"] == verdict
    assert sides(table, "H2") == pytest.approx([shown, 0], abs=0.03)


@pytest.mark.parametrize(("hot", "verdict"), [(0.1, BORNE_OUT), (0.3, REFUTED)])
def test_the_hypothesis_on_saturation(tmp_path, hot, verdict):
    table = as_table(
        tmp_path,
        mosaics(0.1, network="vgg19-mini@0.5", noise=0.02),
        mosaics(hot, network="vgg19-mini@4", noise=0.02, seed=1),
    )
    assert findings(table)["H4", "vgg19-mini@4"] == verdict
    assert sides(table, "H4") == pytest.approx([hot, 0.1], abs=0.01)


def test_the_plan_has_the_numbers_of_the_code():
    rows = dict(re.findall(r"^\| ([a-z, ]+?) \| (0\.\d+) \|", PLAN, re.MULTILINE))
    assert {name: float(value) for name, value in rows.items()} == MARGINS
    kinds = ("one", "two", "mosaic", "difull", "photo")
    for name, counts in (
        ("a network, primary layer", FULL.images["network"]),
        ("a network, each further layer", FULL.further),
        ("a copy with other logits", FULL.images["copy"]),
        ("another training", FULL.images["training"]),
        ("with RSI-Grad-CAM", FULL.paths["network"]),
        ("with RSI-Grad-CAM", FULL.paths["copy"]),
        ("with RSI-Grad-CAM", FULL.paths["training"]),
        ("with Integrated Gradients", FULL.pixels["network"]),
    ):
        numbers = (str(counts.get(kind, 0)) for kind in kinds)
        assert f"| {name} | {' | '.join(numbers)} |" in PLAN
    assert not FULL.pixels["copy"] and not FULL.pixels["training"]
    for question, measures in QUESTIONS.items():
        assert f"| {question} | {', '.join(measures)} |" in PLAN
    assert f"no output judges: {', '.join(PRIMARY)}." in PLAN
    assert f"stream {STREAM}" in PLAN and f"{FULL.max_steps} intervals" in PLAN
    assert f"at most {FULL.tolerance:g}".replace("0.", ".") in " ".join(PLAN.split())
    for layers in LAYERS.values():
        assert ", ".join(f"`{layer}`" for layer in layers) in PLAN
    assert len(BINS) == len(BIN_EDGES) + 1
    assert SMALL.images["network"].keys() == FULL.images["network"].keys()


def test_a_seed_whose_scenes_are_seen_elsewhere_is_refused():
    assert read_seed("13") == 13 and read_seed("20") == 20
    for text in ("7", "-1", "x", ""):
        with pytest.raises(ValueError, match=f"STUDY_SEED is '{text}'; a whole number from 13"):
            read_seed(text)


def test_a_scene_that_several_networks_are_shown_is_one_image(tmp_path):
    """And each network's own photographs are images of their own."""
    rows = [list(make_rows(means(odds=0.7), network=n)) for n in ("vgg19-mini", "softmax-1")]
    one, two = cell_of(as_table(tmp_path, rows[0])), cell_of(as_table(tmp_path, *rows))
    assert (one.compared.images, two.compared.images, two.compared.networks) == (60, 60, 2)
    other = make_rows(means(odds=0.7), network="efficientnet-lite0", layer="top_activation")
    rows = make_rows(means(odds=0.7))
    assert cell_of(as_table(tmp_path, rows, other)).compared.images == 120
