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
from gan_lib.datasets.folders import ENDINGS
from gan_lib.restoring.limits import DEFAULT_MAX_PIXELS, check_size
from gan_lib.restoring.pixels import colours_of

_SOFT = 0.1  # of a mask with soft edges, from here on a pixel counts as missing
_HARD = 0.02  # a mask has soft edges if there are values farther than this from 0 and 1
_DARK = 0.25  # strokes on nothing that are darker on the average are not meant as black
_PHOTOGRAPH = 0.2  # a mask has not so large a share of values in between
_TOLERANCE, _NEAR = 24, 80  # levels of 255; so near to its colour a pixel is paint, or paint that a format blurred
# Paint in a photograph that was stored with loss. Measured with strokes of 1 to 40 pixels in JPEG and WebP.
_COLOURED = 60  # levels of chroma; grey paint, or paint on ground of its colour, cannot be told by its hue
_THIN_LEAN, _RIM_LEAN = 0.26, 0.12  # shares of paint in a pixel's chroma: of a thin stroke, and of what belongs to it
_REST_LEAN = 0.18  # a share of paint that is worth a note
_LUMA = 64  # levels of 255; thin strokes lose their chroma, but not their luma
_WIDE = 4  # pixels; strokes that are wider than twice that have pixels of their true colour
_REACH, _GREY_REACH = 8, 3  # pixels from paint; chroma bleeds through a block of JPEG, luma is only rough there
_SPARSE, _SURROUNDINGS = 4, 4  # every 4th pixel is looked at, for a mean over some 16 around
_BAND = 256  # rows that are worked on at a time, to spare memory
_LEAST = 20  # pixels; fewer prove nothing, neither exact paint nor remains of it
_SUSPICIOUS, _TOO_MUCH = 0.5, 0.75  # shares of missing pixels
_EMPTY = "No pixel is missing by this mask, so the picture is as it was."
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
        searched: folders that the pictures were found in; a folder of masks may have the same folders below it.
    """

    file: Path | None = None
    colour: str | None = None
    alpha: bool = False
    invert: bool = False
    searched: tuple[Path, ...] = ()

    def told(self, picture: Path) -> str:
        """For the JSON file beside a result."""
        if self.file is not None:
            return f"file {self.of(picture).name}" + (", inverted" if self.invert else "")
        return f"colour {self.colour}" if self.colour else "transparent pixels"

    def of(self, picture: Path) -> Path:
        """The mask file of a picture.

        Raises:
            PictureError: if a folder of masks has no picture of its name, but for the picture itself.
        """
        if not self.file.is_dir():
            return self.file
        parent = picture.parent
        below = [parent.relative_to(folder) for folder in self.searched if parent.is_relative_to(folder)]
        folders = [self.file / path for path in below if (self.file / path).is_dir()] + [self.file]
        inside = (path for folder in folders for path in sorted(folder.iterdir()))
        named = [path for path in inside if path.stem == picture.stem and path.suffix.lower() in ENDINGS]
        found = [path for path in named if path.is_file() and path.resolve() != picture.resolve()]
        if not found:
            told = f"{self.file} holds no mask for {picture.name}; {picture.stem}.png was expected."
            alone = " The picture itself is not its mask; put the masks into a folder of their own." if named else ""
            raise images.PictureError(told + alone)
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
    return _checked(pixels, _other_way(invert, "pass invert_mask=True", "leave out invert_mask=True"), notes)


def find_missing(
    source: MaskSource, picture: np.ndarray, path: Path, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> Missing:
    """Reads the mask of a picture.

    A mask with soft edges, as a soft brush or JPEG leaves them, counts from a tenth of white on, and is made a pixel
    wider all around, since what is under a soft edge is damaged too. So is paint, by two pixels, after it was followed
    through pixels that it has tinted.

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
    other_way, empty = "", _EMPTY
    if source.file is not None:
        file = source.of(path)
        check_size(file, images.read_header(file), max_pixels)
        mask = images.load_image(file, mode="as-is", max_megapixels=max_pixels / 1e6)
        pixels = _as_mask(mask, str(file), source.invert, picture.shape[:2], notes)
        other_way = _other_way(source.invert, "add --invert-mask", "leave out --invert-mask")
    elif source.colour is not None:
        pixels = _of_colour(picture, source.colour, notes)
        empty = (
            f"No pixel has the colour {source.colour}, so the picture is as it was. Take the colour of the paint with "
            "an editor's colour picker, and name it as #rrggbb."
        )
    else:
        pixels = _of_alpha(picture, path)
    return _checked(pixels, other_way, notes, empty)


