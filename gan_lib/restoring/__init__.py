"""A picture of any size and a released network -> the restored picture: ``gan_lib.restore`` and what is behind it.

Never in here: training, and how good it is (``gan_lib.evaluation``).
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from gan_lib.restoring import arrays
from gan_lib.restoring.arrays import network
from gan_lib.restoring.costs import Cost, estimate_cost, estimate_filling
from gan_lib.restoring.demonstration import (
    damaged_picture,
    psnr_against,
    psnr_enlarged,
    scratched_picture,
    smaller_picture,
)
from gan_lib.restoring.enlarged import enlarge_file
from gan_lib.restoring.enlarging import ENLARGING_TILE, Enlarger
from gan_lib.restoring.files import InTheWayError, Opened, Restored, check_cap, open_picture, restore_file
from gan_lib.restoring.filling import fill_file
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.jobs import (
    Job,
    Report,
    check_masks,
    check_output,
    looks_like_a_result,
    plan,
    restore_files,
)
from gan_lib.restoring.limits import DEFAULT_MAX_PIXELS
from gan_lib.restoring.masks import MaskError, MaskSource, check_source
from gan_lib.restoring.restorer import DEFAULT_TILE, Restorer
from gan_lib.restoring.tasks import TASKS, SettingsError, check_task, check_version
from gan_lib.restoring.tiles import Region

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "DEFAULT_TILE",
    "ENLARGING_TILE",
    "TASKS",
    "Cost",
    "Enlarger",
    "HoleFiller",
    "InTheWayError",
    "Job",
    "MaskError",
    "MaskSource",
    "Opened",
    "Region",
    "Report",
    "Restored",
    "Restorer",
    "SettingsError",
    "check_cap",
    "check_masks",
    "check_output",
    "check_source",
    "check_task",
    "check_version",
    "damaged_picture",
    "enlarge_file",
    "estimate_cost",
    "estimate_filling",
    "fill_file",
    "looks_like_a_result",
    "network",
    "open_picture",
    "plan",
    "psnr_against",
    "psnr_enlarged",
    "restore",
    "restore_file",
    "restore_files",
    "scratched_picture",
    "smaller_picture",
]


def restore(
    picture: np.ndarray | str | os.PathLike,
    *,
    task: str = "denoise",
    sigma: float | None = None,
    strength: float = 1.0,
    sharp: bool = False,
    weights: str | os.PathLike | None = None,
    tile: int | None = None,
    mask: np.ndarray | str | os.PathLike | None = None,
    mask_colour: str | None = None,
    mask_alpha: bool = False,
    invert_mask: bool = False,
    scale: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    progress: bool = False,
    tell: Callable[[str], None] = print,
) -> np.ndarray:
    """Restore a picture of any size with a released network.

    Nothing is written; ``python -m gan_lib restore`` makes files of files, and keeps their metadata.

    Args:
        picture: a file, or (height, width) or (height, width, 1 to 4): uint8 in [0, 255] or float in [0, 1], sRGB; of
            2 and 4 channels the last is alpha, which comes back as it is.
        task: "denoise", or "inpaint", which fills missing pixels and leaves all others as they are, bit by bit, or
            "super-resolution", which enlarges.
        sigma: for "denoise": standard deviation of the noise on the scale of 0 to 255, within what the network was
            trained on; estimated and told if None.
        strength: for "denoise": 0 gives the picture back bit by bit, 1 the network's result, between is a blend of
            both; above 1, up to 2, the network is told of so many times more noise.
        sharp: take the version that was trained against a discriminator.
        weights: other weights, a ``NAME.weights.h5`` with its card ``NAME.json`` beside it; not together with sharp.
        tile: height and width of the pieces that are worked on at a time; the result does not depend on it. Not for
            "inpaint". 512 if None, and 256 small pixels for "super-resolution".
        mask: for "inpaint": a file or an array, white where pixels are missing, as large as the picture.
        mask_colour: instead of a mask: the colour that was painted over what is missing, such as "magenta".
        mask_alpha: instead of a mask: whether transparent pixels are missing.
        invert_mask: whether black is missing in the mask.
        scale: for "super-resolution": how many times larger, 2 or 4; 4 if None.
        max_pixels: largest file that is read; for "super-resolution", largest result that is made.
        progress: whether to show a progress bar.
        tell: what to do with a line for the reader, such as the estimated sigma.

    Returns:
        The restored picture, same shape and dtype, for "super-resolution" ``scale`` times as high and wide; of a file
        uint8, or float32 in [0, 1] if it has 16 bit, upright and in the file's own colour profile.

    Raises:
        SettingsError: if an argument is out of range, or belongs to another task; it is a ValueError.
        PictureError: if a file cannot be read, or the result would be too large.
        WeightsError: if weights are missing or damaged.
        TypeError, ValueError: if an array is no picture.

    Example:
        >>> import gan_lib
        >>> clean = gan_lib.restore("holiday.jpg")
        >>> whole = gan_lib.restore("scan.png", task="inpaint", mask="scratches.png")
        >>> large = gan_lib.restore("stamp.png", task="super-resolution", scale=4)
    """
    check_task(task)
    check_version(sharp, weights)
    check_cap(max_pixels)
    masks_came = mask is not None or mask_colour is not None or mask_alpha or invert_mask
    for came, what, tasks in (
        (sigma is not None or strength != 1, "Sigma or strength", ["denoise"]),
        (tile is not None, "A tile", ["denoise", "super-resolution"]),
        (masks_came, "A mask", ["inpaint"]),
        (scale is not None, "A scale", ["super-resolution"]),
    ):
        if came and task not in tasks:
            raise SettingsError(f"{what} came, which is not for the task {task}, but for {' and '.join(tasks)}.")
    worker = network(task, sharp=sharp, scale=scale, weights=weights)
    if task == "super-resolution":
        return arrays.enlarged(picture, worker, tile, max_pixels, progress, tell)
    if task == "inpaint":
        source = MaskSource(None, mask_colour, mask_alpha, invert_mask)
        return arrays.filled(picture, worker, mask, source, max_pixels, progress, tell)
    return arrays.denoised(picture, worker, sigma, strength, tile, max_pixels, progress, tell)
