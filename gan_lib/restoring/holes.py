"""A picture of any size with missing pixels and a released inpainter -> the filled picture.

Never in here: how a mask is found (`masks`), files.

The network knows scenes of 128 pixels with holes of some dozen. So each hole is worked on at the scale at which it is
about so wide: scratches as they are, tile by tile, and wide holes in a smaller copy, whose fill is then enlarged into
the hole. The widest places come first; for the others they then count as known.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image
from scipy import ndimage
from tqdm import tqdm

from gan_lib import images, weights
from gan_lib.networks.receptive_field import receptive_field
from gan_lib.restoring import tiles
from gan_lib.restoring.pixels import colours_of, fitting
from gan_lib.restoring.tasks import TASKS
from gan_lib.restoring.tiles import Region, slices_of

_CORE, _MARGIN = 192, 64  # pixels; what a tile fills, and what it sees around that
_BAR_FROM = 4  # tiles
_ROUGH = 1_000_000  # pixels; how wide holes are is found in a copy of at most about this size


class HoleFiller:
    """A released inpainter, ready for any number of pictures.

    Args:
        sharp: the version that was trained against a discriminator: invents more detail.
        weights_file: other weights of the same kind of network, ``NAME.weights.h5`` with ``NAME.json`` beside it.

    Attributes:
        card: the model card of the weights.
        sharp: whether the weights bear the name of a released version that adds what looks right.
        widest: widest hole that the network was trained on, in pixels.

    Raises:
        WeightsError: if weights or card are missing or damaged.
    """

    def __init__(self, *, sharp: bool = False, weights_file: str | Path | None = None):
        self.task = TASKS["inpaint"]
        source = self.task.weights(sharp) if weights_file is None else Path(weights_file)
        self.model, self.card = weights.load_model(source, precision="float32")
        self.sharp = self.task.is_sharp(self.card)
        if "trained_hole" not in self.card:
            raise weights.WeightsError(
                f'The card of {self.card["name"]} lacks "trained_hole", the widest hole that it knows, in pixels. '
                "Weights of an inpainter were expected."
            )
        self.widest = int(self.card["trained_hole"])
        self.multiple = receptive_field(self.model).multiple
        signature = [tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([1, None, None, 1])]
        # As a graph, TensorFlow frees each layer's result when the next one has it.
        self._run = tf.function(lambda x, mask: self.model([x, mask], training=False), signature)

    def __call__(
        self,
        picture: np.ndarray,
        missing: np.ndarray,
        *,
        profile: images.ColourProfile | None = None,
        region: Region | None = None,
        progress: bool = False,
    ) -> np.ndarray:
        """Fills the missing pixels.

        Args:
            picture: (height, width, 1 to 4), uint8 in [0, 255] or float32 in [0, 1]; of 2 and 4 channels the last is
                alpha, which becomes opaque where a pixel was filled.
            missing: bool (height, width), at least one pixel False.
            profile: in which the colours are meant, if not in sRGB; one for grey goes with 1 or 2 channels.
            region: what is wanted of the picture; everything if None. Its pixels come out as those of the whole.
            progress: whether to show a progress bar over the tiles.

        Returns:
            A copy of the picture, or of the region, same dtype; all other pixels are bit by bit as they were.

        Raises:
            PictureError: if the picture is too small for its hole.
        """
        filled = picture.copy()
        colours = colours_of(picture)
        profile = fitting(profile, colours)
        # A scan of a grey photograph is often saved in colour; the network would give its holes a tint.
        grey = colours == 3 and bool((_equal_channels(picture) | missing).all())
        levels = self._levels(missing)
        open_holes = missing.copy()
        work = _work(levels, region)
        scenes = {}
        for level, place in tqdm(work, unit="tile", leave=False, disable=not progress or len(work) < _BAR_FROM):
            if level not in scenes:  # the wider holes are filled by now
                open_holes &= levels <= level
                scenes = {level: _smaller(filled[..., :colours], open_holes, 2**level, profile)}
            part = self._tile(*scenes[level], place)
            _paste(filled, part, place, levels, level, colours, profile, grey)
        if picture.shape[-1] in (2, 4):
            filled[..., -1][missing] = 255 if picture.dtype == np.uint8 else 1
        return filled if region is None else filled[slices_of(region)]

    def notes(self, missing: np.ndarray, region: Region | None = None) -> list[str]:
        """What to know before one trusts the fill, of the whole or of a region."""
        levels = self._levels(missing)
        levels = levels if region is None else levels[slices_of(region)]
        deepest = int(levels.max(initial=0))
        if deepest <= 0:
            return []
        return [
            f"A hole is wider than the {self.widest} pixels that the network can bridge. It was filled in a copy "
            f"{2**deepest} times smaller, so the fill is soft."
        ]

    def work(self, missing: np.ndarray) -> int:
        """How many pixels will go through the network."""
        levels = self._levels(missing)
        tile_count = sum(len(_places(levels == level, level)) for level in _present(levels))
        return tile_count * (_CORE + 2 * _MARGIN) ** 2

    def _levels(self, missing: np.ndarray) -> np.ndarray:
        """For each missing pixel how often the hole around it must be halved to be narrow enough, int8 (height, width);
        -1 for known pixels."""
        levels = np.full(missing.shape, -1, np.int8)
        if not missing.any():
            return levels
        step = max(1, int(np.sqrt(missing.size / _ROUGH)))
        blocks = _blocks(missing, step)
        halvings = _halvings(blocks.any(axis=(1, 3)), blocks.all(axis=(1, 3)), self.widest / step, (step > 1) / 2)
        spread = halvings.repeat(step, axis=0).repeat(step, axis=1)[: missing.shape[0], : missing.shape[1]]
        levels[missing] = spread[missing]
        return levels

    def _tile(self, scene: np.ndarray, mask: np.ndarray, place: Region) -> np.ndarray:
        """The core of a tile, filled, float32 (height, width, 3) in [0, 1], sRGB."""
        picture = tiles.cut_out(scene, place, _MARGIN)
        hole = tiles.cut_out(mask, place, _MARGIN)
        core = slice(_MARGIN, -_MARGIN)
        inputs = images.to_network(picture)[None], np.float32(hole)[None]
        try:
            return images.from_network(self._run(*inputs).numpy()[0, core, core])
        except tf.errors.ResourceExhaustedError as error:
            raise MemoryError("The memory does not suffice for a tile of the network.") from error


def _halvings(hole: np.ndarray, whole: np.ndarray, widest: float, rim: float) -> np.ndarray:
    """How often a hole must be halved at each of its pixels, so that it is at most ``widest`` pixels wide there.

    In a rough copy each pixel stands for a block: ``hole`` where any of it is missing, ``whole`` where all of it is.
    Only those make a hole wide, plus ``rim`` blocks for the half missing ones around them: many thin scratches side by
    side are no wide hole.
    A scratch that runs into a wide hole stays narrow. So a pixel counts as lying where the hole is wide only if it is
    near to such a place: within one and a half times the radius that is too much, which takes in a square's corners.
    """
    halvings = np.zeros(hole.shape, np.int8)
    radius = ndimage.distance_transform_edt(whole)
    radius[whole] += rim
    parts = ndimage.label(hole, np.ones((3, 3)))[0]
    too_wide = widest / 2
    while (wide := radius > too_wide).any():
        distance, nearest = ndimage.distance_transform_edt(~wide, return_indices=True)
        near = distance <= 1.5 * too_wide
        halvings[near & hole & (parts[tuple(nearest)] == parts)] = 1 + halvings.max()
        too_wide *= 2
    return halvings


def _equal_channels(picture: np.ndarray) -> np.ndarray:
    """Where red, green and blue are the same, bool (height, width)."""
    red, green, blue = np.moveaxis(picture[..., :3], -1, 0)
    return (red == green) & (green == blue)


def _work(levels: np.ndarray, region: Region | None) -> list[tuple[int, Region]]:
    """Levels and tiles in the order in which they are worked on, the widest holes first; of a region those that it
    takes: its own, and those of wider holes that its tiles see as known."""
    found = []
    needed = np.zeros(levels.shape, bool)
    needed[slices_of(region)] = True
    for level in reversed(_present(levels)):  # the finest first: what its tiles see is needed, too
        scale = 2**level
        own = _places(needed & (levels == level), level)
        for place in own:
            needed[_seen(place.top, levels.shape[0], scale), _seen(place.left, levels.shape[1], scale)] = True
        found = [(level, place) for place in own] + found
    return found


def _seen(start: int, length: int, scale: int) -> slice:
    """What a tile sees of a picture along one side, beyond whose edges it sees it mirrored."""
    low, high = (start - _MARGIN) * scale, (start + _CORE + _MARGIN) * scale
    mirrored = 2 * (length // scale * scale) - high
    return slice(max(0, min(low, mirrored)), max(high, -low))


def _present(levels: np.ndarray) -> list[int]:
    """Which levels there are among missing pixels, the widest holes first."""
    return [int(level) for level in np.unique(levels)[::-1] if level >= 0]


def _places(pixels: np.ndarray, level: int) -> list[Region]:
    """The tiles of a fixed grid, in the copy that is 2^level times smaller, in which some of the pixels lie."""
    across = _CORE * 2**level
    rows, columns = np.nonzero(_blocks(pixels, across).any(axis=(1, 3)))
    return [
        Region(int(row) * _CORE, int(column) * _CORE, _CORE, _CORE) for row, column in zip(rows, columns, strict=True)
    ]


def _blocks(pixels: np.ndarray, side: int) -> np.ndarray:
    """(height, width) -> (rows, side, columns, side), with False beyond the edges."""
    height, width = (-(-length // side) * side for length in pixels.shape)
    padded = np.zeros((height, width), pixels.dtype)
    padded[: pixels.shape[0], : pixels.shape[1]] = pixels
    return padded.reshape(height // side, side, width // side, side)


def _smaller(
    picture: np.ndarray, missing: np.ndarray, factor: int, profile: images.ColourProfile | None
) -> tuple[np.ndarray, np.ndarray]:
    """The scene as the network works on it: float32 (height, width, 3) in [0, 1] in sRGB, and mask (height, width, 1).

    Only known pixels are averaged. A pixel of the copy is missing if most of what it covers is.
    """
    if factor == 1:
        return _Lazily(picture, profile), missing[..., None]
    height, width = (length // factor * factor for length in missing.shape)
    if not height or not width:
        raise images.PictureError(
            f"A picture of {picture.shape[1]} x {picture.shape[0]} pixels is too small for its hole, which is so wide "
            f"that it is filled in a copy {factor} times smaller: at least {factor} pixels each way were expected. "
            "Mark less as missing, or take a picture that shows more around the hole."
        )
    known = ~missing[:height, :width].reshape(height // factor, factor, width // factor, factor)
    count = known.sum(axis=(1, 3))
    total = np.zeros((*count.shape, picture.shape[-1]), np.float32)
    for down in range(factor):  # a row of each block at a time, to spare memory
        rows = picture[:height, :width][down::factor].astype(np.float32)
        rows *= known[:, down].reshape(height // factor, width)[..., None]
        total += rows.reshape(height // factor, width // factor, factor, -1).sum(axis=2)
    mean = total / np.maximum(count, 1)[..., None] / (255 if picture.dtype == np.uint8 else 1)
    mean = np.broadcast_to(mean if profile is None else profile.to_srgb(mean), (*count.shape, 3))
    return np.clip(mean, 0, 1), (2 * count < factor**2)[..., None]


class _Lazily:
    """A picture that is converted where it is looked at: at its full size there is no second copy of it in memory."""

    def __init__(self, picture: np.ndarray, profile: images.ColourProfile | None):
        self.picture, self.profile, self.shape = picture, profile, picture.shape

    def __getitem__(self, where) -> np.ndarray:
        part = self.picture[where].astype(np.float32) / (255 if self.picture.dtype == np.uint8 else 1)
        part = part if self.profile is None else np.clip(self.profile.to_srgb(part), 0, 1)
        return np.broadcast_to(part, (*part.shape[:2], 3))


def _paste(
    filled: np.ndarray,
    part: np.ndarray,
    place: Region,
    levels: np.ndarray,
    level: int,
    colours: int,
    profile: images.ColourProfile | None,
    grey: bool,
) -> None:
    """Writes a tile's core into those pixels of the picture that have the level, enlarged if it was worked on in a
    smaller copy."""
    factor = 2**level
    top, left = place.top * factor, place.left * factor
    bottom, right = min(top + _CORE * factor, filled.shape[0]), min(left + _CORE * factor, filled.shape[1])
    if factor > 1:
        size = part.shape[1] * factor, part.shape[0] * factor
        channels = [
            Image.fromarray(channel).resize(size, Image.Resampling.BICUBIC) for channel in np.moveaxis(part, -1, 0)
        ]
        part = np.clip(np.stack([np.asarray(channel) for channel in channels], axis=-1), 0, 1)
    part = part[: bottom - top, : right - left]
    part = part if colours == 3 and not grey else part.mean(axis=-1, keepdims=True)
    part = np.broadcast_to(part, (*part.shape[:2], colours))
    part = part if profile is None else profile.from_srgb(part)
    if grey:  # after the profile, which may round each channel by itself
        part = np.broadcast_to(part.mean(axis=-1, keepdims=True), part.shape)
    where = levels[top:bottom, left:right] == level
    target = filled[top:bottom, left:right, :colours]
    target[where] = images.to_uint8(part[where]) if filled.dtype == np.uint8 else part[where]
