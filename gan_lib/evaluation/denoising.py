"""The protocol "denoise": Gaussian noise of known strength on 8-bit pictures, measured against the truth.

Never in here: how a method works, figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from gan_lib import images, metrics
from gan_lib import weights as released
from gan_lib.baselines import Denoiser
from gan_lib.evaluation.methods import denoising_methods
from gan_lib.evaluation.pictures import EvaluationError, Pictures, sources, usable
from gan_lib.restoring import SettingsError

_JUDGE = "judging_features"
_WARM_UP = 512  # pixels; what a method is tried on before its time is taken
_MEASURES = ("psnr", "ssim", "perceptual", "seconds_per_megapixel")


class Case(NamedTuple):
    """One picture and what a method made of it; the pictures are uint8 (height, width, channels)."""

    name: str
    psnr: float
    clean: np.ndarray
    noisy: np.ndarray
    restored: np.ndarray


class Evaluation(NamedTuple):
    """What was measured.

    Attributes:
        report: "task", "protocol", "images", "rows" and more, ready for `save_report` and `as_table`. A row has
            "method", "psnr" in dB (infinite where nothing differs), "ssim", "perceptual" (None where the judging
            network is not there) and "seconds_per_megapixel".
        by_picture: method -> name of a picture -> the same four measures.
        worst: method -> the pictures with the lowest PSNR, the worst first; as many as were asked for.
    """

    report: dict[str, Any]
    by_picture: dict[str, dict[str, dict[str, float | None]]]
    worst: dict[str, list[Case]]


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
    method's alone and after a trial run, the median is taken.

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
        tell: gets a line for everything that is left out.

    Returns:
        The measures; see `Evaluation`.

    Raises:
        SettingsError: for a negative sigma or an unknown method.
        EvaluationError: if not one picture can be measured, or a method gives no picture.
        DataError: if there is no such folder or no picture in it.
        WeightsError: if weights are damaged, or missing though they were asked for.

    Example:
        >>> print(as_table(evaluate_denoising(sigma=25, methods=["noisy", "wavelets"]).report))
    """
    if not (np.isfinite(sigma) and sigma >= 0):
        raise SettingsError(f"The noise has sigma {sigma:g}; at least 0 was expected, for pictures in [0, 255].")
    found = sources(pictures, grey=grey)
    if not isinstance(methods, Mapping):
        methods = denoising_methods(methods, weights=weights, sigma=sigma, tell=tell)
    if not methods:
        raise SettingsError("No methods came; one or more were expected, or None for all.")
    judge, skipped = _judge(tell), {}
    measured: dict[str, dict[str, dict]] = {name: {} for name in methods}
    kept: dict[str, list[Case]] = {name: [] for name in methods}
    bar = tqdm(total=len(found) * len(methods), unit="run", disable=not progress, leave=False)
    with bar:
        for index, name, clean in usable(found, grey=grey, skipped=skipped, tell=tell):
            noisy = add_noise(clean, sigma, seed=seed, index=index)
            for method, restore in methods.items():
                if not measured[method]:
                    restore(noisy[:_WARM_UP, :_WARM_UP], sigma)
                restored, seconds = _restored(restore, noisy, sigma, f"{method} on {name}")
                measured[method][name] = _measures(restored, clean, judge, None if method == "noisy" else seconds)
                case = Case(name, measured[method][name]["psnr"], clean, _to_8_bit(noisy), restored)
                kept[method] = sorted([*kept[method], case], key=lambda case: case.psnr)[:worst]
                bar.update()
    if not any(measured.values()):
        raise EvaluationError(f"None of the {len(found)} pictures could be measured; see the lines above.")
    report = {
        "task": "denoise",
        "protocol": _protocol(sigma, grey, seed),
        "images": len(found) - len(skipped),
        "rows": [{"method": method, **_summary(list(cases.values()))} for method, cases in measured.items()],
        "sigma": float(sigma),
        "grey": grey,
        "seed": seed,
        "skipped": skipped,
    }
    return Evaluation(report, measured, kept)


def _judge(tell: Callable[[str], None]) -> keras.Model | None:
    if not (released.FOLDER / f"{_JUDGE}.json").exists():
        tell(f"The perceptual distance is not measured: the weights {_JUDGE!r} are not in this version.")
        return None
    return released.load_model(_JUDGE)[0]


def _restored(restore: Denoiser, noisy: np.ndarray, sigma: float, what: str) -> tuple[np.ndarray, float]:
    """What a method made of a picture, as uint8, and the seconds it took for each megapixel."""
    start = time.perf_counter()
    restored = restore(noisy, sigma)
    seconds = time.perf_counter() - start
    if restored.shape != noisy.shape or not np.isfinite(restored).all():
        found = f"shape {restored.shape}" if restored.shape != noisy.shape else "NaN or infinity"
        raise EvaluationError(f"{what} gave {found}; finite numbers of shape {noisy.shape} were expected.")
    return _to_8_bit(restored), seconds / (noisy.shape[0] * noisy.shape[1] / 1e6)


def _to_8_bit(picture: np.ndarray) -> np.ndarray:
    return images.to_uint8(np.clip(picture, 0, 1))


def _measures(
    restored: np.ndarray, clean: np.ndarray, judge: keras.Model | None, seconds: float | None
) -> dict[str, float | None]:
    distance = None if judge is None else float(metrics.perceptual_distance(judge, restored, clean)[0])
    psnr, ssim = float(metrics.psnr(restored, clean)[0]), float(metrics.ssim(restored, clean)[0])
    return dict(zip(_MEASURES, (psnr, ssim, distance, seconds), strict=True))


def _summary(cases: list[dict[str, float | None]]) -> dict[str, float | None]:
    """Means over the pictures, and the median of the times."""
    columns = {measure: [case[measure] for case in cases] for measure in _MEASURES}
    means = {
        measure: None if None in values else float(np.median(values) if "seconds" in measure else np.mean(values))
        for measure, values in columns.items()
    }
    return means


def _protocol(sigma: float, grey: bool, seed: int) -> str:
    kind = "grey (Rec. 601 luma)" if grey else "colour"
    return (
        f"Gaussian noise of sigma {sigma:g} of 255, seed {seed}, not clipped; {kind}; clipped and rounded to 8 bit "
        "after restoration; means over pictures"
    )
