"""Networks with ImageNet's thousand classes, by name: of Keras, and of the package index."""

from xai_utils.pretrained.efficientnet_lite import VARIANTS, load_efficientnet_lite
from xai_utils.pretrained.imagenet import load_class_names
from xai_utils.pretrained.keras_applications import APPLICATIONS, load_application

PRETRAINED = (*VARIANTS, *APPLICATIONS)


def load_pretrained(name):
    """A network by its name, with all that a classifier is made of.

    Parameters
    ----------
    name : str
        One of PRETRAINED.

    Returns
    -------
    model : keras.Model
        With a softmax output.
    preprocessing : str
        As `load_classifier` takes it.
    class_names : list of str

    Raises
    ------
    FileNotFoundError
        If the weights are neither here nor to be had; the message says how to get them.
    ValueError
        If the file of weights is damaged.
    """
    if name in VARIANTS:
        return load_efficientnet_lite(name), "none", load_class_names()
    return load_application(name), APPLICATIONS[name][1], load_class_names()
