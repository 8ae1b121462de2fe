"""The answer in three sentences, computed from the table."""

from collections import Counter

from xai_utils.study.best.answer import METHODS, in_digits
from xai_utils.study.best.cells import ANY, count_of
from xai_utils.study.best.hypotheses import BORNE_OUT, MEASURE, REFUTED
from xai_utils.study.best.losses import loss_of, turned_cells
from xai_utils.study.best.plan import MARGINS

# for readers who know no code
NAMES = {
    "odds": "the log-odds",
    "log": "the log-probability",
    "post": "the probability",
    "pre": "the logit",
}
# a softmax was not part of the training of these; their own probability is the logit's sigmoid
NAMES_WITH_SIGMOIDS = {**NAMES, "post": "the probability of an added softmax"}
# what a number is, where one number is of one thing
SHARES = {"Where is the class in the image?": " of the map in the right place"}


def answer_sentences(cells, findings, by_loss, twice=False, heads=()):
    """What the study says: where the score matters most, when the sign turns, and what is decided.

    If the score to take turns with the loss of the training, that comes first.

    For readers who know neither the plan nor the names in the code.

    Parameters
    ----------
    cells : sequence of Cell
        From `fill_table`.
    findings : sequence of Finding
        From `examine`.
    by_loss : dict
        From `cells_by_loss`.
    twice : bool
        Whether a second run, with other images, has confirmed the cells.
    heads : sequence of OfNetwork
        From `differences_by_network`, of one network with last layers trained with either loss;
        of use only where the score to take turns with the loss.

    Returns
    -------
    list of str
        Three sentences, each with one full stop.
    """
    first = _by_loss(cells, by_loss, twice, heads) or _largest(cells)
    return [first, _turns(findings), _decided(cells, twice)]


def _decided(cells, twice):
    methods, questions = (len({getattr(c, name) for c in cells}) for name in ("method", "question"))
    cases = (
        f"{len(cells)} cases over all networks, {methods} kinds of map with {questions} questions"
        f"{', each asked with two sets of images' * twice}"
    )
    undecided = sum(not cell.scores for cell in cells)
    if undecided == len(cells):
        return f"Of {cases}, none is decided{_wanted(cells)}."
    best, equal = (
        [c.scores for c in cells if c.scores and c.answer != ANY and c.compared.verdict == verdict]
        for verdict in ("better", "equal")
    )
    alike = sum(cell.answer == ANY for cell in cells)
    clauses = (
        f"the score to take is, alone or beside others, {_counted(best)}" if best else "",
        f"{undecided} are undecided{_wanted(cells)}" if undecided else "",
        f"any of the four will do in {alike}" if alike else "",
        f"no other score is better by what matters than {_counted(equal)}" if equal else "",
    )
    return f"Of {cases}: {'; '.join(filter(None, clauses))}."


def _counted(taken):
    """Scores with the number of cells that take them: "the log-odds in 3 and the logit in 1"."""
    counts = Counter(score for scores in taken for score in scores)
    return _listed([f"{NAMES[score]} in {count}" for score, count in _ordered(counts)])


def _ordered(counts):
    """Scores with their counts, the largest first, those of one count in the order of NAMES."""
    return sorted(counts.items(), key=lambda item: (-item[1], list(NAMES).index(item[0])))


def _wanted(cells):
    """How many images the undecided cells would take, in brackets: two digits are known at most."""
    undecided = [cell for cell in cells if not cell.scores]
    needs = sorted(cell.needed for cell in undecided if cell.needed)
    if not needs:
        return " (too few images)"
    ends = dict.fromkeys(f"{float(f'{need:.2g}'):,.0f}" for need in (needs[0], needs[-1]))
    some = f"for {len(needs)} of them " if len(needs) < len(undecided) else ""
    return f" ({some}a decision would take roughly {' to '.join(ends)} images)"


def _listed(parts, last="and"):
    """Parts of a sentence as a list in words: "a, b and c"."""
    return f" {last} ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _by_loss(cells, by_loss, twice, heads):
    """The cell in which the loss of the training matters most; "" if there is none."""
    turned = turned_cells(by_loss)
    if not turned:
        return ""
    softmax, sigmoid = turned[0]
    (planned,) = [c for c in cells if (c.method, c.question) == (softmax.method, softmax.question)]
    taken = f"says {_either(planned.scores)}" if planned.scores else "is undecided"
    own = ", there the log-odds of the class's own output" if "pre" in sigmoid.scores else ""
    said = "not planned, it says"
    if twice:
        said = "planned only for a second run with other images, both runs say"
        said += ", in numbers of the first"
    return (
        f"For {METHODS[softmax.method]}, asked “{softmax.question}”, the comparison that was "
        f"planned, over {count_of(planned.compared.networks, 'network')}, {taken}; split by the "
        f"loss of the training, which was {said}: with a softmax "
        f"{_taken(softmax)}, with sigmoids, in trainings of one recipe, "
        f"{_taken(sigmoid, NAMES_WITH_SIGMOIDS, own)}{_by_head(heads)}."
    )