def _other_way(invert: bool, to_invert: str, not_to: str) -> str:
    """How to take a mask the other way round than it was taken, for the end of a message."""
    if invert:
        return f" Black is missing, since the mask was inverted; if white is missing in it, {not_to}."
    return f" White is missing; if it is black in this mask, {to_invert}."


def _checked(pixels: np.ndarray, other_way: str, notes: list[str], empty: str = _EMPTY) -> Missing:
    share = pixels.mean()
    if share == 1:
        told = "All pixels are missing; some must be known to fill the others from."
        raise MaskError(told + other_way, pixels_shown(pixels))
    if share > _TOO_MUCH:
        told = f"{share:.0%} of the pixels are missing; at most {_TOO_MUCH:.0%} can be filled."
        raise MaskError(told + other_way, pixels_shown(pixels))
    if share > _SUSPICIOUS:
        notes.append(f"{share:.0%} of the pixels are missing, more than half." + other_way)
    if not share:
        notes.append(empty)
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
    mask = mask.astype(np.float32) / 255 if mask.dtype == np.uint8 else mask
    if mask.shape[-1] in (1, 3):
        return _stretched(mask.max(axis=-1))
    colour, alpha = _stretched(mask[..., :-1].max(axis=-1)), _stretched(mask[..., -1])
    painted = colour * alpha
    # Dark strokes on nothing have no white in them: there the paint itself is the mask.
    black = painted.max(initial=0) == 0 and alpha.min() < 1
    dark = np.mean(alpha == 0) > 0.5 and painted.sum() < _DARK * alpha.sum()
    return alpha if black or dark else painted


def _stretched(values: np.ndarray) -> np.ndarray:
    """Of two values the brighter becomes 1 if it is next to black: some tools write 0 and 1, at 8 and at 16 bit."""
    most = values.max(initial=0)
    return values / most if 0 < most < _HARD and ((values == 0) | (values == most)).all() else values


def _as_rgb(colour: str) -> tuple[int, int, int]:
    try:
        return ImageColor.getrgb(colour)[:3]
    except ValueError as error:
        raise ValueError(f"{colour!r} is no colour; a name such as magenta, or #ff00ff, was expected.") from error


def _of_colour(picture: np.ndarray, colour: str, notes: list[str]) -> np.ndarray:
    """Where a colour was painted, bool (height, width).

    Paint that was stored without loss has its exact colour and a narrow rim. JPEG and WebP keep chroma at half the
    size: there the pixels around the paint are tinted, and thin strokes have their true colour nowhere. So the paint is
    followed, some pixels far, through what leans from the chroma of the surroundings to that of the paint. How a
    picture was stored is seen from its pixels, since a JPEG may have become a PNG.
    """
    paint = np.uint8(_as_rgb(colour))
    levels = images.to_uint8(picture[..., : colours_of(picture)])
    levels = levels if levels.shape[-1] == 3 else levels.repeat(3, axis=-1)
    farthest = (np.maximum(levels, paint) - np.minimum(levels, paint)).max(axis=-1)
    found, near = farthest <= _TOLERANCE, farthest <= _NEAR
    luma_chroma, paint_luma_chroma = _luma_chroma(levels), _luma_chroma(paint[None, None])[0, 0]
    lean = _lean(luma_chroma[..., 1:], paint_luma_chroma[1:], near)
    light = np.abs(luma_chroma[..., 0].astype(np.int16) - paint_luma_chroma[0]) <= _LUMA
    exact = _is_exact(levels, found)
    if not exact:
        found |= _without_wide((lean >= 100 * _THIN_LEAN) & light) | _without_wide(near)
        coloured = np.hypot(*(paint_luma_chroma[1:] - 128.0)) >= _COLOURED
        found = _grown(found, _REACH if coloured else _GREY_REACH, (lean >= 100 * _RIM_LEAN) | near)
    found = _grown(found, 2)  # editors soften the rim of a brush: the pixels there are half paint
    # Where paint is exact, a wide area of nearly its colour belongs to the picture.
    rest = (_without_wide(near) if exact else near) | _without_wide((lean >= 100 * _REST_LEAN) & light)
    rest = int(np.count_nonzero(rest & ~found))
    if found.any() and rest > max(_LEAST, 0.02 * np.count_nonzero(found)):
        notes.append(
            f"{rest:,} pixels look a little like {colour} and were kept. If they are paint, paint over them with a "
            "hard brush and save as PNG; --compare shows what was taken."
        )
    return found


