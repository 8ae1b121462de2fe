"""Which axes of an activation are height and width: followed from the image through the network.

Four axes alone do not make a map: a Permute or a transpose puts the channels first, and what a
Reshape makes of a vector has no place in the image. A map behind a crop is one of a part of the
image, and would be stretched over all of it.
"""

import math
from typing import NamedTuple

import numpy as np

from xai_utils.graph import function_between, made_from, tensors_in_order

MOVING = ("Permute", "Transpose", "Moveaxis", "Swapaxes")
RESHAPING = ("Reshape", "Flatten", "ExpandDims", "Squeeze")
CROPPING = ("Cropping2D", "CenterCrop", "RandomCrop", "Resizing", "GetItem", "Slice")
SCATTERING = ("Einsum", "EinsumDense", "Tensordot", "Flip", "Roll", "Rot90", "Dot")


class Part(NamedTuple):
    """A stretch of an axis: how long it is, and what it counts."""

    meaning: str
    size: int


UNKNOWN = "?"
WHOLE = (0.0, 1.0)
CROPPED_AT_MOST = 0.05  # of a side, at one end: less than a cell of most maps


def cropped(output):
    """The tensors that no longer hold the whole image, among those that an output is made of.

    Parameters
    ----------
    output : keras.KerasTensor
        Of a network whose input is an image (N, height, width, channels).

    Returns
    -------
    dict of int to str
        For the id of each such tensor, the name of the operation that cut off more than a
        twentieth of a side.
    """
    kept, cut = {}, {}  # of each tensor: which part of both sides it holds; and who cut it
    for tensor in tensors_in_order(output):
        operation, inputs = made_from(tensor)
        images = [t for t in inputs if len(t.shape) == 4]
        if not images or len(tensor.shape) != 4:
            kept[id(tensor)] = (WHOLE, WHOLE)
            continue
        # where several come together, the one that holds most gives the others their places
        widest = min(images, key=lambda t: max(_lost(side) for side in kept[id(t)]))
        parts = _parts_seen(tensor, widest)
        sides = tuple(map(_within, kept[id(widest)], parts))
        kept[id(tensor)] = sides
        if max(map(_lost, sides)) > CROPPED_AT_MOST:
            cut[id(tensor)] = cut.get(id(widest), operation.name)
    return cut


def _lost(side):
    return max(side[0], 1 - side[1])


def _within(outer, inner):
    """A part of a part, as a part of the whole."""
    start, end = outer
    return start + inner[0] * (end - start), start + inner[1] * (end - start)


def _parts_seen(tensor, source):
    """Which part of its input's height and width a tensor holds: ((start, end), (start, end))."""
    before, after = source.shape[1:], tensor.shape[1:]
    operation = made_from(tensor)[0]
    may_crop = _is_own(operation) or type(operation).__name__ in CROPPING
    if not may_crop or before[:2] == after[:2] or None in (*before, *after):
        return (WHOLE, WHOLE)
    return tuple(_part_seen(function_between(source, tensor), before, axis) for axis in (0, 1))


def _part_seen(operation, shape, axis):
    """Which part of an axis an operation keeps, seen on an image that counts along this axis."""
    places = (np.arange(shape[axis]) + 0.5) / shape[axis]  # the middles of the cells
    others = tuple(i for i in range(3) if i != axis)
    image = np.broadcast_to(np.expand_dims(places, others), shape)[None].astype(np.float32)
    try:
        black, seen, white = (np.asarray(operation(x)) for x in (0 * image, image, 0 * image + 1))
    except Exception:  # somebody's own layer, which does not take such an image
        return WHOLE
    with np.errstate(all="ignore"):
        seen = (seen - black) / (white - black)  # without its own change of the brightness
    along = np.moveaxis(seen[0], axis, 0).reshape(seen.shape[axis + 1], -1)
    first, last = along[0, 0], along[-1, 0]
    evenly = np.linspace(first, last, len(along))[:, None]
    if not np.allclose(along, evenly, atol=0.5 / shape[axis]):  # it does more than cut and resize
        return WHOLE
    half = (last - first) / (2 * max(len(along) - 1, 1))
    return float(first - half), float(last + half)


