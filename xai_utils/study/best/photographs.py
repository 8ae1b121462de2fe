"""The measures that need no masks, for any network and any photographs."""

from xai_utils.checks import check_count
from xai_utils.classifier import INPUT
from xai_utils.study.best.cases import Source, find_photographs, make_case
from xai_utils.study.best.measuring import measure_cases
from xai_utils.study.best.plan import Paths

TOGETHER = 40  # photographs whose maps are in memory at once


def measure_photographs(classifier, folder, layer=None, steps=50):
    """Outputs as judges of the maps of some photographs, for the two most probable classes of each.

    Parameters
    ----------
    classifier : Classifier
    folder : str or Path
        With image files.
    layer : str, optional
        Where activations are read, by default as in `ScoreGradients`; Integrated Gradients are
        computed at the pixels.
    steps : int
        Of the path methods.

    Returns
    -------
    list of dict
        Rows of the table, see `xai_utils.study.best.table`.

    Raises
    ------
    FileNotFoundError
        If there are no photographs.
    """
    check_count("steps", steps)
    layer = classifier.default_layer if layer is None else layer
    source = Source(classifier, find_photographs(folder))
    paths = Paths(len(source.photographs), steps, tolerance=None, max_steps=steps)
    rows = []
    for start in range(0, len(source.photographs), TOGETHER):
        numbers = range(start, min(start + TOGETHER, len(source.photographs)))
        cases = {number: make_case("photo", source, number) for number in numbers}
        for place in dict.fromkeys((layer, INPUT)):
            found = measure_cases(classifier, place, "photo", cases, paths)
            rows += [{"network": classifier.name, **row} for row in found]
        print(f"{numbers.stop} of {len(source.photographs)} photographs", flush=True)
    return rows
