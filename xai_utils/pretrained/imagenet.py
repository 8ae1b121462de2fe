"""The thousand classes of ImageNet, in the order of the outputs of networks trained on it.

The list has a WordNet id and a name in each line, sorted by the id. It was taken from the names of
the files in github.com/EliSchwartz/imagenet-sample-images (commit bc69043), one for each class,
whose spelling is that of ``keras.applications.imagenet_utils.decode_predictions``.
"""

from importlib import resources

LIST = resources.files(__package__) / "data" / "imagenet_classes.txt"


def load_class_ids():
    """The WordNet ids of the classes, such as "n02123045": list of str."""
    return [line.partition(" ")[0] for line in _lines()]


def load_class_names():
    """The names of the classes, such as "tiger cat": list of str; "crane" and "maillot" twice."""
    return [line.partition(" ")[2].replace("_", " ") for line in _lines()]


def _lines():
    return LIST.read_text("utf-8").splitlines()