def _by_head(heads):
    """What last layers that were trained alone say of it, as a clause."""
    if not heads:
        return ""
    signs = {int(n.low > 0) - int(n.high < 0) for n in heads}
    if 0 in signs:
        says = "leaves open which is ahead"
    else:
        says = f"{'changes' if len(signs) > 1 else 'does not change'} which is ahead"
    names = {"softmax": "a softmax", "sigmoid": "sigmoids"}
    ends = [f"{in_digits(n)} with {names[loss_of(n.network)]}" for n in heads]
    return (
        f"; where only the last layer of a network for ImageNet was trained with either, the loss "
        f"{says} (log-odds minus logit, an empty map counted as 0: {_listed(ends)})"
    )


def _either(scores):
    """Scores to be taken, in words: "the log-odds or the logit"."""
    return _listed([name for score, name in NAMES.items() if score in scores], "or")


def _taken(cell, names=NAMES, own=""):
    """What to take and why, in words."""
    c = cell.compared
    return (
        f"{_either(cell.scores)}{own} "
        f"({c.means[0]:.2f}{SHARES.get(cell.question, '')} with {names[c.first]} and "
        f"{c.means[1]:.2f} with {names[c.second]}, a difference of {c.interval}, over "
        f"{count_of(c.images, 'image')} and {count_of(c.networks, 'network')})"
    )


def _largest(cells):
    """The decided cell in which the choice matters most."""
    chosen = [c for c in cells if c.scores and c.answer != ANY and c.compared.verdict == "better"]
    if not chosen:
        return "Nowhere is one score shown to be better than another by what matters."
    cell = max(chosen, key=lambda cell: cell.compared.mean)
    return (
        f"The choice of score matters most for {METHODS[cell.method]}, asked “{cell.question}”: "
        f"take {_taken(cell)}."
    )


def _turns(findings):
    """What lies behind the layer, and what saturation does: hypotheses H1 and H4 in words."""
    of_heads = [f for f in findings if f.hypothesis == "H1" and None not in f.sides]
    if not of_heads:
        start = "Whether the sign turns with what lies behind the layer could not be tried"
        return f"{start}, and {_saturation(findings)}."
    signs = {_sign(side) for f in of_heads for side in f.sides}
    verb = "turns" if {1, -1} <= signs else "was not seen to turn"
    networks = dict.fromkeys(f.network.split(", ")[0] for f in of_heads)
    parts = [_of_network(name, of_heads) for name in networks]
    return (
        f"The sign of the difference between log-odds and logit {verb} with what lies behind the "
        f"layer: {'; '.join(parts)}; {_saturation(findings)}."
    )


def _of_network(network, findings):
    """What heads do in one network, in words."""
    own = [f for f in findings if f.network.startswith(f"{network}, ")]
    linear, rectified = own[0].sides[0], [f.sides[1] for f in own]
    behind = {}
    for side in rectified:
        behind.setdefault(_more(side), []).append(in_digits(side))
    said = _listed([f"{more} ({'; '.join(digits)})" for more, digits in behind.items()], "or")
    return (
        f"in {network}, Grad-CAM of the log-odds has {_more(linear)} of its map on the right one "
        f"of four images than that of the logit where a linear head follows ({in_digits(linear)}), "
        f"and {said} where rectified layers do"
    )


def _sign(side):
    """1 or -1 of a difference that is sure and not negligible; otherwise 0."""
    if side.is_negligible(MARGINS[MEASURE]):
        return 0
    return int(side.low > 0) - int(side.high < 0)


def _more(side):
    if side.is_negligible(MARGINS[MEASURE]):
        return "no more and no less"
    return {1: "more", -1: "less", 0: "not surely more or less"}[_sign(side)]


def _saturation(findings):
    tried = [f for f in findings if f.hypothesis == "H4"]
    shown, verdicts = [f.shown for f in tried if f.shown], {f.verdict for f in tried}
    networks = _listed(list(dict.fromkeys(f.network.partition("@")[0] for f in tried)))
    multiplying = f"multiplying the logits of {networks}"
    if verdicts == {BORNE_OUT}:
        return f"{multiplying} does not change it by what matters"
    if verdicts == {REFUTED}:
        return f"{multiplying} changes it"
    for change, sure in (
        ("smaller", all(d.high < 0 for d in shown)),
        ("larger", all(d.low > 0 for d in shown)),
    ):
        if shown and sure:
            return f"{multiplying} makes it {change}, whether by as much as matters is open"
    return "whether saturation alone changes it is open"
