"""The classifiers of ``keras.applications`` with their ImageNet weights, downloaded once by Keras.

Keras shows the progress, keeps the file in its cache, and compares the file's checksum with its own
where it has one (for ``mobilenet`` and ``mobilenet_v2`` it has none). NASNet is not among them: the
cache has its file under another name than the server.
"""

import os
from pathlib import Path

import keras

# name: (function of keras.applications, module with its preprocess_input)
APPLICATIONS = {
    "vgg16": ("VGG16", "vgg16"),
    "vgg19": ("VGG19", "vgg19"),
    "resnet50": ("ResNet50", "resnet"),
    "resnet101": ("ResNet101", "resnet"),
    "resnet152": ("ResNet152", "resnet"),
    "resnet50_v2": ("ResNet50V2", "resnet_v2"),
    "resnet101_v2": ("ResNet101V2", "resnet_v2"),
    "resnet152_v2": ("ResNet152V2", "resnet_v2"),
    "mobilenet": ("MobileNet", "mobilenet"),
    "mobilenet_v2": ("MobileNetV2", "mobilenet_v2"),
    "mobilenet_v3_small": ("MobileNetV3Small", "mobilenet_v3"),
    "mobilenet_v3_large": ("MobileNetV3Large", "mobilenet_v3"),
    "densenet121": ("DenseNet121", "densenet"),
    "densenet169": ("DenseNet169", "densenet"),
    "densenet201": ("DenseNet201", "densenet"),
    "inception_v3": ("InceptionV3", "inception_v3"),
    "inception_resnet_v2": ("InceptionResNetV2", "inception_resnet_v2"),
    "xception": ("Xception", "xception"),
    **{f"efficientnet_b{i}": (f"EfficientNetB{i}", "efficientnet") for i in range(8)},
    **{f"efficientnet_v2_b{i}": (f"EfficientNetV2B{i}", "efficientnet_v2") for i in range(4)},
    "convnext_tiny": ("ConvNeXtTiny", "convnext"),
    "convnext_small": ("ConvNeXtSmall", "convnext"),
    "convnext_base": ("ConvNeXtBase", "convnext"),
}


def load_application(name):
    """A classifier of Keras with its ImageNet weights, from Keras's cache or the network.

    Parameters
    ----------
    name : str
        One of APPLICATIONS.

    Returns
    -------
    keras.Model
        With a softmax over a thousand classes.

    Raises
    ------
    FileNotFoundError
        If the weights are neither there nor to be had; the message says which file to fetch and
        where to put it.
    """
    build = getattr(keras.applications, APPLICATIONS[name][0])
    try:
        return build(weights="imagenet")
    except Exception as error:  # Keras raises a plain Exception for any network failure
        cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
        raise FileNotFoundError(
            f"no ImageNet weights for {name!r} ({error}). Fetch that file on a machine with a "
            f"network and put it, under the same name, into {cache}; if one is there already it is "
            "damaged, remove it; or use the embedded network, model='vgg19-mini'"
        ) from error
