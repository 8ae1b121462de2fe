"""How the files of Keras 2 here were made, HDF5, and what Keras 2 says of an image.

With tf_keras 2.20.1 and 2.21.0 (Keras 2 for newer TensorFlow) and TF_USE_LEGACY_KERAS=1. Not run by
any test.
"""

import numpy as np
import tf_keras as keras
from tf_keras import layers


def transfer_learning():
    """A functional network with a backbone and augmentation."""
    keras.utils.set_random_seed(5)
    x = inputs = keras.Input((16, 16, 4))
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    y = layers.BatchNormalization(name="norm")(y)
    x = layers.ReLU(6.0, name="relu")(layers.Add(name="sum")([x, y]))
    base = keras.Model(inputs, x, name="base")
    x = inputs = keras.Input((32, 32, 3), name="input_1")
    x = layers.RandomFlip(name="flip")(x)
    x = layers.RandomRotation(0.1, name="rotation")(x)
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(x)
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="stem")(x)
    x = base(x, training=False)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    x = layers.Dense(3, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, x, name="from_keras_2")


def teachable_machine():
    """Two Sequential models in one, as Teachable Machine writes it, around a frozen backbone.

    The backbone has names like those of DenseNet, and what has another name or another meaning in
    Keras 3.
    """
    keras.utils.set_random_seed(6)
    x = inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(6, 3, strides=2, name="block1/conv")(x)
    x = layers.BatchNormalization(name="block1/bn")(x)
    x = layers.ThresholdedReLU(theta=0.1, name="block1/threshold")(x)
    gate = layers.Conv2D(6, 1, activation="hard_sigmoid", name="gate")(x)
    x = layers.Multiply(name="product")([x, gate])
    x = layers.LeakyReLU(name="leaky")(layers.Conv2D(5, 3, name="block2/conv")(x))
    base = keras.Model(inputs, x, name="backbone")
    base.trainable = False
    features = keras.Sequential([base, layers.GlobalAveragePooling2D()])
    head = [layers.Dense(8, activation="relu", input_shape=(5,)), layers.Dense(3, "softmax")]
    model = keras.Sequential(
        [layers.Rescaling(1 / 64, offset=-2), features, keras.Sequential(head)]
    )
    model.build((None, 32, 32, 3))
    rng = np.random.default_rng(0)
    for weight in model.weights:  # no two kinds of them alike, or a mistaken order would not show
        weight.assign(np.abs(weight) + 0.3 * rng.normal(1, 0.2, weight.shape) - 0.2)
    last = model.layers[-1].layers[-1].kernel
    last.assign(last / 4)
    return model


image = np.arange(32 * 32 * 3).reshape(1, 32, 32, 3) % 251
for name, make in (("keras_2", transfer_learning), ("keras_2_teachable", teachable_machine)):
    model = make()
    model.save(f"{name}.h5", include_optimizer=False)
    print(name, model.predict(image.astype("float32"), verbose=0).round(5).tolist())
