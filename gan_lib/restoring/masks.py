"""Which pixels of a picture are missing: read from a mask file, from a colour that was painted over, or from alpha.

Never in here: filling them (`holes`).

What people's editors save is understood: black and white, 0 and 1, RGB, palettes, 16 bit, soft edges, JPEG, white
strokes on nothing. What cannot be a mask is refused, with a picture of how it was read.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor
from scipy import ndimage

from gan_lib import images
from gan_lib.restoring.limits import DEFAULT_MAX_PIXELS, check_size

_SOFT = 0.1  # of a mask with soft edges, from here on a pixel counts as missing
_HARD = 0.02  # a mask has soft edges if there are values farther than this from 0 and 1
_PHOTOGRAPH = 0.2  # a mask has not so large a share of values in between
_TOLERANCE, _JPEG_TOLERANCE = 24, 80  # levels of 255 that painted pixels may differ from their colour
_SUSPICIOUS, _TOO_MUCH = 0.5, 0.75  # shares of missing pixels
_INVERTED = " White is missing; if it is black in this mask, add --invert-mask."
PAINT = (255, 0, 255)  # in pictures of how a mask was read


class MaskError(images.PictureError):
    """A mask that cannot be used. ``reading`` is a picture of how it was read, uint8 (height, width, 3)."""

    def __init__(self, message: str, reading: np.ndarray):
        super().__init__(message)
        self.reading = reading


class MaskSource(NamedTuple):
    """Where a mask comes from; one of the first three is given.

    Attributes:
        file: a mask file, or a folder of masks with the names of the pictures; white is missing.
        colour: a colour's name or "#rrggbb", painted over what is missing.
        alpha: whether transparent pixels are missing.
        invert: whether black is missing in the file.
    """

    file: Path | None = None
    colour: str | None = None
    alpha: bool = False
    invert: bool = False

    def told(self, picture: Path) -> str:
        """For the JSON file beside a result."""
        if self.file is not None:
            return f"file {self.of(picture).name}" + (", inverted" if self.invert else "")
        return f"colour {self.colour}" if self.colour else "transparent pixels"

    def of(self, picture: Path) -> Path:
        """The mask file of a picture.

        Raises:
            PictureError: if a folder of masks has none for it.
        """
        if not self.file.is_dir():
            return self.file
        found = sorted(path for path in self.file.iterdir() if path.stem == picture.stem)
        if not found:
            raise images.PictureError(f"{self.file} holds no mask for {picture.name}; {picture.stem}.png was expected.")
        return found[0]


class Missing(NamedTuple):
    """Which pixels are missing: bool (height, width), and what to know about how that was found."""

    pixels: np.ndarray
    notes: list[str]


def check_source(source: MaskSource) -> None:
    """Raises ValueError unless exactly one way to find the mask was chosen, and it can be understood."""
    given = [source.file is not None, source.colour is not None, source.alpha]
    if sum(given) != 1:
        came = "none" if not any(given) else "more than one"
        raise ValueError(
            f"Which pixels are missing? One of a mask file, a mask colour and mask alpha was expected; {came} came."
        )
    if source.invert and source.file is None:
        raise ValueError("Inverting is for a mask file; a colour or alpha was named.")
    if source.colour is not None:
        _as_rgb(source.colour)


def of_array(mask: np.ndarray, invert: bool, shape: tuple[int, int]) -> Missing:
    """A mask that came as an array, (height, width) or (height, width, 1 to 4), bool, uint8 or float in [0, 1].

    Raises:
        MaskError: if it is no mask, has other proportions than the picture, or leaves nothing known.
        TypeError, ValueError: if it is no picture at all.
    """
    mask = np.asarray(mask)
    mask = mask.astype(np.uint8) if mask.dtype == bool else mask
    images.check_picture(mask)
    notes: list[str] = []
    pixels = _as_mask(mask[..., None] if mask.ndim == 2 else mask, "the mask", invert, shape, notes)
    return _checked(pixels, " White is missing; if it is black in this mask, pass invert_mask=True.", notes)


def find_missing(
    source: MaskSource, picture: np.ndarray, path: Path, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> Missing:
    """Reads the mask of a picture.

    A mask with soft edges, as a soft brush or JPEG leaves them, counts from a tenth of white on, and is made a pixel
    wider all around, since what is under a soft edge is damaged too. So is paint, by two pixels.

    Args:
        source: where to look.
        picture: (height, width, 1 to 4), uint8 or float in [0, 1], as it is in the file.
        path: of the picture.
        max_pixels: largest mask file that is read.

    Returns:
        The missing pixels.

    Raises:
        MaskError: if it is no mask, has other proportions than the picture, or leaves nothing known.
        PictureError: if the file cannot be read or is too large, or a picture has no alpha where that was to be the
            mask.
    """
    notes: list[str] = []
    if source.file is not None:
        file = source.of(path)
        check_size(file, images.read_header(file), max_pixels)
        mask = images.load_image(file, mode="as-is", max_megapixels=max_pixels / 1e6)
        pixels = _as_mask(mask, str(file), source.invert, picture.shape[:2], notes)
    elif source.colour is not None:
        pixels = _of_colour(picture, source.colour, path.suffix.lower() in (".jpg", ".jpeg"))
    else:
        pixels = _of_alpha(picture, path)
    return _checked(pixels, _INVERTED if source.file is not None else "", notes)


def _checked(pixels: np.ndarray, inverted: str, notes: list[str]) -> Missing:
    share = pixels.mean()
    if share == 1:
        told = "All pixels are missing; some must be known to fill the others from."
        raise MaskError(told + inverted, pixels_shown(pixels))
    if share > _TOO_MUCH:
        told = f"{share:.0%} of the pixels are missing; at most {_TOO_MUCH:.0%} can be filled."
        raise MaskError(told + inverted, pixels_shown(pixels))
    if share > _SUSPICIOUS:
        notes.append(f"{share:.0%} of the pixels are missing, more than half." + inverted)
    if not share:
        notes.append("No pixel is missing by this mask, so the picture is as it was.")
    return Missing(pixels, notes)


def pixels_shown(pixels: np.ndarray) -> np.ndarray:
    """A mask as a black and white picture, uint8 (height, width, 3)."""
    return np.repeat(np.uint8(pixels)[..., None] * 255, 3, axis=-1)


def laid_over(picture: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """A picture, uint8 (height, width, 3), with its missing pixels in magenta."""
    return np.where(pixels[..., None], np.uint8(PAINT), picture)


def _as_mask(mask: np.ndarray, name: str, invert: bool, shape: tuple[int, int], notes: list[str]) -> np.ndarray:
    values = _values(mask)
    between = np.mean((values > _HARD) & (values < 1 - _HARD))
    if between > _PHOTOGRAPH:
        raise MaskError(
            f"{name} does not look like a mask: {between:.0%} of its pixels are neither black nor white. If damage was "
            "painted over in a photograph, name the colour with --mask-colour.",
            images.to_uint8(np.repeat(values[..., None], 3, axis=-1)),
        )
    values = 1 - values if invert else values
    missing = values > (_SOFT if between else 0.5)
    height, width = shape
    if values.shape != shape:
        if abs(np.log(values.shape[1] / values.shape[0] * height / width)) > 0.01:
            raise MaskError(
                f"{name} has {values.shape[1]} x {values.shape[0]} pixels and the picture {width} x {height}; a mask "
                "of that size, or of the same proportions, was expected.",
                pixels_shown(values > 0.5),
            )
        notes.append(f"The mask was made {width} x {height} pixels large, from {values.shape[1]} x {values.shape[0]}.")
        missing = _resized(missing, height, width)
    if not between:
        return missing
    notes.append("The mask has soft edges: what is a tenth white counts as missing, and a pixel around it.")
    return _grown(missing, 1)


def _resized(missing: np.ndarray, height: int, width: int) -> np.ndarray:
    """A mask at the size of its picture. Made smaller, a pixel is missing if any was that it covers: a thin scratch
    stays."""
    smaller = missing.shape[0] > height or missing.shape[1] > width
    method = Image.Resampling.BOX if smaller else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(np.float32(missing)).resize((width, height), method)) > 0


def _values(mask: np.ndarray) -> np.ndarray:
    """A mask file as float32 (height, width) in [0, 1], whatever it was saved as."""
    if mask.dtype == np.uint8:
        mask = mask.astype(np.float32) / (1 if mask.max(initial=0) == 1 else 255)  # some tools write 0 and 1
    if mask.shape[-1] in (1, 3):
        return mask.max(axis=-1)
    colour, alpha = mask[..., :-1].max(axis=-1), mask[..., -1]
    painted = colour * alpha
    # Black strokes on nothing have no white in them: there the paint itself is the mask.
    return alpha if painted.max(initial=0) == 0 and alpha.min() < 1 else painted


def _as_rgb(colour: str) -> tuple[int, int, int]:
    try:
        return ImageColor.getrgb(colour)[:3]
    except ValueError as error:
        raise ValueError(f"{colour!r} is no colour; a name such as magenta, or #ff00ff, was expected.") from error


def _of_colour(picture: np.ndarray, colour: str, is_jpeg: bool) -> np.ndarray:
    levels = images.to_uint8(picture[..., : 3 if picture.shape[-1] > 2 else 1])
    farthest = np.abs(levels.astype(np.int16) - np.int16(_as_rgb(colour))).max(axis=-1)
    # Editors soften the rim of a brush: the pixels there are half paint.
    return _grown(farthest <= (_JPEG_TOLERANCE if is_jpeg else _TOLERANCE), 2)


def _of_alpha(picture: np.ndarray, path: Path) -> np.ndarray:
    if picture.shape[-1] not in (2, 4):
        raise images.PictureError(
            f"{path} has no alpha, so no pixel of it is transparent. Save it as PNG with the damage erased, or name a "
            "mask file or colour."
        )
    return picture[..., -1] < (255 if picture.dtype == np.uint8 else 1)


def _grown(pixels: np.ndarray, by: int) -> np.ndarray:
    return ndimage.binary_dilation(pixels, iterations=by) if pixels.any() else pixels
