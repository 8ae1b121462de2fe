"""How keras_2.h5 was made: a network of Keras 2, transfer learning with augmentation, in HDF5.

With tf_keras 2.20.1 (Keras 2 for newer TensorFlow) and TF_USE_LEGACY_KERAS=1. Not run by any test.
"""

import numpy as np
import tf_keras as keras
from tf_keras import layers

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
model = keras.Model(inputs, x, name="from_keras_2")
model.save("keras_2.h5", include_optimizer=False)

image = np.arange(32 * 32 * 3).reshape(1, 32, 32, 3) % 251
print(model.predict(image.astype("float32"), verbose=0).round(5).tolist())
