"""The protocol "super-resolution": pictures made small with an antialiased filter, enlarged, and measured in luma.

Never in here: how a method works, figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from gan_lib import images, metrics
from gan_lib.baselines import Upscaler
from gan_lib.evaluation.pictures import LEAST_SIDE, Pictures, sources
from gan_lib.evaluation.running import Evaluation, Problem, judging_network, run_protocol
from gan_lib.evaluation.upscalers import check_scale, super_resolution_methods

_WARM_UP = 64  # small pixels; what a method is tried on before its time is taken


def scaled_down(picture: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture as the protocol has it, and the small one that is made of it.

    Args:
        picture: uint8 (height, width, 3 or 1).
        scale: how many times smaller.

    Returns:
        The picture, cropped from the top left to a multiple of the scale; and the small one, made with Pillow's
        bicubic filter, which is antialiased, and of 8 bit as well.
    """
    height, width = (length // scale for length in picture.shape[:2])
    clean = picture[: height * scale, : width * scale]
    image = Image.fromarray(clean if clean.shape[-1] == 3 else clean[..., 0])
    small = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    return clean, small.reshape(height, width, -1)


def evaluate_super_resolution(
    pictures: Pictures = None,
    *,
    scale: int = 4,
    methods: Sequence[str] | Mapping[str, Upscaler] | None = None,
    weights: str | Path | None = None,
    worst: int = 0,
    progress: bool = False,
    tell: Callable[[str], None] = print,
) -> Evaluation:
    """Measures how well pictures are enlarged, by the protocol that published figures follow.

    Each picture is cropped to a multiple of the scale and made small (`scaled_down`). A method enlarges the small one;
    the result is clipped and rounded to 8 bit. ``psnr`` and ``ssim`` are those of the luma channel in studio range,
    ``psnr_rgb`` that of all three channels, each with as many pixels cut off at the borders as the scale says. The
    perceptual distance sees the whole picture in colour. ``downscaled_error`` is how far the result, made small again,
    is from the small picture, in levels of 255. Means are taken over the pictures, and of the time per megapixel of the
    large picture, after a trial run, the median.

    Args:
        pictures: a folder of large pictures, a list of files, name -> uint8 (height, width, 3), or None for the bundled
            held-out pictures. What cannot be read, or becomes smaller than 16x16 pixels, is named and left out.
        scale: 4 or 2.
        methods: names out of `SUPER_RESOLUTION_METHODS`, or name -> (small, scale) -> large, as `network_upscaler` and
            `baselines` have them; None takes all that are there.
        weights: NAME.weights.h5 with its card beside it, measured as "gan_lib" instead of the released weights.
        worst: how many of the worst pictures of each method are kept.
        progress: whether to show a progress bar.
        tell: gets a line for everything that is left out.

    Returns:
        The measures; see `Evaluation`. The degraded pictures of its cases are the small ones, each pixel repeated.

    Raises:
        SettingsError: for another scale, an unknown method, or weights of another scale or task.
        EvaluationError: if not one picture can be measured, or a method gives no picture.
        DataError: if there is no such folder or no picture in it.
        WeightsError: if weights are damaged, or missing though they were asked for.

    Example:
        >>> from gan_lib.evaluation import as_table
        >>> print(as_table(evaluate_super_resolution(scale=4, methods=["bicubic", "lanczos"]).report))
    """
    check_scale(scale)
    found = sources(pictures, grey=False, tell=tell)
    if not isinstance(methods, Mapping):
        methods = super_resolution_methods(methods, weights=weights, scale=scale, tell=tell)
    judge = judging_network(tell)

    def problem(picture: np.ndarray, index: int) -> Problem:
        clean, small = scaled_down(picture, scale)
        small = small / np.float32(255)
        return Problem(clean, (small, scale), (small[:_WARM_UP, :_WARM_UP], scale))

    def measures(restored: np.ndarray, problem: Problem) -> dict[str, float | None]:
        clean, small = problem.clean, problem.inputs[0]
        inside = (slice(scale, -scale), slice(scale, -scale))
        distance = None if judge is None else float(metrics.perceptual_distance(judge, restored, clean)[0])
        return {
            "psnr": float(metrics.psnr_y(restored, clean, crop=scale)[0]),
            "ssim": float(metrics.ssim_y(restored, clean, crop=scale)[0]),
            "psnr_rgb": float(metrics.psnr(restored[inside], clean[inside])[0]),
            "perceptual": distance,
            "downscaled_error": float(metrics.downscaled_error(restored, small, scale=scale)[0]),
        }

    return run_protocol(
        found,
        methods,
        problem=problem,
        measures=measures,
        rank_by="psnr",
        told={"task": "super-resolution", "protocol": _protocol(scale), "scale": scale},
        show=lambda small: images.to_uint8(small).repeat(scale, axis=0).repeat(scale, axis=1),
        least_side=LEAST_SIDE * scale,
        worst=worst,
        progress=progress,
        tell=tell,
    )


def _protocol(scale: int) -> str:
    return (
        f"cropped to a multiple of {scale} and made {scale} times smaller (bicubic, antialiased, 8 bit); PSNR and SSIM "
        f"of the luma channel (BT.601, studio range) without {scale} pixels at each border; means over pictures"
    )
