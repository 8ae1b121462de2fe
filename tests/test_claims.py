"""Each check in the notebooks can fail: with its formula broken, it does."""

import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import xai_utils
from xai_utils.study.claims import check_equal

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"

FEWER = {"scenes": 6, "steps": 10}  # where a notebook has such parameters

# a call of a check
CHECK = re.compile(r"(?<!def )\bcheck_(?!parameters)\w+\(")

# notebook: (a piece of a formula, what it is replaced with)
BROKEN = {
    "1_softmax_gradients": [
        ("np.diag(p) - np.outer(p, p)", "np.diag(p)"),
        ("(softmax(z + e) - softmax(z - e)) / 2e-3", "(softmax(z + e) - softmax(z - e)) / 1e-3"),
        ("slope = -np.log(y) - 1", "slope = -np.log(y) ** 2"),
        ("np.eye(len(y[k]))[c] - y[k]", "np.eye(len(y[k]))[c] + y[k]"),
        ("many.sum(axis=1), np.ones", "many.max(axis=1), np.ones"),
    ],
    "2_detecting_a_class": [
        (
            "changed = add_to_kernel(classifier, vector)",
            "changed = add_to_kernel(classifier, vector)\n"
            "last = changed.network.layers[-1]\n"
            "last.set_weights([1.01 * w for w in last.get_weights()])",
        ),
        ("b / b.max(), a / a.max()", "b / b.max(), maps['the network', 'pre'] / a.max()"),
        ("-2 * own", "own"),
        ("[train_by_descent(network, x, digits)", "[train_by_descent(network, x, digits, seed=id(network))"),
        ("* (top - p) for p in y", "* top for p in y"),
        ("direction = np.linalg.lstsq(J, np.ones(len(J)), rcond=None)[0]", "direction = J[0]"),
        ("direction - silent", "2 * direction - silent"),
    ],
    "3_loss": [
        ("gained = (t * (log_t - log_y)).sum()", "gained = (t * log_t).sum()"),
        ("        y - t,", "        y + t,"),
        ("by_formula = np.tensordot(y - t,", "by_formula = np.tensordot(y,"),
        ("slopes = -t / y", "slopes = t / y"),
        ("loss = np.tensordot(y - one[c],", "loss = np.tensordot(one[c],"),
        ('"post")[0] / y[c]', '"post")[0] * 2'),
        ('"odds")[0] * (1 - y[c])', '"odds")[0] * y[c]'),
        ("matrix = np.eye(n) - y", "matrix = np.eye(n) + y"),
        ("cosine(many.point_gradient(s), descent)", 'cosine(many.point_gradient("pre"), descent)'),
        ('("descent", descent)', '("descent", many.point_gradient("pre"))'),
    ],
    "4a_one_map": [
        ('method(many, "odds")[rows]', 'method(many, "pre")[rows]'),
        ("tiny = 1e-6 *", "tiny = 1e3 *"),
    ],
    "4b_saturation": [
        ('for name in ("log-odds", "exact")', 'for name in ("below 1", "exact")'),
    ],
    "4c_contrasts": [
        ('contrasts["weighted"], odds', 'contrasts["max"], odds'),
        ("weights = contrast_weights(name, z_twin, many.targets)", "weights = 1.1 * contrast_weights(name, z_twin, many.targets)"),
    ],
    "5_manipulated_maps": [
        ("np.full(len(before), K / cells)", "np.full(len(before), K)"),
        ("if score != \"pre\":", "if score == \"pre\":"),
        ("vector_for_map(gradients, pattern)", "vector_for_map(gradients, pattern[::-1])"),
        ("SCORES[1:]:\n        check_same_map", "SCORES:\n        check_same_map"),
        ("(tf.nn.softmax(n.network", "(tf.identity(n.network"),
        ("SCORES[1:]:\n        a, b", "SCORES:\n        a, b"),
        ("if s != \"pre\":", "if s == \"pre\":"),
        ("< middle[name]).mean()", "> middle[name]).mean()"),
        ("after[1:], before[1:]", "after[:1], before[:1]"),
        ('grad_cam(found, "odds")', 'grad_cam(found, "pre")'),
        ("centred[name] = columns - mean", "centred[name] = columns"),
    ],
}  # fmt: skip


@pytest.fixture
def quiet(monkeypatch):
    """Notebook cells outside a notebook: figures are drawn, and neither shown nor saved."""
    for name, stub in (
        ("show", lambda figure, alt=None: plt.close(figure)),
        ("save_figure", lambda *arguments: None),
        ("check_parameters", dict),
    ):
        monkeypatch.setattr(xai_utils, name, stub)
    monkeypatch.setattr("xai_utils.parameters.check_parameters", dict)


