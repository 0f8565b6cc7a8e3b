"""The protocol "denoise": Gaussian noise of known strength on 8-bit pictures, measured against the truth.

Never in here: how a method works, figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from gan_lib import metrics
from gan_lib.baselines import Denoiser
from gan_lib.evaluation.methods import denoising_methods
from gan_lib.evaluation.pictures import Pictures, sources
from gan_lib.evaluation.running import Evaluation, Problem, check_seed, judging_network, run_protocol
from gan_lib.restoring import SettingsError

_WARM_UP = 512  # pixels; what a method is tried on before its time is taken


def add_noise(clean: np.ndarray, sigma: float, *, seed: int, index: int) -> np.ndarray:
    """The noise of the protocol: it depends on nothing but the seed, the picture's index and its shape.

    Args:
        clean: uint8 (height, width, channels).
        sigma: standard deviation, at least 0, for pictures in [0, 255].
        seed: of the whole evaluation.
        index: of the picture, counted in sorted order.

    Returns:
        float32 of the same shape, about [0, 1], not clipped.
    """
    noise = np.random.default_rng([seed, index]).standard_normal(clean.shape, np.float32)
    return clean.astype(np.float32) / np.float32(255) + noise * np.float32(sigma / 255)


def evaluate_denoising(
    pictures: Pictures = None,
    *,
    sigma: float = 25.0,
    grey: bool = False,
    methods: Sequence[str] | Mapping[str, Denoiser] | None = None,
    weights: str | Path | None = None,
    seed: int = 0,
    worst: int = 0,
    progress: bool = False,
    tell: Callable[[str], None] = print,
) -> Evaluation:
    """Measures denoisers by the protocol that published figures follow.

    To each 8-bit picture noise is added and **not clipped**. A method restores it; then it is clipped, rounded to 8
    bit and compared with the truth. PSNR and SSIM are averaged over the pictures, and of the time per megapixel, the
    method's alone and after a trial run, the median is taken. ``grey_pictures`` of the report counts those whose
    channels are equal: measured in colour, each of their channels gets noise of its own.

    Args:
        pictures: a folder, a list of files, name -> uint8 (height, width, 3, or 1 for grey), or None for the bundled
            held-out pictures. What cannot be read, or is smaller than 16x16 pixels, is named and left out.
        sigma: standard deviation of the noise, at least 0, for pictures in [0, 255].
        grey: measure on grey pictures, by Rec. 601 luma.
        methods: names out of `METHODS`, or name -> (noisy, sigma) -> restored, as `network_denoiser` and `baselines`
            have them; None takes all that are there.
        weights: NAME.weights.h5 with its card beside it, measured as "gan_lib" instead of the released weights.
        seed: selects the noise.
        worst: how many of the worst pictures of each method are kept.
        progress: whether to show a progress bar.
        tell: gets a line for everything that is left out, and for what makes the measures differ from published ones.

    Returns:
        The measures; see `Evaluation`.

    Raises:
        SettingsError: for a negative sigma or seed, an unknown method, or weights of a network for another task.
        EvaluationError: if not one picture can be measured, or a method gives no picture.
        DataError: if there is no such folder or no picture in it.
        WeightsError: if weights are damaged, or missing though they were asked for.

    Example:
        >>> from gan_lib.evaluation import as_table
        >>> print(as_table(evaluate_denoising(sigma=25, methods=["noisy", "wavelets"]).report))
    """
    if not (np.isfinite(sigma) and sigma >= 0):
        raise SettingsError(f"The noise has sigma {sigma:g}; at least 0 was expected, for pictures in [0, 255].")
    check_seed(seed)
    found = sources(pictures, grey=grey, tell=tell)
    if not isinstance(methods, Mapping):
        methods = denoising_methods(methods, weights=weights, sigma=sigma, tell=tell)
    judge = judging_network(tell)
    grey_ones: list[int] = []

    def problem(clean: np.ndarray, index: int) -> Problem:
        if (clean == clean[..., :1]).all():
            grey_ones.append(index)
        noisy = add_noise(clean, sigma, seed=seed, index=index)
        return Problem(clean, (noisy, sigma), (noisy[:_WARM_UP, :_WARM_UP], sigma))

    def measures(restored: np.ndarray, problem: Problem) -> dict[str, float | None]:
        distance = None if judge is None else float(metrics.perceptual_distance(judge, restored, problem.clean)[0])
        psnr, ssim = (float(measure(restored, problem.clean)[0]) for measure in (metrics.psnr, metrics.ssim))
        return {"psnr": psnr, "ssim": ssim, "perceptual": distance}

    told = {"task": "denoise", "protocol": _protocol(sigma, grey, seed), "sigma": float(sigma)}
    measured = run_protocol(
        found,
        methods,
        problem=problem,
        measures=measures,
        rank_by="psnr",
        told=told | {"grey": grey, "seed": seed},
        grey=grey,
        untimed="noisy",
        worst=worst,
        progress=progress,
        tell=tell,
    )
    measured.report["grey_pictures"] = len(grey_ones)
    if grey_ones and not grey:
        tell(
            f"Note: {len(grey_ones)} of {measured.report['images']} pictures are grey. Here each channel got noise of "
            "its own, which is easier; published grey figures are those of --grey (grey=True)."
        )
    return measured


def _protocol(sigma: float, grey: bool, seed: int) -> str:
    kind = "grey (Rec. 601 luma)" if grey else "colour"
    return (
        f"Gaussian noise of sigma {sigma:g} of 255, seed {seed}, not clipped; {kind}; clipped and rounded to 8 bit "
        "after restoration; means over pictures"
    )
