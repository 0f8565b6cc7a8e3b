"""One picture file -> its enlarged picture beside it, with a JSON file that says how it was made.

Never in here: how a picture is enlarged (`enlarging`), drawing (`sheets`).
"""

from __future__ import annotations

from pathlib import Path

from gan_lib import images
from gan_lib.restoring import sheets
from gan_lib.restoring.enlarging import ENLARGING_TILE, Enlarger
from gan_lib.restoring.files import Restored, as_crop, check_format, check_free, inside, open_picture, save_result
from gan_lib.restoring.limits import DEFAULT_MAX_PIXELS, check_result
from gan_lib.restoring.tiles import Region


def enlarge_file(
    enlarger: Enlarger,
    source: Path,
    target: Path,
    *,
    tile: int = ENLARGING_TILE,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    crop: Region | None = None,
    sheet: Path | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> Restored:
    """Enlarge one file. The picture, its JSON file and the sheet appear together when all is done, or not at all.

    Args:
        enlarger: the network.
        source: the picture file.
        target: where the result goes; its ending decides the format.
        tile: as for `Enlarger`.
        max_pixels: largest result that is made.
        crop: enlarge this part of the small picture only.
        sheet: where to write a sheet that shows the result beside bicubic interpolation, if anywhere.
        overwrite: whether files that are there already may be replaced.
        progress: whether to show a progress bar over the tiles.

    Returns:
        Where the result is, and what to know about it.

    Raises:
        PictureError: if the picture cannot be read, is too small or too large, or the result cannot be written.
        SettingsError: if tile or crop are out of range.
        FileExistsError: if a file is in the way.
    """
    check_free(source, [target, target.with_suffix(".json")] + ([sheet] if sheet else []), overwrite)
    enlarger.check(tile)
    header = images.read_header(source)
    if crop is None:  # of a crop the size is known only when it is known to lie inside
        check_result(str(source), header.height, header.width, enlarger.scale, max_pixels, header.bits)
    opened = open_picture(source, max_pixels)
    crop = inside(crop, opened.pixels)
    height, width = opened.pixels.shape[:2] if crop is None else (crop.height, crop.width)
    check_result(str(source), height, width, enlarger.scale, max_pixels, header.bits, part=crop is not None)
    check_format(source, target, opened, enlarger.scale * max(height, width))
    notes = opened.notes + enlarger.notes(opened.pixels)
    result = enlarger(opened.pixels, tile=tile, region=crop, profile=opened.profile, progress=progress)
    drawn = sheets.compare_enlarged(opened.pixels, result, enlarger.scale, crop, opened.profile) if sheet else None
    parameters = {"scale": enlarger.scale, "sharp": enlarger.sharp, "tile": tile, "crop": as_crop(crop)}
    save_result(enlarger, opened, result, source, target, parameters, notes, _told(enlarger, target), sheet, drawn)
    return Restored(target, sheet, None, False, notes)


def _told(enlarger: Enlarger, target: Path) -> str:
    """For whoever finds the picture later."""
    more = " This version invents more of it than a faithful one, to look sharp." if enlarger.sharp else ""
    return (
        f"A neural network {enlarger.task.made} {enlarger.scale} times in height and width, and generated all pixels "
        f"of {target.name}. Detail that the small picture does not show was invented: it looks likely, and need not be "
        f"true.{more} Keep the original."
    )