def code_cells(notebook):
    content = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))
    return ["".join(c["source"]) for c in content["cells"] if c["cell_type"] == "code"]


@pytest.mark.parametrize("notebook", BROKEN)
def test_every_check_fails_when_its_formula_is_broken(notebook, quiet):
    unused, namespace = list(BROKEN[notebook]), {}
    for cell in code_cells(notebook):
        here = [pair for pair in BROKEN[notebook] if pair[0] in cell]
        assert here or "def check_" in cell or not CHECK.search(cell), f"not broken:\n{cell}"
        for right, wrong in here:
            unused.remove((right, wrong))
            with pytest.raises(AssertionError):
                exec(cell.replace(right, wrong), dict(namespace))
        exec(cell, namespace)
        namespace |= {name: value for name, value in FEWER.items() if name in namespace}
    assert not unused
    plt.close("all")


# of the discussion: (a piece of the evidence, what it is replaced with)
WITHOUT_EVIDENCE = [
    ("(one - y)", "(one + y)"),
    ("twin = add_to_kernel(classifier, vector)", "twin = add_to_kernel(classifier, 0 * vector)"),
    ("exact.gradients[score], -loss", "exact.gradients[score], loss"),
    ("for g in (gradients, image_twin)", "for g in (gradients, gradients)"),
    ("addition[0, 0] = 10", "addition[0, 0] = 0"),
    ("(z, z_twin)", "(z, 2 * z)"),
    ("y.argmax(axis=1)", "y.argmin(axis=1)"),
    ("cosine(tape.gradient(after_softmax, x), loss)", "cosine(A, loss)"),
    ("whether(post.min() > 0.9999)", "whether(pre.min() > 0.9999)"),
    ('alone = -exact.gradients["post"]', 'alone = -exact.gradients["pre"]'),
    ("zip(grad_cam(exact, s), grad_cam(shifted, s)", "zip(grad_cam(exact, s), grad_cam(exact, s)"),
    ("slope = slopes[name, score]", "slope = -0.4"),
    ("np.array(smallest) < 0.01", "np.array(smallest) < 0"),
    ('slopes[name, "post"] < -0.5', 'slopes[name, "pre"] < -0.5'),
    ("half = at_photo.attributed[0]", "half = 0 * at_photo.attributed[0]"),
    ('("to 1", "exact"), ("below 1", "exact")', '("exact", "exact"), ("exact", "exact")'),
    ("values = list(differences.values())", "values = list(differences.values())[::-1]"),
    ("np.array(r) > 0.95", "np.array(r) > 2"),
    ('exact.gradients["pre"] ** k', 'exact.gradients["odds"] ** k'),
    ("value > 0.95 for value", "value < 0.95 for value"),
]


def test_every_verdict_on_the_theory_changes_without_its_evidence(quiet):
    unused, namespace = list(WITHOUT_EVIDENCE), {}
    for cell in code_cells("6_discussion"):
        filed = namespace["verdicts"].filed if "verdicts" in namespace else []
        before, others = len(filed), []
        for right, wrong in (pair for pair in WITHOUT_EVIDENCE if pair[0] in cell):
            unused.remove((right, wrong))
            exec(cell.replace(right, wrong), dict(namespace))
            others.append([row[-1] for row in filed[before:]])
            del filed[before:]
        exec(cell, namespace)
        for k, (claim, _, verdict) in enumerate(filed[before:]):
            assert any(other[k] != verdict for other in others), claim
        if not unused:
            return
        fewer = {"scenes": 16, "pairs": 2}
        namespace |= {name: value for name, value in fewer.items() if name in namespace}
    pytest.fail(f"not found: {unused}")


def test_a_difference_above_the_tolerance_is_named():
    check_equal("close", [1.0, 2.0], [1.0, 2.001], 1e-3)
    with pytest.raises(AssertionError, match=r"far: differ by 0\.5, allowed is 0\.001"):
        check_equal("far", [1.0, 2.0], [2.0, 2.0], 1e-3)
    with pytest.raises(AssertionError, match=r"shapes \(2,\) and \(3,\) differ"):
        check_equal("shapes", np.zeros(2), np.zeros(3), 1e-3)
    with pytest.raises(AssertionError, match="nan"):
        check_equal("nan", [np.nan], [1.0], 1e-3)
