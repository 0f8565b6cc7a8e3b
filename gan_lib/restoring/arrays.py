"""A picture, from a file or an array -> an array: what `gan_lib.restore` does for each task.

Never in here: result files (`files`, `filling`, `enlarged`).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan_lib import files, images
from gan_lib import weights as released
from gan_lib.restoring.enlarging import ENLARGING_TILE, Enlarger
from gan_lib.restoring.files import open_picture
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.limits import check_result
from gan_lib.restoring.masks import MaskSource, check_source, find_missing, of_array
from gan_lib.restoring.restorer import DEFAULT_TILE, Restorer
from gan_lib.restoring.tasks import TASKS, SettingsError, check_task

Picture = np.ndarray | str | os.PathLike
Tell = Callable[[str], None]


def denoised(
    picture: Picture,
    restorer: Restorer,
    sigma: float | None,
    strength: float,
    tile: int | None,
    max_pixels: int,
    progress: bool,
    tell: Tell,
) -> np.ndarray:
    """What `restore` does for "denoise"; the arguments are the same."""
    tile = DEFAULT_TILE if tile is None else tile
    restorer.check(sigma, strength, tile)
    profile = None
    if isinstance(picture, (str, os.PathLike)):
        opened = open_picture(files.expanded(picture), max_pixels)
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
    result = restorer(pixels, sigma=sigma or 0.0, strength=strength, tile=tile, profile=profile, progress=progress)
    return result.reshape(np.shape(picture)) if isinstance(picture, np.ndarray) else result


def filled(
    picture: Picture,
    filler: HoleFiller,
    mask: Picture | None,
    source: MaskSource,
    max_pixels: int,
    progress: bool,
    tell: Tell,
) -> np.ndarray:
    """What `restore` does for "inpaint"; ``source`` holds the arguments that describe a mask, but for the mask."""
    array = mask if isinstance(mask, np.ndarray) else None
    if array is None:
        source = source._replace(file=None if mask is None else files.expanded(mask))
        check_source(source)
    elif source.colour is not None or source.alpha:
        raise SettingsError(
            "A mask came as an array, and mask_colour or mask_alpha besides; leave out all but one of them."
        )
    profile, path = None, Path("the picture")
    if isinstance(picture, (str, os.PathLike)):
        path = files.expanded(picture)
        opened = open_picture(path, max_pixels)
        pixels, profile, notes = opened.pixels, opened.profile, opened.notes
    else:
        pixels, notes = _as_pixels(picture), []
    if array is not None:
        missing = of_array(array, source.invert, pixels.shape[:2])
    else:
        missing = find_missing(source, pixels, path, max_pixels=max_pixels)
    for note in [*notes, *missing.notes, *filler.notes(missing.pixels)]:
        tell(note)
    result = filler(pixels, missing.pixels, profile=profile, progress=progress)
    return result.reshape(np.shape(picture)) if isinstance(picture, np.ndarray) else result


def enlarged(
    picture: Picture, enlarger: Enlarger, tile: int | None, max_pixels: int, progress: bool, tell: Tell
) -> np.ndarray:
    """What `restore` does for "super-resolution"; the arguments are the same."""
    tile = ENLARGING_TILE if tile is None else tile
    enlarger.check(tile)
    profile, notes = None, []
    if isinstance(picture, (str, os.PathLike)):
        path = files.expanded(picture)
        header = images.read_header(path)
        check_result(str(path), header.height, header.width, enlarger.scale, max_pixels, header.bits)
        opened = open_picture(path, max_pixels)
        pixels, profile, notes = opened.pixels, opened.profile, opened.notes
    else:
        pixels = _as_pixels(picture)
        check_result("the picture", *pixels.shape[:2], enlarger.scale, max_pixels)
    for note in [*notes, *enlarger.notes(pixels)]:
        tell(note)
    result = enlarger(pixels, tile=tile, profile=profile, progress=progress)
    return result[..., 0] if np.ndim(picture) == 2 else result


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


def network(
    task: str, *, sharp: bool = False, scale: int | None = None, weights: str | os.PathLike | None = None
) -> Restorer | HoleFiller | Enlarger:
    """The network for a task, kept ready for the next picture.

    Args:
        task: "denoise", "inpaint" or "super-resolution".
        sharp: whether to take the version that adds what looks right.
        scale: for "super-resolution": how many times larger; 4 if None.
        weights: a file ``NAME.weights.h5`` with its card ``NAME.json`` beside it, in place of released weights.

    Raises:
        SettingsError: for an unknown task, or if there are no such weights.
        WeightsError: if weights are missing or damaged.
    """
    check_task(task)
    scale = (4 if scale is None else scale) if task == "super-resolution" else 1
    if weights is None:
        path = released.FOLDER / f"{TASKS[task].weights(sharp, scale)}.weights.h5"
    else:
        path = files.expanded(weights)
    # A lesson may have written new ones under the same name.
    both = path, Path(str(path).removesuffix(".weights.h5") + ".json")
    written = tuple((str(file), file.stat().st_mtime_ns) for file in both if file.is_file())
    return _ready(task, sharp, scale, None if weights is None else path, written)


@functools.lru_cache(maxsize=4)
def _ready(task: str, sharp: bool, scale: int, weights_file: Path | None, written: tuple[tuple[str, int], ...]):
    if task == "inpaint":
        return HoleFiller(sharp=sharp, weights_file=weights_file)
    if task == "super-resolution":
        return Enlarger(scale, sharp=sharp, weights_file=weights_file)
    return Restorer(task, sharp=sharp, weights_file=weights_file)
