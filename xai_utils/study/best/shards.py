"""Shards of the study: each one process that writes its rows in one piece."""

import time
from pathlib import Path
from typing import NamedTuple

from xai_utils.classifier import INPUT
from xai_utils.pretrained import PRETRAINED
from xai_utils.study.best.cases import KINDS, Source, find_photographs, make_case
from xai_utils.study.best.measuring import measure_cases
from xai_utils.study.best.networks import find_trainings, knows_scenes, layers_of, load_network
from xai_utils.study.best.plan import FULL, SMALL
from xai_utils.study.best.table import write_table
from xai_utils.study.best.units import LAYER, run_units

UNITS = "units"


class Shard(NamedTuple):
    """A part of the study.

    Attributes
    ----------
    network : str
        As `load_network` takes it, or "constructed".
    layer : str
    kind : str
        Kinds of images, joined by "+".
    start, stop : int
        Numbers of the images of each kind, without the last.
    """

    network: str
    layer: str
    kind: str
    start: int
    stop: int

    @property
    def name(self):
        """For a file: "vgg19-mini@2--block5_pool--one--0-40"."""
        parts = (label_of(self.network), self.layer, self.kind, f"{self.start}-{self.stop}")
        return "--".join(parts)


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
    shards = [Shard("constructed", LAYER, UNITS, 0, 1)]
    for network in networks:
        of_photographs = network.partition("@")[0] in PRETRAINED
        kinds = [kind for kind in KINDS if not of_photographs or kind not in ("one", "two")]
        for layer in layers_of(network, scale.layers):
            if scale is SMALL:  # a process costs more than its work
                shards.append(Shard(network, layer, "+".join(kinds), 0, scale.shard))
                continue
            for kind in kinds:
                if layer == INPUT and kind == "difull":
                    continue
                count = (
                    min(scale.images[kind], scale.paths) if layer == INPUT else scale.images[kind]
                )
                starts = range(0, count, scale.shard)
                shards += [
                    Shard(network, layer, kind, s, min(s + scale.shard, count)) for s in starts
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
    if shard.kind == UNITS:
        yield from _unit_rows()
        return
    classifier = load_network(shard.network)
    of_scenes = knows_scenes(classifier)
    source = Source(classifier, () if of_scenes else find_photographs(photographs))
    for kind in shard.kind.split("+"):
        if kind == "difull" and shard.layer == INPUT:  # there is no path from tile to tile
            continue
        begun = time.monotonic()
        stop = min(shard.stop, scale.images[kind])
        if shard.layer == INPUT:
            stop = min(stop, scale.paths)
        cases = {number: make_case(kind, source, number) for number in range(shard.start, stop)}
        for row in measure_cases(classifier, shard.layer, kind, cases, scale):
            yield {"network": label_of(shard.network), **row}
        seconds = time.monotonic() - begun
        print(f"{shard.name}: {kind}, {len(cases)} images, {seconds:.0f} s", flush=True)


def _unit_rows():
    nothing = dict.fromkeys(("log_odds", "p2", "rivals"), float("nan"))
    fixed = {"network": "constructed", "layer": LAYER, "head": "linear", "kind": UNITS, "bin": ""}
    names = {"object": "0", "class": "class 0", "measure": "passes", "judge": "construction"}
    for situation, method, score, passed in run_units():
        row = {"image": situation, "method": method, "score": score, "value": float(passed)}
        yield {**fixed, **names, **nothing, **row}


def write_shard(shard, path, scale, photographs=None):
    """Run a shard and write its rows; nothing is under the path before all are there."""
    write_table(path, list(run_shard(shard, scale, photographs)))


SCALES = {"full": FULL, "small": SMALL}