def image_like(output):
    """The ids of the tensors (N, height, width, channels) among those that an output is made of.

    Parameters
    ----------
    output : keras.KerasTensor
        Of a network whose input is an image (N, height, width, channels).

    Returns
    -------
    set of int
    """
    axes = {}  # of each tensor: for each axis after the first, the parts that it consists of
    for tensor in tensors_in_order(output):
        operation, inputs = made_from(tensor)
        if inputs:
            known = [(axes[id(t)], tuple(t.shape[1:])) for t in inputs]
            axes[id(tensor)] = _follow(operation, known, tuple(tensor.shape[1:]))
        else:
            axes[id(tensor)] = _parts("hwc", tensor.shape[1:])
    return {key for key, parts in axes.items() if _is_image(parts)}


def _parts(meanings, shape):
    return tuple((Part(m, size),) for m, size in zip(meanings, shape, strict=True))


def _is_image(axes):
    """Height and width come first, or are one cell."""
    return len(axes) == 3 and all(
        parts == () or parts[0].size == 1 or (len(parts) == 1 and parts[0].meaning == meaning)
        for parts, meaning in zip(axes[:2], "hw", strict=True)
    )


def _follow(operation, inputs, shape):
    """The axes of an operation's output from those of its inputs: [(axes, shape), ...]."""
    kind = type(operation).__name__
    unknown = _parts(UNKNOWN * len(shape), shape)
    first, first_shape = inputs[0]
    if kind in SCATTERING or None in shape:
        return unknown
    if kind in MOVING:
        return tuple(first[axis] for axis in _new_order(operation, len(shape)))
    if kind in RESHAPING:
        return _regroup(first, shape) or unknown
    same_rank = [(axes, s) for axes, s in inputs if len(s) == len(shape)]
    if not same_rank:
        return unknown
    if _is_own(operation) and not _keeps_proportions(first_shape, shape):
        return unknown
    return tuple(
        _merge([(axes[i], s[i]) for axes, s in same_rank], size, len(inputs) > 1)
        for i, size in enumerate(shape)
    )


def _is_own(operation):
    """Whether an operation is somebody's own, so that its name tells nothing."""
    kind = type(operation)
    return not kind.__module__.startswith("keras") or kind.__name__ == "Lambda"


def _new_order(operation, axes):
    """The axes that a transposition takes, counted without the first: seen on an example."""
    sizes = np.arange(2, axes + 2)
    return [int(size) - 2 for size in np.shape(operation(np.zeros((1, *sizes), np.float32)))[1:]]


def _regroup(axes, shape):
    """The parts of all axes, in order, put together to axes of other lengths, if they fit."""
    parts = [part for axis in axes for part in axis if part.size > 1]
    grouped = []
    for size in shape:
        group = []
        while parts and math.prod(p.size for p in group) < size:
            group.append(parts.pop(0))
        if math.prod(p.size for p in group) != size:
            return None
        grouped.append(tuple(group))
    return tuple(grouped)


def _keeps_proportions(before, after):
    """Whether somebody's own layer leaves the two sides of a map as they are to each other."""
    if len(before) != len(after) or len(after) != 3:
        return False
    return abs(after[0] * before[1] - after[1] * before[0]) <= max(*before[:2], *after[:2])


def _merge(inputs, size, several):
    """One axis of the output from the same axis of the inputs: [(parts, size), ...]."""
    as_long = [parts for parts, s in inputs if s == size] if several else [inputs[0][0]]
    meanings = {tuple(p.meaning for p in parts) for parts in as_long if parts}
    if len(meanings) != 1:
        # several inputs of other lengths: a concatenation, which only channels can bear
        joined = {tuple(p.meaning for p in parts) for parts, _ in inputs}
        return (Part("c" if not as_long and joined == {("c",)} else UNKNOWN, size),)
    parts = next(parts for parts in as_long if parts)
    if math.prod(p.size for p in parts) == size:
        return parts
    return (Part(parts[0].meaning if len(parts) == 1 else UNKNOWN, size),)
