"""One picture file with missing pixels -> its filled picture beside it, with a JSON file that says how it was made.

Never in here: how a mask is read (`masks`), how a hole is filled (`holes`).
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from gan_lib import images
from gan_lib.restoring import sheets
from gan_lib.restoring.files import (
    Opened,
    Restored,
    as_crop,
    check_format,
    check_free,
    inside,
    open_picture,
    save_result,
)
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.limits import DEFAULT_MAX_PIXELS
from gan_lib.restoring.masks import MaskError, MaskSource, Missing, find_missing
from gan_lib.restoring.tiles import Region, slices_of


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
        crop: fill this part only; it comes out as it would in the whole picture.
        sheet: where to write a sheet that shows how the mask was read, before, after and what was invented.
        overwrite: whether files that are there already may be replaced.
        progress: whether to show a progress bar over the tiles.

    Returns:
        Where the result is, and what to know about it.

    Raises:
        PictureError: if the picture cannot be read, or the result not be written; or if the mask cannot be used: then
            a picture of how it was read stands beside where the result would have been, under a name that was free
            unless older files may be replaced, and the message names it.
        SettingsError: if the crop lies outside.
        FileExistsError: if a file is in the way.
    """
    check_free(source, [target, target.with_suffix(".json")] + ([sheet] if sheet else []), overwrite)
    opened = open_picture(source, max_pixels)
    crop = inside(crop, opened.pixels)
    check_format(source, target, opened, max(crop[2:] if crop else opened.pixels.shape[:2]))
    try:
        whole, notes = find_missing(mask, opened.pixels, source, max_pixels=max_pixels)
    except MaskError as error:
        reading = _reading(target, [source, mask.file], overwrite)
        images.save_image(reading, error.reading)
        raise images.PictureError(f"{error} How it was read: {reading}") from error
    notes = [*opened.notes, *notes, *filler.notes(whole, crop)]
    result = filler(opened.pixels, whole, profile=opened.profile, region=crop, progress=progress)
    before, missing = opened.pixels[slices_of(crop)], whole[slices_of(crop)]
    drawn = sheets.compare_filled(before, missing, result, opened.profile) if sheet else None
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
        PictureError: if the mask cannot be read.
    """
    pixels, notes = find_missing(mask, opened.pixels, source, max_pixels=max_pixels)
    return Missing(pixels[slices_of(crop)], notes)


def _reading(target: Path, inputs: list[Path | None], overwrite: bool) -> Path:
    """Where a picture of how a mask was read goes: never over what was given, and over other files only if allowed.

    All names end alike, by which a run over a folder knows that they are no pictures to restore.
    """
    for number in itertools.count(1):
        stem = target.stem if number == 1 else f"{target.stem}_{number}"
        path = target.with_name(f"{stem}_mask_as_read.png")
        if not path.exists():
            return path
        given = any(file is not None and file.exists() and path.samefile(file) for file in inputs)
        if overwrite and path.is_file() and not given:
            return path
