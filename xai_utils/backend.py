"""TensorFlow and Keras, set up before anything else: quietly, and whatever a keras.json says."""

import os
import sys

from xai_utils.quiet import quiet_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if "keras" not in sys.modules:
    os.environ["KERAS_BACKEND"] = "tensorflow"
with quiet_stderr():  # TensorFlow writes there on import, whatever its log level
    import keras
    import tensorflow  # noqa: F401

from xai_utils.checks import check_backend

check_backend(keras.config.backend())
keras.config.set_image_data_format("channels_last")
keras.config.set_floatx("float32")
