"""Small networks that take pixels themselves, for tests of how other people's are treated."""

import keras
from keras import layers

SHAPE = (16, 16, 3)


def small(*ends, shape=SHAPE):
    """A network that takes pixels itself, with these layers at its end."""
    body = [layers.Rescaling(1 / 64, offset=-2), layers.Conv2D(4, 3, name="conv")]
    return keras.Sequential([keras.Input(shape), *body, layers.GlobalAveragePooling2D(), *ends])


def dense(activation="softmax", units=4, **arguments):
    return layers.Dense(units, activation=activation, kernel_initializer="he_normal", **arguments)
