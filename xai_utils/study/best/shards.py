"""Shards of the study: each one process that writes its rows in one piece."""

import time
from pathlib import Path
from typing import NamedTuple

from xai_utils.pretrained import PRETRAINED
from xai_utils.study.best.cases import Source, find_photographs, make_case
from xai_utils.study.best.measuring import measure_cases
from xai_utils.study.best.networks import (
    find_trainings,
    knows_scenes,
    load_network,
    places_of,
    role_of,
)
from xai_utils.study.best.plan import FULL, OTHERS, SMALL, Paths
from xai_utils.study.best.sanity import check_cases
from xai_utils.study.best.table import NO_LOGITS, write_table
from xai_utils.study.best.units import LAYER, run_units

UNITS = "units"
# A process makes its images once for all layers; a mosaic and its tiles are drawn together
GROUPS = (("one",), ("two",), ("mosaic", "difull"), ("photo",))


class Shard(NamedTuple):
    """A part of the study.

    Attributes
    ----------
    network : str
        As `load_network` takes it, or "constructed".
    kinds : str
        Of images, joined by "+".
    start, stop : int
        Numbers of the images of each kind, without the last.
    """

    network: str
    kinds: str
    start: int
    stop: int

    @property
    def name(self):
        """For a file: "vgg19-mini@2--one--0-40"."""
        return f"{label_of(self.network)}--{self.kinds}--{self.start}-{self.stop}"


def label_of(network):
    """A network as it is named in the table: a file of weights by its stem."""
    base, at, factor = network.partition("@")
    return (Path(base).stem if base.endswith(".npz") else base) + at + factor


def available(scale, photographs):
    """The networks that can be run here, and why others cannot: list of str, dict of str."""
    found, missing = [], {}
    for name in scale.networks:
        if name == "trainings":
            found += find_trainings()
        elif name in PRETRAINED and photographs is None:
            missing[name] = "no folder of photographs was given"
        else:
            try:
                load_network(name)
                found.append(name)
            except FileNotFoundError as error:
                missing[name] = str(error).splitlines()[0]
    return found, missing


def plan_shards(scale, networks):
    """All shards, in the order of the table: list of Shard."""
    shards = [Shard("constructed", UNITS, 0, 1)]
    for network in networks:
        images = scale.images[role_of(network)]
        of_photographs = network.partition("@")[0] in PRETRAINED
        known = [kind for kind in images if not of_photographs or kind not in ("one", "two")]
        groups = [[kind for kind in group if kind in known] for group in GROUPS]
        if scale is SMALL:  # a process costs more than its work
            groups = [known]
        for kinds in filter(None, groups):
            count = max(images[kind] for kind in kinds)
            shards += [
                Shard(network, "+".join(kinds), start, min(start + scale.shard, count))
                for start in range(0, count, scale.shard)
            ]
    return shards


def run_shard(shard, scale, photographs=None):
    """The rows of a shard: iterator of dict.

    Parameters
    ----------
    shard : Shard
    scale : Scale
    photographs : str or Path, optional
        Folder with one photograph for each of ImageNet's classes, in their order.
    """
    if shard.kinds == UNITS:
        yield from _unit_rows()
        return
    classifier = load_network(shard.network)
    # a copy with other logits is shown what the network itself is shown
    shown = load_network(shard.network.partition("@")[0])
    source = Source(shown, () if knows_scenes(shown) else find_photographs(photographs))
    for kind in shard.kinds.split("+"):
        begun = time.monotonic()
        found = _rows_of_kind(shard, scale, classifier, source, kind)
        yield from ({"network": label_of(shard.network), **row} for row in found)
        print(f"{shard.name}: {kind}, {time.monotonic() - begun:.0f} s", flush=True)


def _rows_of_kind(shard, scale, classifier, source, kind):
    """The rows of one kind of images at all places where the network is read."""
    role = role_of(shard.network)
    stop = min(shard.stop, scale.images[role][kind])
    cases = {number: make_case(kind, source, number) for number in range(shard.start, stop)}
    for layer, place in places_of(shard.network).items():
        count, with_paths = scale.count(role, kind, place)
        some = {number: case for number, case in cases.items() if number < count}
        if some:
            paths = Paths(with_paths, scale.steps, scale.tolerance, scale.max_steps)
            yield from measure_cases(classifier, layer, kind, some, paths)
        tried = {number: case for number, case in some.items() if number < scale.sanity}
        if tried and place == "primary" and kind == ("mosaic" if source.photographs else "one"):
            yield from check_cases(classifier, layer, kind, tried)


def _unit_rows():
    fixed = {"network": "constructed", "layer": LAYER, "head": "linear", "kind": UNITS, "bin": ""}
    names = {"object": "0", "class": "class 0", "measure": "passes", "judge": "construction"}
    for situation, method, score, passed in run_units():
        row = {"image": situation, "method": method, "score": score, "value": float(passed)}
        yield {**fixed, **names, **NO_LOGITS, **row}


def write_shard(shard, path, scale, photographs=None):
    """Run a shard and write its rows; nothing is under the path before all are there."""
    write_table(path, list(run_shard(shard, scale, photographs)))


SCALES = {"full": FULL, "small": SMALL, "others": OTHERS}
