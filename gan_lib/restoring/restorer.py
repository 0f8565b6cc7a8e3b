"""A picture of any size and a released network -> the restored picture, tile by tile.

Never in here: files, and training.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import tensorflow as tf

from gan_lib import images, weights
from gan_lib.networks.receptive_field import receptive_field
from gan_lib.restoring import tiles
from gan_lib.restoring.noise import estimate_sigma
from gan_lib.restoring.pixels import as_float, as_it_was, colours_of, fitting, through
from gan_lib.restoring.tasks import TASKS, SettingsError, check_task
from gan_lib.restoring.tiles import Region, slices_of

DEFAULT_TILE = 512  # pixels
_SMALLEST_TILE = 32


class Restorer:
    """A released network, ready for any number of pictures.

    Args:
        task: what to do to whole pictures: "denoise". (Holes are filled by `holes.HoleFiller`, and
            `enlarging.Enlarger` enlarges.)
        sharp: the version that was trained against a discriminator: looks sharper, is farther from the truth.
        weights_file: other weights of the same kind of network, ``NAME.weights.h5`` with ``NAME.json`` beside it.

    Attributes:
        card: the model card of the weights.
        sharp: whether the weights bear the name of a released version that adds what looks right.
        limits: lowest and highest sigma that the network was trained for.

    Raises:
        SettingsError: for an unknown task.
        WeightsError: if weights or card are missing or damaged.
    """

    def __init__(self, task: str = "denoise", *, sharp: bool = False, weights_file: str | Path | None = None):
        check_task(task)
        if task == "inpaint":
            raise SettingsError(f"The task {task} needs to know which pixels are missing; use HoleFiller for it.")
        if TASKS[task].inputs is None:
            raise SettingsError(f"The result of the task {task} is larger than the picture; use Enlarger for it.")
        self.task = TASKS[task]
        source = self.task.weights(sharp) if weights_file is None else Path(weights_file)
        self.model, self.card = weights.load_model(source, precision="float32")  # half would show as bands in 16 bit
        self.sharp = self.task.is_sharp(self.card)
        if "trained_sigma" not in self.card:
            raise weights.WeightsError(
                f'The card of {self.card["name"]} lacks "trained_sigma", the lowest and highest noise that it knows. '
                "Weights of a denoiser were expected."
            )
        self.limits = tuple(float(limit) for limit in self.card["trained_sigma"])
        field = receptive_field(self.model)
        self.multiple, self.margin = field.multiple, field.margin

    @functools.cached_property
    def _run(self):
        # As a graph, TensorFlow frees each layer's result when the next one has it; called directly, Keras keeps all.
        signature = [tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([])]
        return tf.function(lambda x, sigma: self.model(self.task.inputs(x, sigma), training=False), signature)

    def check(self, sigma: float | None, strength: float, tile: int) -> None:
        """Raise SettingsError unless these can be used."""
        low, high = self.limits
        if sigma is not None and not low <= sigma <= high:
            raise SettingsError(
                f"Sigma is {sigma:g}; {low:g} to {high:g} was expected, the noise that {self.card['name']} was trained "
                "on. It is the standard deviation of the noise on the scale of 0 to 255."
            )
        if not 0 <= strength <= 2:
            raise SettingsError(f"The strength is {strength:g}; 0 (nothing is changed) to 2 was expected.")
        if tile < _SMALLEST_TILE:
            raise SettingsError(f"Tiles of {tile} pixels came; at least {_SMALLEST_TILE} were expected.")

    def estimate(self, picture: np.ndarray, profile: images.ColourProfile | None = None) -> float:
        """The sigma of a picture, as estimated, within the limits of the network. Alpha is left out."""
        colour = picture[..., : colours_of(picture)]
        known = fitting(profile, colour.shape[-1])
        convert = None if known is None else known.to_srgb
        return float(np.clip(estimate_sigma(colour, convert), *self.limits))

    def told(self, sigma: float, strength: float) -> float:
        """What the network is told: above strength 1 more noise than there is, up to its limit."""
        return min(sigma * max(strength, 1.0), self.limits[1])

    def __call__(
        self,
        picture: np.ndarray,
        *,
        sigma: float,
        strength: float = 1.0,
        tile: int = DEFAULT_TILE,
        region: Region | None = None,
        profile: images.ColourProfile | None = None,
        progress: bool = False,
    ) -> np.ndarray:
        """Restore a picture, or a region of it.

        Args:
            picture: (height, width, 1 to 4), uint8 in [0, 255] or float32 in [0, 1]; of 2 and 4 channels the last is
                alpha, which comes back as it is.
            sigma: standard deviation of the noise on the scale of [0, 255].
            strength: 0 leaves every bit as it is, 1 is what the network says, between is a blend; up to 2 tells the
                network of more noise.
            tile: height and width of the pieces. Smaller ones need less memory; the result is the same.
            region: what part to restore, exactly as within the whole; everything if None.
            profile: in which the colours are meant, if not in sRGB; one for grey goes with 1 or 2 channels.
            progress: whether to show a progress bar over the tiles.

        Returns:
            The region, same channels and dtype.

        Raises:
            SettingsError: if sigma, strength or tile are out of range.
        """
        self.check(sigma, strength, tile)
        region = region or Region(0, 0, *picture.shape[:2])
        restored = picture[slices_of(region)].copy()
        if strength == 0:
            return restored
        colours = colours_of(picture)
        profile = fitting(profile, colours)
        # A grey photograph is often saved in colour; the network would give it specks of colour.
        grey = images.is_grey(picture)
        sigma = tf.constant(self.told(sigma, strength), tf.float32)
        tiles.in_tiles(
            lambda part: self._tile(part, sigma, min(strength, 1.0), profile, grey),
            picture[..., :colours],
            region,
            tile=tile,
            multiple=self.multiple,
            margin=self.margin,
            progress=progress,
            into=restored[..., :colours],
        )
        return restored

    def _tile(
        self, part: np.ndarray, sigma: tf.Tensor, share: float, profile: images.ColourProfile | None, grey: bool
    ) -> np.ndarray:
        """A tile with its margin -> the same, restored, in the dtype of the picture; of a grey picture with channels
        that are equal."""
        before = as_float(part)
        shown, after = through(lambda batch: self._run(batch, sigma), before, profile)
        if profile is not None:
            # The network's change is what is carried over, so that a profile's own rounding is not.
            start = images.from_network(shown, clip=False)
            change = profile.from_srgb(after) - profile.from_srgb(start)
        else:
            change = after - before
        return as_it_was(np.clip(before + np.float32(share) * change, 0, 1), part.dtype, grey)

    def work(self, height: int, width: int, tile: int) -> int:
        """How many pixels go through the network for a picture of that size, the margins of all tiles counted in."""
        places = tiles.tiles(Region(0, 0, height, width), tile, self.multiple)
        return sum((place.height + 2 * self.margin) * (place.width + 2 * self.margin) for place in places)
