"""Tensors from a file that PyTorch wrote before version 1.6, without PyTorch.

Such a file is five pickles (a magic number, the version of the format, a few facts on the machine,
the tensors by name, the keys of the storages), and then each storage: how many numbers, and the
numbers. Pickles can name any function of any library to be called; here a few are known, and
whatever else is named is refused. See ``torch.serialization._legacy_save``.
"""

import pickle
from collections import OrderedDict
from typing import NamedTuple

import numpy as np


class _Storage(NamedTuple):
    """The numbers of a tensor, which come at the end of the file."""

    key: str
    dtype: str


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides count numbers."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple


def _rebuild_tensor(storage, offset, shape, strides, *_for_training):
    return _Tensor(storage, offset, shape, strides)


KNOWN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "LongStorage"): "<i8",
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in KNOWN:
            raise ValueError(
                f"the file of weights names {module}.{name}, which is not part of a tensor; code "
                "from a file is never run here: install the package of the weights again"
            )
        return KNOWN[module, name]

    def persistent_load(self, pid):
        _, dtype, key, *_ = pid
        return _Storage(key, dtype)


def read_tensors(path):
    """The tensors of a file by name, in its order.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict of ndarray, float32 or int64

    Raises
    ------
    ValueError
        If the file names anything but tensors.
    """
    with open(path, "rb") as file:
        _magic, _version, _machine, tensors, keys = (_Unpickler(file).load() for _ in range(5))
        dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
        numbers = {key: _read_storage(file, dtypes[key]) for key in keys}
    return {name: _view(numbers[t.storage.key], t) for name, t in tensors.items()}


def _read_storage(file, dtype):
    (count,) = np.frombuffer(file.read(8), "<i8")
    return np.frombuffer(file.read(count * np.dtype(dtype).itemsize), dtype)


def _view(numbers, tensor):
    """A tensor out of its storage, by index: an impossible offset or stride is an IndexError."""
    index = np.full(tensor.shape, tensor.offset, np.int64)
    for axis, stride in enumerate(tensor.strides):
        steps = stride * np.arange(tensor.shape[axis])
        index += steps.reshape([-1 if i == axis else 1 for i in range(len(tensor.shape))])
    return numbers[index]
