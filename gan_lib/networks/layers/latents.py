"""Layers between a latent vector and a generator.

Where latent vectors are drawn is not here: see `gan_lib.training.steps`.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("gan_lib")
class CategoricalCode(keras.layers.Layer):
    """Turns the first numbers of z into a choice of one category; the others stay as they are.

    A generator is continuous, and normal numbers have no gaps: between any two of its pictures lie all stages in
    between, and some of them are drawn. Where the real pictures are of separate kinds, these are neither the one nor
    the other. A choice jumps.

    The largest of the first ``categories`` numbers decides, so each category is drawn equally often and z can be drawn
    as ever. Its place gets the square root of ``categories``, the others 0: on average as long a vector as before.

    Input: (batch, latent_dim), drawn from N(0, 1).
    Output: the same shape; in the first ``categories`` places one number that is not 0.

    Args:
        categories: how many to choose from, 2 or more.

    Raises:
        ValueError: if ``categories`` is below 2, or more than z has numbers.

    Source: a categorical part of z as in Chen et al. 2016, "InfoGAN", section 4, without InfoGAN's second loss, so
    nothing obliges the generator to use it; why it helps: Khayatkhoei, Singh and Elgammal 2018, "Disconnected Manifold
    Learning for Generative Adversarial Networks".
    """

    def __init__(self, categories: int, **kwargs):
        # float32, whatever the policy: bfloat16 sees ties where there are none, and the first would win too often.
        super().__init__(**({"dtype": "float32"} | kwargs))
        if categories < 2:
            raise ValueError(f"categories is {categories}; at least 2 were expected, or there is nothing to choose.")
        self.categories = categories

    def build(self, input_shape):
        if input_shape[-1] < self.categories:
            raise ValueError(
                f"z has {input_shape[-1]} numbers, too few for a choice of {self.categories} categories: each takes "
                "one. Make latent_dim larger."
            )
        self.built = True

    def call(self, inputs):
        """z with its choice made."""
        chosen = tf.one_hot(tf.argmax(inputs[:, : self.categories], -1), self.categories, dtype=inputs.dtype)
        return tf.concat([self.categories**0.5 * chosen, inputs[:, self.categories :]], -1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"categories": self.categories}