def _is_exact(levels: np.ndarray, found: np.ndarray) -> bool:
    """Whether paint is all of one value and ends at once, as it does where nothing was stored with loss."""
    if not found.any():
        return False
    values = levels[found]
    _, first, counts = np.unique(values @ np.uint32([65536, 256, 1]), return_index=True, return_counts=True)
    exact = found & (levels == values[first[counts.argmax()]]).all(axis=-1)
    around = _grown(exact, 1) & ~exact
    return counts.max() >= max(_LEAST, found.sum() / 2) and (not around.any() or found[around].mean() < 0.25)


def _luma_chroma(levels: np.ndarray) -> np.ndarray:
    """RGB as luma and two chroma, all uint8 (height, width, 3), as JPEG has them; chroma 128 is grey."""
    return np.asarray(Image.fromarray(levels).convert("YCbCr"))


def _lean(chroma: np.ndarray, paint: np.ndarray, near: np.ndarray) -> np.ndarray:
    """How far each pixel is on the way from the chroma of its surroundings to that of the paint.

    Args:
        chroma: uint8 (height, width, 2).
        paint: uint8 (2).
        near: bool (height, width), what is not to count among the surroundings.

    Returns:
        Percent, uint8 (height, width) in [0, 100]; 0 for what lies elsewhere than on that way.
    """
    paint = paint.astype(np.float32)
    sparse = chroma[::_SPARSE, ::_SPARSE].astype(np.float32)
    hidden = _grown(near, _SPARSE)
    tinted = np.zeros(near.shape, np.uint8)
    for _ in range(2):  # the first time thin strokes still count among the surroundings
        hidden = hidden | _grown(tinted > 20, 2)
        weight = np.float32(~hidden[::_SPARSE, ::_SPARSE])
        # Where nothing is known far around, they count as grey.
        total = ndimage.gaussian_filter(weight, _SURROUNDINGS)[..., None] + 1e-6
        means = [ndimage.gaussian_filter((sparse[..., one] - 128) * weight, _SURROUNDINGS) for one in range(2)]
        around = 128 + np.stack(means, axis=-1) / total
        columns = np.arange(near.shape[1]) // _SPARSE
        for top in range(0, near.shape[0], _BAND):
            rows = np.arange(top, min(top + _BAND, near.shape[0])) // _SPARSE
            start = around[rows[:, None], columns]
            way, gone = paint - start, chroma[top : top + _BAND] - start
            length = np.maximum(np.hypot(way[..., 0], way[..., 1]), 1)
            along = (way * gone).sum(axis=-1) / length
            across = np.abs(way[..., 0] * gone[..., 1] - way[..., 1] * gone[..., 0]) / length
            # Chroma differs by some levels in any photograph.
            on_way = (length >= _COLOURED) & (across <= along / 2 + 6)
            tinted[top : top + _BAND] = np.where(on_way, np.clip(100 * along / length, 0, 100), 0)
    return tinted


def _without_wide(pixels: np.ndarray) -> np.ndarray:
    """Thin strokes only: wide ones are found by their true colour, and something of the picture may be as wide."""
    square = np.ones((3, 3), bool)
    core = ndimage.binary_erosion(pixels, square, _WIDE)
    return pixels & ~ndimage.binary_dilation(core, square, 2 * _WIDE) if core.any() else pixels


def _of_alpha(picture: np.ndarray, path: Path) -> np.ndarray:
    if picture.shape[-1] not in (2, 4):
        raise images.PictureError(
            f"{path} has no alpha, so no pixel of it is transparent. Save it as PNG with the damage erased, or name a "
            "mask file or colour."
        )
    return picture[..., -1] < (255 if picture.dtype == np.uint8 else 1)


def _grown(pixels: np.ndarray, by: int, within: np.ndarray | None = None) -> np.ndarray:
    """Pixels and what is around them, so many pixels far; and only through pixels ``within``, if that is given."""
    return ndimage.binary_dilation(pixels, iterations=by, mask=within) if pixels.any() else pixels
