"""A picture of any size and a released network -> the restored picture: ``gan_lib.restore`` and what is behind it.

Never in here: training, and how good it is (``gan_lib.evaluation``).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan_lib import images
from gan_lib import weights as released
from gan_lib.restoring.costs import Cost, estimate_cost, estimate_filling
from gan_lib.restoring.demonstration import bundled_picture, damaged_picture, psnr_against, scratched_picture
from gan_lib.restoring.files import DEFAULT_MAX_PIXELS, Opened, Restored, open_picture, restore_file
from gan_lib.restoring.filling import fill_file
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.jobs import Job, Report, plan, restore_files
from gan_lib.restoring.masks import MaskError, MaskSource, check_source, find_missing, of_array
from gan_lib.restoring.restorer import DEFAULT_TILE, Restorer, SettingsError, check_task
from gan_lib.restoring.tasks import TASKS
from gan_lib.restoring.tiles import Region

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "DEFAULT_TILE",
    "TASKS",
    "Cost",
    "HoleFiller",
    "Job",
    "MaskError",
    "MaskSource",
    "Opened",
    "Region",
    "Report",
    "Restored",
    "Restorer",
    "SettingsError",
    "bundled_picture",
    "check_source",
    "check_task",
    "damaged_picture",
    "estimate_cost",
    "estimate_filling",
    "fill_file",
    "open_picture",
    "plan",
    "psnr_against",
    "restore",
    "restore_file",
    "restore_files",
    "scratched_picture",
]


def restore(
    picture: np.ndarray | str | os.PathLike,
    *,
    task: str = "denoise",
    sigma: float | None = None,
    strength: float = 1.0,
    sharp: bool = False,
    weights: str | os.PathLike | None = None,
    tile: int = DEFAULT_TILE,
    mask: np.ndarray | str | os.PathLike | None = None,
    mask_colour: str | None = None,
    mask_alpha: bool = False,
    invert_mask: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    progress: bool = False,
    tell: Callable[[str], None] = print,
) -> np.ndarray:
    """Restore a picture of any size with a released network.

    Nothing is written; ``python -m gan_lib restore`` makes files of files, and keeps their metadata.

    Args:
        picture: a file, or (height, width) or (height, width, 1 to 4): uint8 in [0, 255] or float in [0, 1], sRGB; of
            2 and 4 channels the last is alpha, which comes back as it is.
        task: "denoise", or "inpaint", which fills missing pixels and leaves all others as they are, bit by bit.
        sigma: standard deviation of the noise on the scale of 0 to 255, within what the network was trained on;
            estimated and told if None.
        strength: 0 gives the picture back bit by bit, 1 the network's result, between is a blend of both; above 1, up
            to 2, the network is told of so many times more noise.
        sharp: take the version that was trained against a discriminator.
        weights: other weights, a ``NAME.weights.h5`` with its card ``NAME.json`` beside it.
        tile: height and width of the pieces that are worked on at a time; the result does not depend on it.
        mask: for "inpaint": a file or an array, white where pixels are missing, as large as the picture.
        mask_colour: instead of a mask: the colour that was painted over what is missing, such as "magenta".
        mask_alpha: instead of a mask: whether transparent pixels are missing.
        invert_mask: whether black is missing in the mask.
        max_pixels: largest file that is read.
        progress: whether to show a progress bar.
        tell: what to do with a line for the reader, such as the estimated sigma.

    Returns:
        The restored picture, same shape and dtype; of a file uint8, or float32 in [0, 1] if it has 16 bit, upright
        and in the file's own colour profile.

    Raises:
        SettingsError: if an argument is out of range, or belongs to another task; it is a ValueError.
        PictureError: if a file cannot be read.
        WeightsError: if weights are missing or damaged.
        TypeError, ValueError: if an array is no picture.

    Example:
        >>> import gan_lib
        >>> clean = gan_lib.restore("holiday.jpg")
        >>> whole = gan_lib.restore("scan.png", task="inpaint", mask="scratches.png")
    """
    check_task(task)
    masked = mask is not None or mask_colour is not None or mask_alpha or invert_mask
    if task == "inpaint":
        if sigma is not None or strength != 1 or tile != DEFAULT_TILE:
            raise SettingsError("sigma, strength and tile came, which are not for the task inpaint; leave them out.")
        source = MaskSource(None, mask_colour, mask_alpha, invert_mask)
        return _fill(
            picture, mask, source, _filler(sharp, *_identity(task, sharp, weights)), max_pixels, progress, tell
        )
    if masked:
        raise SettingsError(f"A mask came, which is not for the task {task}; leave it out, or take the task inpaint.")
    restorer = _restorer(task, sharp, *_identity(task, sharp, weights))
    restorer.check(sigma, strength, tile)
    profile = None
    if isinstance(picture, (str, os.PathLike)):
        opened = open_picture(Path(picture).expanduser(), max_pixels)
        pixels, profile = opened.pixels, opened.profile
        for note in opened.notes:
            tell(note)
    else:
        pixels = _as_pixels(picture)
    if sigma is None and strength > 0:
        sigma = restorer.estimate(pixels, profile)
        tell(f"Estimated noise: sigma {sigma:.1f} of 255.")
    if strength > 1 and sigma * strength > restorer.limits[1]:
        tell(f"The network was told sigma {restorer.limits[1]:g}, the most that it knows.")
    restored = restorer(pixels, sigma=sigma or 0.0, strength=strength, tile=tile, profile=profile, progress=progress)
    return restored.reshape(np.shape(picture)) if isinstance(picture, np.ndarray) else restored


def _fill(picture, mask, source: MaskSource, filler: HoleFiller, max_pixels: int, progress: bool, tell) -> np.ndarray:
    """What `restore` does for "inpaint"."""
    array = mask if isinstance(mask, np.ndarray) else None
    if array is None:
        source = source._replace(file=None if mask is None else Path(mask).expanduser())
        check_source(source)
    profile, path = None, Path("the picture")
    if isinstance(picture, (str, os.PathLike)):
        path = Path(picture).expanduser()
        opened = open_picture(path, max_pixels)
        pixels, profile, notes = opened.pixels, opened.profile, opened.notes
    else:
        pixels, notes = _as_pixels(picture), []
    if array is not None:
        missing = of_array(array, source.invert, pixels.shape[:2])
    else:
        missing = find_missing(source, pixels, path)
    for note in [*notes, *missing.notes, *filler.notes(missing.pixels)]:
        tell(note)
    filled = filler(pixels, missing.pixels, profile=profile, progress=progress)
    return filled.reshape(np.shape(picture)) if isinstance(picture, np.ndarray) else filled


def _as_pixels(picture: np.ndarray) -> np.ndarray:
    pixels = np.asarray(picture)
    images.check_picture(pixels)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or not 1 <= pixels.shape[-1] <= 4 or 0 in pixels.shape:
        raise ValueError(
            f"A picture of shape {np.shape(picture)} came; (height, width) or (height, width, 1 to 4) was expected. "
            "Of a batch take one, as in batch[0]."
        )
    return pixels


def _identity(task: str, sharp: bool, weights) -> tuple[Path | None, float]:
    """Which weights, and when they were written: a lesson may have written new ones under the same name."""
    if weights is not None:
        path = Path(weights).expanduser()
    elif task in TASKS:
        path = released.FOLDER / f"{TASKS[task].sharp if sharp else TASKS[task].faithful}.weights.h5"
    else:
        return None, 0.0
    return (path if weights is not None else None), (path.stat().st_mtime if path.is_file() else 0.0)


@functools.lru_cache(maxsize=2)
def _restorer(task: str, sharp: bool, weights_file: Path | None, written: float) -> Restorer:
    return Restorer(task, sharp=sharp, weights_file=weights_file)


@functools.lru_cache(maxsize=2)
def _filler(sharp: bool, weights_file: Path | None, written: float) -> HoleFiller:
    return HoleFiller(sharp=sharp, weights_file=weights_file)
