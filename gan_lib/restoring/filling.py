"""One picture file with missing pixels -> its filled picture beside it, with a JSON file that says how it was made.

Never in here: how a mask is read (`masks`), how a hole is filled (`holes`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gan_lib import images
from gan_lib.restoring import sheets
from gan_lib.restoring.files import (
    Opened,
    Restored,
    as_crop,
    check_alpha,
    check_free,
    inside,
    open_picture,
    save_result,
)
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.limits import DEFAULT_MAX_PIXELS
from gan_lib.restoring.masks import MaskError, MaskSource, Missing, find_missing
from gan_lib.restoring.tiles import Region


def fill_file(
    filler: HoleFiller,
    source: Path,
    target: Path,
    *,
    mask: MaskSource,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    crop: Region | None = None,
    sheet: Path | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> Restored:
    """Fill the missing pixels of one file. The picture, its JSON file and the sheet appear together, or not at all.

    Args:
        filler: the network.
        source: the picture file.
        target: where the result goes; its ending decides the format.
        mask: which pixels are missing.
        max_pixels: largest picture that is read, and largest mask.
        crop: work on this part only.
        sheet: where to write a sheet that shows how the mask was read, before, after and what was invented.
        overwrite: whether files that are there already may be replaced.
        progress: whether to show a progress bar over the tiles.

    Returns:
        Where the result is, and what to know about it.

    Raises:
        PictureError: if the picture cannot be read, or the result not be written; or if the mask cannot be used: then
            a picture of how it was read stands beside where the result would have been, and the message names it.
        SettingsError: if the crop lies outside.
        FileExistsError: if a file is in the way.
    """
    check_free(source, [target, target.with_suffix(".json")] + ([sheet] if sheet else []), overwrite)
    opened = open_picture(source, max_pixels)
    check_alpha(source, target, opened)
    crop = inside(crop, opened.pixels)
    try:
        missing, notes = missing_in(crop, opened, source, mask, max_pixels)
    except MaskError as error:
        reading = target.with_name(f"{target.stem}_mask_as_read.png")
        images.save_image(reading, error.reading)
        raise images.PictureError(f"{error} How it was read: {reading}") from error
    notes = [*opened.notes, *notes, *filler.notes(missing)]
    before = opened.pixels[_where(crop)]
    result = filler(before, missing, profile=opened.profile, progress=progress)
    drawn = sheets.compare_filled(before, missing, result) if sheet else None
    count = int(missing.sum())
    parameters = {
        "mask": mask.told(source),
        "missing_pixels": count,
        "missing_share": round(float(np.mean(missing)), 6),
        "sharp": filler.sharp,
        "crop": as_crop(crop),
    }
    generated = f"A neural network invented {count:,} pixels of {target.name}."
    kept = "All others are those of the original."
    save_result(filler, opened, result, source, target, parameters, notes, generated, sheet, drawn, kept=kept)
    return Restored(target, sheet, None, False, notes)


def missing_in(crop: Region | None, opened: Opened, source: Path, mask: MaskSource, max_pixels: int) -> Missing:
    """The missing pixels of a picture, or of a part of it that lies inside.

    Raises:
        MaskError: if the mask cannot be used.
        PictureError: if the mask cannot be read, or nothing of the part is known.
    """
    pixels, notes = find_missing(mask, opened.pixels, source, max_pixels=max_pixels)
    pixels = pixels[_where(crop)]
    if pixels.all():
        raise images.PictureError("All pixels of the part are missing; take a larger one with --crop.")
    return Missing(pixels, notes)


def _where(crop: Region | None) -> tuple[slice, slice]:
    if crop is None:
        return slice(None), slice(None)
    return slice(crop.top, crop.top + crop.height), slice(crop.left, crop.left + crop.width)
