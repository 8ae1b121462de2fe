"""A second run of the study, with other images: what it says of what the first one decided."""

from pathlib import Path

import pytest

from tests.test_best_answer import as_table, make_rows, means
from xai_utils.pretrained.efficientnet_lite import VARIANTS
from xai_utils.study.best.again import (
    ALL,
    CONTRADICTED,
    NOT_AGAIN,
    SAID_AGAIN,
    all_cells,
    compare_cells,
    confirm,
    differences_by_network,
    read_again,
    turns_with_the_loss,
    write_again,
)
from xai_utils.study.best.hypotheses import examine
from xai_utils.study.best.networks import places_of
from xai_utils.study.best.plan import MARGINS, OTHERS
from xai_utils.study.best.sentences import answer_sentences
from xai_utils.study.best.shards import plan_shards

ROOT = Path(__file__).parent.parent


def networks(softmax, sigmoid):
    """Rows of two networks, each with the mean of the log-odds given; the logit has .5."""
    return [
        make_rows(means(post=odds, log=odds, odds=odds), network=name)
        for name, odds in (("softmax-1", softmax), ("sigmoid-0", sigmoid))
    ]


@pytest.mark.parametrize(
    ("softmax", "sigmoid", "verdict"),
    [(0.6, 0.4, "borne out"), (0.6, 0.5, "open"), (0.6, 0.6, "refuted"), (0.4, 0.4, "refuted")],
)
def test_whether_the_sign_turns_with_the_loss(tmp_path, softmax, sigmoid, verdict):
    found = differences_by_network(as_table(tmp_path, *networks(softmax, sigmoid)))
    assert [n.network for n in found] == ["softmax-1", "sigmoid-0"]
    for n, mean in zip(found, (softmax - 0.5, sigmoid - 0.5), strict=True):
        assert n.low < mean < n.high and n.mean == pytest.approx(mean, abs=0.02)
    assert turns_with_the_loss(found) == verdict


def test_without_networks_of_both_losses_nothing_is_borne_out(tmp_path):
    found = differences_by_network(as_table(tmp_path, networks(0.6, 0.4)[0]))
    assert turns_with_the_loss(found) == turns_with_the_loss([]) == "open"


def test_networks_of_one_loss_are_asked_about_their_side_alone(tmp_path):
    found = differences_by_network(as_table(tmp_path, networks(0.6, 0.4)[0]))
    assert turns_with_the_loss(found, ["softmax"]) == "borne out"
    assert turns_with_the_loss([n._replace(low=-0.1) for n in found], ["softmax"]) == "open"
    below = [n._replace(low=-0.2, high=-0.1) for n in found]
    assert turns_with_the_loss(below, ["softmax"]) == "refuted"


def test_the_plan_for_other_networks_has_the_numbers_of_the_code():
    plan = " ".join((ROOT / "notebooks" / "8_plan_others.md").read_text("utf-8").split())
    assert f"{OTHERS.images['network']['mosaic']} mosaics" in plan
    assert f"margin ({MARGINS['grid pointing']:g})".replace("0.", ".") in plan
    for name in OTHERS.networks:
        assert f"`{name}`" in plan and f"`{next(iter(places_of(name)))}`" in plan
        assert f"{VARIANTS[name].size} " in plan
    shards = plan_shards(OTHERS, OTHERS.networks)
    assert {s.kinds for s in shards if s.network in OTHERS.networks} == {"mosaic"}
    assert (
        max(s.stop for s in shards) == 200 and OTHERS.count("network", "mosaic", "pixels")[0] == 0
    )


def test_a_copy_and_a_network_that_shows_too_little_have_no_difference(tmp_path):
    copy = make_rows(means(odds=0.7), network="vgg19-mini@4")
    few = make_rows(means(odds=0.7), network="softmax-2", images=2)
    assert differences_by_network(as_table(tmp_path, copy, few)) == []


@pytest.mark.parametrize(
    ("again", "noise", "said"),
    [
        (means(odds=0.7), 0.05, SAID_AGAIN),
        (means(pre=0.7), 0.05, CONTRADICTED),
        (means(odds=0.52), 0.4, NOT_AGAIN),
        (means(odds=0.7, log=0.7), 0.01, NOT_AGAIN),
        (means(odds=0.7, log=0.9), 0.05, CONTRADICTED),
    ],
)
def test_what_another_run_says_of_a_cell(tmp_path, again, noise, said):
    first = all_cells(as_table(tmp_path, make_rows(means(odds=0.7))))
    write_again(tmp_path / "again.json", as_table(tmp_path, make_rows(again, seed=1, noise=noise)))
    _, second = read_again(tmp_path / "again.json")
    compared = compare_cells(first, second)
    assert {(name, cell.scores, found) for name, cell, _, found in compared} == {
        (ALL, ("odds",), said),
        ("softmax", ("odds",), said),
    }


def taking(tmp_path, softmax, sigmoid):
    """A table of two networks; in each, one score is better than the others."""
    best = {"softmax-1": softmax, "sigmoid-0": sigmoid}
    rows = [make_rows(means(**{s: 0.7}), network=network) for network, s in best.items()]
    return as_table(tmp_path, *rows)


def test_a_cell_that_a_second_run_does_not_say_again_is_undecided(tmp_path):
    first = all_cells(taking(tmp_path, "odds", "pre"))
    again = all_cells(taking(tmp_path, "odds", "odds"))
    cells = confirm(first, again)
    assert cells["softmax"] == first["softmax"]
    (cell, *rest), (before, *others) = cells["sigmoid"], first["sigmoid"]
    assert before.scores == ("pre",) and cell.answer == "undecided" and rest == others
    assert cell.because.startswith(f"contradicted with other images: {before.because}, and then 0")
    assert cell.because.endswith(again["sigmoid"][0].because) and cell.needed == 0
    few = {"sigmoid": [before._replace(scores=(), needed=700)]}
    (cell, *_) = confirm(first, few)["sigmoid"]
    assert cell.because.startswith("not said again with") and cell.needed == 700
    (unsure, *_), (more, *_) = ([before._replace(scores=(), needed=n)] for n in (300, 700))
    for one, other in ((unsure, more), (more, unsure)):
        assert confirm({"sigmoid": [one]}, {"sigmoid": [other]})["sigmoid"][0].needed == 700
    assert confirm(first, {}) == first


def test_the_answer_says_that_it_was_asked_twice(tmp_path):
    table = taking(tmp_path, "odds", "pre")
    cells = all_cells(table)
    first, _, decided = answer_sentences(cells.pop(ALL), examine(table), cells, True)
    assert (
        "split by the loss of the training, which was planned only for a second run with other "
        "images, both runs say, in numbers of the first: with a softmax the log-odds (0."
    ) in first
    assert "with 3 questions, each asked with two sets of images" in decided
    cells = confirm(all_cells(table), all_cells(taking(tmp_path, "odds", "odds")))
    first, *_ = answer_sentences(cells.pop(ALL), examine(table), cells, True)
    assert "both runs" not in first


def test_what_was_written_is_read_as_it_was(tmp_path):
    table = as_table(tmp_path, *networks(0.6, 0.4))
    write_again(tmp_path / "again.json", table)
    found, cells = read_again(tmp_path / "again.json")
    assert found == differences_by_network(table)
    assert {
        loss: [(c.answer, c.because) for c in own if c.scores] for loss, own in cells.items()
    } == {
        loss: [(c.answer, c.because) for c in own if c.scores]
        for loss, own in all_cells(table).items()
    }
    assert all(said == SAID_AGAIN for *_, said in compare_cells(all_cells(table), cells))
