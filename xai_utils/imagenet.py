"""VGG19 with its ImageNet weights, which are downloaded once into Keras's cache."""

import json
import os
from pathlib import Path

import keras

VGG19_URL = "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
VGG19_WEIGHTS = "vgg19_weights_tf_dim_ordering_tf_kernels.h5"
VGG19_WEIGHTS_MD5 = "cbe5617147190e668d6c5d5026f83318"  # as in keras.applications.vgg19
IMAGENET_URL = "https://storage.googleapis.com/download.tensorflow.org/data/"
IMAGENET_NAMES = "imagenet_class_index.json"
IMAGENET_NAMES_MD5 = "c2c37ea517e94d9795004a39431a14cb"  # as in keras.applications


def load_vgg19():
    """Keras's VGG19 with a softmax, its ImageNet weights from the cache or the network.

    Raises
    ------
    FileNotFoundError
        Without a network; the message says which file to fetch and where to put it.
    """
    model = keras.applications.VGG19(weights=None)
    model.load_weights(_fetch(VGG19_WEIGHTS, VGG19_URL, VGG19_WEIGHTS_MD5))
    return model


def load_class_names():
    """The thousand class names of ImageNet, in the order of VGG19's outputs; raises as above."""
    index = json.loads(
        Path(_fetch(IMAGENET_NAMES, IMAGENET_URL, IMAGENET_NAMES_MD5)).read_text("utf-8")
    )
    return [index[str(i)][1].replace("_", " ") for i in range(len(index))]


def _fetch(filename, url, md5):
    """Download a file into Keras's cache, once, with a progress bar."""
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        return keras.utils.get_file(
            filename, url + filename, cache_dir=cache, cache_subdir="models", file_hash=md5
        )
    except Exception as error:  # Keras raises a plain Exception for any network failure
        raise FileNotFoundError(
            f"cannot download {filename} ({error}). Fetch {url}{filename} on a machine with a "
            f"network and put it at {cache / 'models' / filename}; or use the embedded network, "
            "model='vgg19-mini'"
        ) from error
