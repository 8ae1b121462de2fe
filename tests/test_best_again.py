"""A second run of the study, with other images: what it says of what the first one decided."""

import pytest

from tests.test_best_answer import as_table, make_rows, means
from xai_utils.study.best.again import (
    ALL,
    CONTRADICTED,
    NOT_AGAIN,
    SAID_AGAIN,
    all_cells,
    compare_cells,
    differences_by_network,
    read_again,
    turns_with_the_loss,
    write_again,
)


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
