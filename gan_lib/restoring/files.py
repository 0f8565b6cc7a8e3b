"""One picture file -> its restored picture beside it, with a JSON file that says how it was made.

Never in here: which files there are to restore (`jobs`), drawing (`sheets`).
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gan_lib import __version__, files, images
from gan_lib.restoring import sheets
from gan_lib.restoring.enlarging import Enlarger
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.limits import DEFAULT_MAX_PIXELS, check_size
from gan_lib.restoring.restorer import DEFAULT_TILE, Restorer
from gan_lib.restoring.tasks import SettingsError
from gan_lib.restoring.tiles import Region

Worker = Restorer | HoleFiller | Enlarger  # a network that is ready for pictures


_DEEP = (".png", ".tif", ".tiff")  # hold 16 bit
_LOSSY = (".jpg", ".jpeg", ".webp")
_LONGEST_SIDE = {".webp": 16_383, ".jpg": 65_500, ".jpeg": 65_500}  # pixels that these formats can hold
_MOST_EXIF = {".jpg": 65_527, ".jpeg": 65_527}  # bytes, without the heading and the length
# Endings of cameras' raw files.
_RAW = "3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f"
CAMERAS = tuple(f".{ending}" for ending in _RAW.split())
_ALL_KEPT = "All are those of the original."
_SOFTWARE, _OF_A_SHEET = 0x0131, "gan_lib: before and after"  # the EXIF tag, and what sheets say in it


class InTheWayError(FileExistsError):
    """Where a file is to be written there is something else than an older result, which nobody meant to lose."""


def check_cap(max_pixels: int) -> None:
    """Raise SettingsError unless a picture can have so many pixels."""
    if max_pixels < 1:
        raise SettingsError(
            f"The cap is {max_pixels} pixels; at least 1 was expected. Leave out --max-pixels (max_pixels=) for "
            f"{DEFAULT_MAX_PIXELS}."
        )


class OutsideError(SettingsError):
    """A part that does not lie inside a picture; another picture may hold it."""


def check_kind(path: Path) -> None:
    """Raise PictureError for a raw file of a camera: many are TIFFs by their contents, with a thumbnail in front."""
    if path.is_file() and path.suffix.lower() in CAMERAS:
        raise images.PictureError(f"{path}: {export_first(path)}.")


def export_first(path: Path) -> str:
    """What to do with a picture of a kind that is not read."""
    return f"files that end in {path.suffix} are not read; export it as PNG, TIFF or JPEG with another program"


class Opened(NamedTuple):
    """A picture file, read.

    Attributes:
        pixels: (height, width, 1 to 4), uint8, or float32 in [0, 1] of deeper files; upright, alpha last.
        bits: 8 or 16, what a result is stored with.
        metadata: EXIF, colour profile, resolution.
        profile: its colours' meaning, if that is not sRGB.
        notes: what the reader of the result should know.
        depth: how many bits the file itself has.
    """

    pixels: np.ndarray
    bits: int
    metadata: images.Metadata
    profile: images.ColourProfile | None
    notes: list[str]
    depth: int


def open_picture(path: Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> Opened:
    """Read a picture file with all that belongs to it.

    Raises:
        PictureError: if it cannot be read, or has more than max_pixels, or is a camera's raw file.
    """
    check_kind(path)
    header = images.read_header(path)
    check_size(path, header, max_pixels)
    picture = images.load_image(path, mode="as-is", max_megapixels=max_pixels / 1e6)
    metadata = images.read_metadata(path)
    profile, notes = None, list(header.notes)
    if metadata.profile:
        try:
            found = images.ColourProfile(metadata.profile, picture.shape[-1])
            profile = None if found.is_srgb else found
        except images.ProfileError as error:
            kept = "kept" if images.profile_fits(metadata.profile, picture.shape[-1]) else "left out"
            notes.append(f"The colours were taken as sRGB: {error}. The profile itself was {kept}.")
    return Opened(picture, 16 if header.bits > 8 else 8, metadata, profile, notes, header.bits)


class Restored(NamedTuple):
    """What became of one picture file: where it is, what was used, and what to know about it."""

    path: Path
    sheet: Path | None
    sigma: float | None
    estimated: bool
    notes: list[str]


def restore_file(
    restorer: Restorer,
    source: Path,
    target: Path,
    *,
    sigma: float | None = None,
    strength: float = 1.0,
    tile: int = DEFAULT_TILE,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    crop: Region | None = None,
    sheet: Path | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> Restored:
    """Restore one file. The picture, its JSON file and the sheet appear together when all is done, or not at all.

    Args:
        restorer: the network.
        source: the picture file.
        target: where the result goes; its ending decides the format.
        sigma: of the noise, on the scale of 0 to 255; estimated if None.
        strength: as for `Restorer`.
        tile: as for `Restorer`.
        max_pixels: largest picture that is read.
        crop: restore only this part.
        sheet: where to write a sheet that compares before and after, if anywhere.
        overwrite: whether files that are there already may be replaced.
        progress: whether to show a progress bar over the tiles.

    Returns:
        Where the result is, and what to know about it.

    Raises:
        PictureError: if the picture cannot be read, or the result not be written.
        SettingsError: if sigma, strength, tile or crop are out of range.
        FileExistsError: if a file is in the way; see `check_free`.
    """
    note = target.with_suffix(".json")
    written = [target, note] + ([sheet] if sheet else [])
    check_free(source, written, overwrite)
    restorer.check(sigma, strength, tile)
    opened = open_picture(source, max_pixels)
    notes = list(opened.notes)
    crop = inside(crop, opened.pixels)
    check_format(source, target, opened, max(crop[2:] if crop else opened.pixels.shape[:2]))
    estimated = sigma is None and strength > 0
    if estimated:
        sigma = restorer.estimate(opened.pixels, opened.profile)
    if strength > 1 and sigma * strength > restorer.limits[1]:
        notes.append(f"The network was told sigma {restorer.limits[1]:g}, the most that it knows.")
    settings = {"tile": tile, "profile": opened.profile}
    result = restorer(opened.pixels, sigma=sigma or 0.0, strength=strength, region=crop, progress=progress, **settings)
    drawn = None
    if sheet:
        drawn = sheets.compare(restorer, opened, result, sigma, estimated, strength, crop, **settings)
    parameters = {
        "sigma": sigma,
        "sigma_estimated": estimated,
        "sigma_told_to_the_network": restorer.told(sigma, strength) if strength else None,
        "strength": strength,
        "sharp": restorer.sharp,
        "tile": tile,
        "crop": as_crop(crop),
    }
    generated, kept = (None, "") if strength else ("Strength 0: no pixel was generated.", _ALL_KEPT)
    save_result(restorer, opened, result, source, target, parameters, notes, generated, sheet, drawn, kept=kept)
    return Restored(target, sheet, sigma, estimated, notes)


def check_format(source: Path, target: Path, opened: Opened, side: int) -> None:
    """Finds out before the work is done whether the format of the result can hold it.

    Args:
        source: the picture file.
        target: the file of the result.
        opened: the picture.
        side: the longer one of the result, in pixels.

    Raises:
        PictureError: if the picture has alpha or more EXIF, or the result is longer, than the format holds.
    """
    suffix = target.suffix.lower()
    longest, most = _LONGEST_SIDE.get(suffix, side), _MOST_EXIF.get(suffix)
    if side > longest:
        raise images.PictureError(
            f"The result would be {side:,} pixels long, and {target.suffix} ends at {longest:,}; take .png for it."
        )
    if most and len(opened.metadata.exif) > most:
        told = f"{len(opened.metadata.exif):,} bytes of EXIF, and {target.suffix} holds {most:,}"
        raise images.PictureError(f"{source} has {told}; take .png for the result.")
    try:
        images.check_alpha(target.name, opened.pixels.shape[-1])
    except ValueError as error:
        raise images.PictureError(f"{source} has alpha: {error}") from error


def as_crop(crop: Region | None) -> dict[str, int] | None:
    """A region as the JSON file beside a result has it."""
    return crop and {"x": crop.left, "y": crop.top, "width": crop.width, "height": crop.height}


def save_result(
    worker: Worker,
    opened: Opened,
    result: np.ndarray,
    source: Path,
    target: Path,
    parameters: dict[str, Any],
    notes: list[str],
    generated: str | None,
    sheet: Path | None,
    drawn: np.ndarray | None,
    *,
    kept: str = "",
) -> None:
    """Writes the result, the JSON file beside it and the sheet: all of them, or none.

    Args:
        worker: what made the result.
        opened: the picture as it was.
        result: what became of it.
        source: its file.
        target: the file of the result.
        parameters: for the JSON file.
        notes: what to know; a line is added where the format holds less than the picture had.
        generated: a sentence that says which pixels were generated; the usual one if None.
        sheet: where the sheet goes, if anywhere.
        drawn: the sheet, uint8 (height, width, 3).
        kept: what follows ``generated`` and says that pixels are those of the original; where the format does not keep
            them, or they were converted from CMYK, a note says so instead.

    Raises:
        PictureError: if something cannot be written.
    """
    suffix = target.suffix.lower()
    bits = opened.bits if suffix in _DEEP else 8
    lost = [f"{opened.depth} bit became 8: {suffix} holds no more."] if bits == 8 < opened.depth else []
    lost += [f"{opened.depth} bit became 16, the most that is written."] if bits == 16 < opened.depth else []
    if kept and suffix in _LOSSY:
        lost.append(f"{suffix} stores with loss, so other pixels change a little too; take .png.")
    notes.extend(lost)
    converted = images.FROM_CMYK in opened.notes
    generated = f"{generated} {kept}" if kept and not lost and not converted else generated
    metadata = opened.metadata
    if result.shape != opened.pixels.shape:
        metadata = metadata.sized(*result.shape[:2])
    contents = [(target, images.encode_image(target.name, result, bits=bits, metadata=metadata))]
    told = _note(worker, source, target, parameters, notes, generated)
    # A name may hold bytes that are no UTF-8: the backslashes are JSON's way to say them, and are read as they were.
    text = (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
    contents.append((target.with_suffix(".json"), text))
    if sheet:
        tags = Image.Exif()
        tags[_SOFTWARE] = _OF_A_SHEET
        beside = opened.metadata._replace(exif=tags.tobytes().removeprefix(b"Exif\0\0"))
        contents.append((sheet, images.encode_image(sheet.name, drawn, metadata=beside)))
    try:
        # The picture takes its place last: where it stands, nothing is missing.
        files.write_together(contents[::-1])
    except OSError as error:
        raise images.PictureError(error.strerror or str(error)) from error


def check_free(source: Path, written: list[Path], overwrite: bool) -> None:
    """Raise if something stands where a result is to be, before any work is done.

    Only the restored picture decides whether there is a result. A JSON file or a sheet without it is left of a run
    that was cut off (the machine was switched off, or somebody removed the picture): it is replaced if it says that it
    is ours, and else stays.

    Args:
        source: the original.
        written: where the restored picture is to be, then its JSON file, and its sheet if there is to be one.
        overwrite: whether older files may be replaced. Folders and the original never are.

    Raises:
        FileExistsError: if the restored picture is there already.
        InTheWayError: if the original or a folder is in the way, or a file that is not ours has the name of the JSON
            file or the sheet.
    """
    for path in written:
        if not os.path.exists(path):  # not path.exists(), which raises for a name that is too long
            continue
        if source.exists() and path.samefile(source):
            raise InTheWayError(f"{path} is the original, which is never replaced. Name another output with -o.")
        if path.is_dir():
            raise InTheWayError(f"{path} is a folder where a file is to be written. Rename it, or name another -o.")
        way_out = "Add --overwrite to replace it, or name another with -o."
        if path == written[0] and not overwrite:
            raise FileExistsError(f"{path} is there already. {way_out}")
        if not overwrite and not _is_ours(path, written[0]):
            raise InTheWayError(f"{path} is there already, and nothing in it says that it is ours. {way_out}")


def _is_ours(path: Path, target: Path) -> bool:
    """Whether a JSON file was written for this restored picture, or a sheet by us; what cannot be read was not."""
    try:
        if path.suffix != ".json":
            return _OF_A_SHEET.encode() in images.read_metadata(path).exif
        told = json.loads(path.read_text(encoding="utf-8"))
        return isinstance(told, dict) and (told.get("software"), told.get("output")) == ("gan_lib", target.name)
    except (OSError, ValueError):
        return False


def inside(crop: Region | None, picture: np.ndarray) -> Region | None:
    """The crop, if there is one and it lies within the picture; else OutsideError."""
    if crop is None:
        return None
    height, width = picture.shape[:2]
    across, down = 0 <= crop.left < crop.left + crop.width <= width, 0 <= crop.top < crop.top + crop.height <= height
    if across and down:
        return crop
    raise OutsideError(
        f"The part {crop.left},{crop.top},{crop.width},{crop.height} (X,Y,WIDTH,HEIGHT) does not lie inside the "
        f"picture, which is {width} wide and {height} high."
    )


def _note(
    worker: Worker,
    source: Path,
    target: Path,
    parameters: dict[str, Any],
    notes: list[str],
    generated: str | None,
) -> dict[str, Any]:
    """What is written beside a result, for whoever finds it later."""
    return {
        "software": "gan_lib",
        "version": __version__,
        "task": worker.task.name,
        "generated": generated
        or f"A neural network {worker.task.made} and generated the pixels of {target.name}. They are an "
        "estimate: fine detail may be missing or invented. Keep the original.",
        "input": {"file": source.name, "sha256": hashlib.sha256(source.read_bytes()).hexdigest()},
        "output": target.name,
        "weights": {"name": worker.card["name"], "sha256": worker.card["sha256"]},
        "parameters": parameters,
        "notes": notes,
    }
