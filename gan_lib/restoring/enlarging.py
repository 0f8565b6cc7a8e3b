"""A picture of any size and a released upscaler -> the enlarged picture, tile by tile.

Never in here: files (`enlarged`), and training.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from gan_lib import images, weights
from gan_lib.networks.receptive_field import receptive_field
from gan_lib.restoring import tiles
from gan_lib.restoring.pixels import as_float, as_it_was, colours_of, fitting, through
from gan_lib.restoring.tasks import TASKS, SettingsError
from gan_lib.restoring.tiles import Region

ENLARGING_TILE = 256  # pixels of the small picture
_SMALLEST_TILE = 32
_SMALLEST = 4  # pixels; smaller sides are refused
# Pixels; smaller sides get a note. Lesson 05 trains on small pictures of this size, for each scale: at scale 4 they
# become 96. The cards do not tell it.
_PATCH = 24


class Enlarger:
    """A released upscaler, ready for any number of pictures.

    Args:
        scale: how many times larger pictures become; 2 and 4 are released, other weights may have another.
        sharp: the version that was trained against a discriminator: invents more detail. Released for 4.
        weights_file: other weights of the same kind of network, ``NAME.weights.h5`` with ``NAME.json`` beside it.

    Attributes:
        card: the model card of the weights.
        sharp: whether the weights bear the name of a released version that adds what looks right.
        task: its record in `TASKS`.
        margin: how far the network sees, in pixels of the small picture.

    Raises:
        SettingsError: if there are no such weights, or they have another scale.
        WeightsError: if weights or card are missing or damaged.
    """

    def __init__(self, scale: int = 4, *, sharp: bool = False, weights_file: str | Path | None = None):
        self.task = TASKS["super-resolution"]
        source = self.task.weights(sharp, scale) if weights_file is None else Path(weights_file)
        self.model, self.card = weights.load_model(source, precision="float32")  # half would show as bands in 16 bit
        self.sharp = self.task.is_sharp(self.card)
        if "scale" not in self.card:
            raise weights.WeightsError(
                f'The card of {self.card["name"]} lacks "scale", how many times larger it makes a picture. Weights of '
                "an upscaler were expected."
            )
        self.scale = int(self.card["scale"])
        if scale != self.scale:
            raise SettingsError(
                f"The scale is {scale!r}, and the weights {self.card['name']} have {self.scale}. Take "
                f"--scale {self.scale} (scale={self.scale}), or other weights."
            )
        field = receptive_field(self.model)
        self.multiple, self.margin = field.multiple, field.margin
        # As a graph, TensorFlow frees each layer's result when the next one has it.
        self._run = tf.function(lambda x: self.model(x, training=False), [tf.TensorSpec([1, None, None, 3])])

    def check(self, tile: int) -> None:
        """Raise SettingsError unless tiles of that size can be used."""
        if tile < _SMALLEST_TILE:
            raise SettingsError(f"Tiles of {tile} pixels came; at least {_SMALLEST_TILE} were expected.")

    def __call__(
        self,
        picture: np.ndarray,
        *,
        tile: int = ENLARGING_TILE,
        region: Region | None = None,
        profile: images.ColourProfile | None = None,
        progress: bool = False,
    ) -> np.ndarray:
        """Enlarge a picture, or a region of it.

        Args:
            picture: (height, width, 1 to 4), uint8 in [0, 255] or float32 in [0, 1]; of 2 and 4 channels the last is
                alpha, which is enlarged without the network. At least 4 x 4 pixels.
            tile: height and width of the pieces, in pixels of the small picture. Smaller ones need less memory; the
                result is the same.
            region: what part of the small picture to enlarge, exactly as within the whole; everything if None.
            profile: in which the colours are meant, if not in sRGB; one for grey goes with 1 or 2 channels.
            progress: whether to show a progress bar over the tiles.

        Returns:
            (scale * height, scale * width, same channels), same dtype.

        Raises:
            SettingsError: if the tile is too small.
            PictureError: if the picture is.
        """
        self.check(tile)
        height, width = picture.shape[:2]
        if min(height, width) < _SMALLEST:
            raise images.PictureError(
                f"A picture of {width} x {height} pixels came, which tells the network nothing; at least "
                f"{_SMALLEST} x {_SMALLEST} were expected."
            )
        region = region or Region(0, 0, height, width)
        colours = colours_of(picture)
        profile = fitting(profile, colours)
        # A grey photograph is often saved in colour; the network would give it specks of colour.
        grey = images.is_grey(picture)
        size = self.scale * region.height, self.scale * region.width
        large = np.empty((*size, picture.shape[-1]), picture.dtype)
        tiles.in_tiles(
            lambda part: self._tile(part, profile, grey),
            picture[..., :colours],
            region,
            tile=tile,
            multiple=self.multiple,
            margin=self.margin,
            scale=self.scale,
            progress=progress,
            into=large[..., :colours],
        )
        if picture.shape[-1] in (2, 4):
            large[..., -1:] = bicubic(picture[..., -1:], self.scale, region)
        return large

    def notes(self, picture: np.ndarray) -> list[str]:
        """What to know before one trusts the result."""
        height, width = picture.shape[:2]
        if min(height, width) >= _PATCH:
            return []
        return [
            f"The picture has {width} x {height} pixels only. So small a picture gives the network little to go by: it "
            "goes on as its own mirror image beyond the edges."
        ]

    def work(self, height: int, width: int, tile: int) -> int:
        """How many small pixels go through the network for a picture of that size, the margins of all tiles counted
        in."""
        places = tiles.tiles(Region(0, 0, height, width), tile, self.multiple)
        return sum((place.height + 2 * self.margin) * (place.width + 2 * self.margin) for place in places)

    def _tile(self, part: np.ndarray, profile: images.ColourProfile | None, grey: bool) -> np.ndarray:
        """A tile with its margin -> the same, enlarged, in the dtype of the picture; of a grey picture with channels
        that are equal."""
        _, large = through(self._run, as_float(part), profile)
        return as_it_was(large if profile is None else profile.from_srgb(large), part.dtype, grey)


def bicubic(picture: np.ndarray, scale: int, region: Region | None = None) -> np.ndarray:
    """Pillow's bicubic interpolation, clipped: what every program does when it enlarges.

    Args:
        picture: (height, width, channels), uint8 in [0, 255] or float in [0, 1].
        scale: how many times larger.
        region: what part to enlarge, exactly as within the whole; everything if None.

    Returns:
        (scale * height, scale * width, channels) of the region, same dtype.
    """
    region = region or Region(0, 0, *picture.shape[:2])
    box = (region.left, region.top, region.left + region.width, region.top + region.height)
    large = np.empty((scale * region.height, scale * region.width, picture.shape[-1]), picture.dtype)
    for number in range(picture.shape[-1]):  # Pillow knows floats of one channel only
        channel = picture[..., number]
        channel = Image.fromarray(channel if picture.dtype == np.uint8 else channel.astype(np.float32))
        channel = np.asarray(channel.resize(large.shape[1::-1], Image.Resampling.BICUBIC, box=box))
        large[..., number] = channel if picture.dtype == np.uint8 else np.clip(channel, 0, 1)
    return large
