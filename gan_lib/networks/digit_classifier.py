"""The digit classifier: the network that judges generated digits and trains none of them.

Its features and its logits feed `gan_lib.metrics`; its released weights are in `gan_lib.weights`. Trained on clothes of
the same size, as "fashion_classifier", it says whether they are still recognised once they were filled.
"""

import keras
from keras import layers

FEATURES_LAYER = "features"


def digit_classifier(feature_units: int = 128) -> keras.Model:
    """A small convolutional classifier of 28x28 grey pictures into ten classes.

    It computes in float32 under every precision policy, so that a measure does not depend on the machine.

    Args:
        feature_units: width of the penultimate layer, whose outputs are the features of the Fréchet distance.

    Returns:
        A model from pictures, float32 (batch, 28, 28, 1) in [-1, 1], to a dictionary with
        ``"features"``, float32 (batch, feature_units), at least 0, and ``"logits"``, float32 (batch, 10).
    """
    pictures = keras.Input((28, 28, 1), name="pictures")
    x = pictures
    for width, strides in ((32, 1), (32, 2), (64, 1), (64, 2), (48, 1)):
        x = layers.Conv2D(width, 3, strides=strides, padding="same", use_bias=False, dtype="float32")(x)
        x = layers.BatchNormalization(momentum=0.95, dtype="float32")(x)
        x = layers.ReLU(dtype="float32")(x)
    x = layers.AveragePooling2D(2, padding="same", dtype="float32")(x)  # 7x7 -> 4x4
    x = layers.Flatten(dtype="float32")(x)
    features = layers.Dense(feature_units, activation="relu", dtype="float32", name=FEATURES_LAYER)(x)
    logits = layers.Dense(10, dtype="float32", name="logits")(features)
    return keras.Model(pictures, {"features": features, "logits": logits}, name="digit_classifier")
