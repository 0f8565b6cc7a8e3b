"""Before and after on one sheet: the whole picture small, and below it a part of it pixel by pixel.

Never in here: files. Nor matplotlib: it would resample the pixels, and noise is what one wants to see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_lib import images
from gan_lib.restoring.enlarging import bicubic
from gan_lib.restoring.masks import laid_over
from gan_lib.restoring.pixels import as_float, colours_of
from gan_lib.restoring.tiles import Region, slices_of

if TYPE_CHECKING:
    from gan_lib.restoring.files import Opened
    from gan_lib.restoring.restorer import Restorer

_PART = 512  # pixels; sides of what is shown at 100 %
_GAP, _TITLE = 12, 22  # pixels
_FACTORS = (0.5, 1.0, 1.5)  # of an estimated sigma


def compare(
    restorer: Restorer,
    opened: Opened,
    restored: np.ndarray,
    sigma: float | None,
    estimated: bool,
    strength: float,
    crop: Region | None,
    *,
    tile: int,
    profile: images.ColourProfile | None,
) -> np.ndarray:
    """Draw the sheet.

    Args:
        restorer: the network; where sigma was estimated it also restores the part with half and 1.5 times as much,
            since estimates err.
        opened: the picture as it was.
        restored: the result, of the whole picture or of ``crop``.
        sigma: that was used.
        estimated: whether it was estimated.
        strength: that was used.
        crop: what part of the picture the result is, if not all.
        tile: as for `Restorer`.
        profile: of the picture's colours. Of one for grey the sheet shows what sRGB shows: a sheet is in colour, so
            that profile cannot lie beside it.

    Returns:
        uint8 (height, width, 3).
    """
    whole = crop or Region(0, 0, *opened.pixels.shape[:2])
    height, width = min(whole.height, _PART), min(whole.width, _PART)
    down, right = (whole.height - height) // 2, (whole.width - width) // 2  # of the part, within the result
    part = Region(whole.top + down, whole.left + right, height, width)
    before = opened.pixels[slices_of(whole)]
    shown = slice(down, down + height), slice(right, right + width)
    parts = [("as it was", before[shown])]
    for factor in _FACTORS if estimated else (1.0,):
        if factor == 1.0:
            title = f"restored, sigma {sigma:.1f}" + (" (estimated)" if estimated else "") if strength else "unchanged"
            parts.append((title + (f", strength {strength:g}" if strength not in (0, 1) else ""), restored[shown]))
        else:
            other = float(np.clip(factor * sigma, *restorer.limits))
            pixels = restorer(opened.pixels, sigma=other, strength=strength, tile=tile, profile=profile, region=part)
            parts.append((f"sigma {other:.1f} ({factor:g} times as much)", pixels))
    rows = [[(title, _plain(pixels, profile)) for title, pixels in parts]]
    if (height, width) != (whole.height, whole.width):
        wholes = [("as it was, the whole", _small(before, profile)), ("restored, the whole", _small(restored, profile))]
        rows = [wholes, [("as it was; a part at 100 %", rows[0][0][1]), *rows[0][1:]]]
    return _lay_out(rows)


def compare_filled(
    before: np.ndarray, missing: np.ndarray, after: np.ndarray, profile: images.ColourProfile | None = None
) -> np.ndarray:
    """Draw the sheet of a filled picture: how the mask was read, and which pixels were invented.

    Args:
        before: (height, width, 1 to 4), uint8 or float in [0, 1].
        missing: bool (height, width).
        after: the filled picture, like ``before``.
        profile: of both pictures' colours, as in `compare`.

    Returns:
        uint8 (height, width, 3): the whole in a row, and below it the neighbourhood of a hole pixel by pixel, if the
        whole is too large to be shown so.
    """
    height, width = missing.shape
    rows = [_filled_row(before, missing, after, profile, ", the whole" if max(height, width) > _PART else "")]
    if max(height, width) > _PART:
        top, left = _around_a_hole(missing)
        part = slice(top, top + _PART), slice(left, left + _PART)
        rows.append(_filled_row(before[part], missing[part], after[part], profile, "; a part at 100 %"))
    return _lay_out(rows)


def compare_enlarged(
    small: np.ndarray, large: np.ndarray, scale: int, crop: Region | None, profile: images.ColourProfile | None = None
) -> np.ndarray:
    """Draw the sheet of an enlarged picture: bicubic interpolation beside what the network made.

    Args:
        small: (height, width, 1 to 4), uint8 or float in [0, 1].
        large: what became of it, or of ``crop``.
        scale: how many times larger.
        crop: what part of the small picture was enlarged, if not all.
        profile: of both pictures' colours, as in `compare`.

    Returns:
        uint8 (height, width, 3): what was enlarged as it was, and below it the middle of it, pixel by pixel.
    """
    whole = crop or Region(0, 0, *small.shape[:2])
    height, width = min(whole.height, _PART // scale), min(whole.width, _PART // scale)
    down, right = (whole.height - height) // 2, (whole.width - width) // 2
    before = small[slices_of(whole)]
    interpolated = bicubic(_plain(small, profile), scale, Region(whole.top + down, whole.left + right, height, width))
    shown = large[scale * down : scale * (down + height), scale * right : scale * (right + width)]
    told = "" if (height, width) == (whole.height, whole.width) else "; a part at 100 %"
    wholes = [(f"as it was, {whole.width} x {whole.height} pixels", _small(before, profile))]
    parts = [(f"bicubic interpolation{told}", interpolated), (f"the network{told}", _plain(shown, profile))]
    return _lay_out([wholes, parts])


def _filled_row(
    before: np.ndarray, missing: np.ndarray, after: np.ndarray, profile: images.ColourProfile | None, told: str
) -> list[tuple[str, np.ndarray]]:
    whole, plain = _plain(before, profile), _plain(after, profile)
    invented = np.where(missing[..., None], plain, np.uint8(255))
    pictures = [
        ("as it was", whole),
        ("the mask as it was read", laid_over(whole, missing)),
        ("filled", plain),
        ("invented pixels", invented),
    ]
    return [(title + told, _small(picture)) for title, picture in pictures]


def _around_a_hole(missing: np.ndarray) -> tuple[int, int]:
    """The left upper corner of the part in which most pixels are missing, on a coarse grid."""
    height, width = missing.shape
    tops, lefts = ([*range(0, last, _PART // 2), last] for last in (max(0, height - _PART), max(0, width - _PART)))
    corners = [(top, left) for top in tops for left in lefts]
    return max(corners, key=lambda corner: missing[corner[0] : corner[0] + _PART, corner[1] : corner[1] + _PART].sum())


def _plain(picture: np.ndarray, profile: images.ColourProfile | None = None) -> np.ndarray:
    """uint8 (height, width, 3), alpha left out; grey with a profile as sRGB shows it."""
    colour = picture[..., : colours_of(picture)]
    if profile is not None and profile.colours == colour.shape[-1] == 1:
        colour = np.clip(profile.to_srgb(as_float(colour)), 0, 1)
    colour = images.to_uint8(colour)
    return np.broadcast_to(colour, (*colour.shape[:2], 3))


def _small(picture: np.ndarray, profile: images.ColourProfile | None = None) -> np.ndarray:
    """The whole, no larger than the part that is shown beside it."""
    step = max(1, min(picture.shape[:2]) // (4 * _PART))  # a large one is thinned out first, to spare memory
    image = Image.fromarray(_plain(picture[::step, ::step], profile))
    scale = min(_PART / max(image.size), 1)
    size = [max(1, round(side * scale)) for side in image.size]
    return np.asarray(image.resize(size, Image.Resampling.BOX))


def _lay_out(rows: list[list[tuple[str, np.ndarray]]]) -> np.ndarray:
    column = max(max(pixels.shape[1] for row in rows for _, pixels in row), 280) + _GAP
    tall = [max(pixels.shape[0] for _, pixels in row) + _TITLE + _GAP for row in rows]
    sheet = Image.new("RGB", (column * max(map(len, rows)) + _GAP, sum(tall) + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    top = _GAP
    for row, height in zip(rows, tall, strict=True):
        for number, (title, pixels) in enumerate(row):
            left = _GAP + number * column
            draw.text((left, top), title, fill="black", font=font)
            sheet.paste(Image.fromarray(np.ascontiguousarray(pixels)), (left, top + _TITLE))
        top += height
    return np.asarray(sheet)
