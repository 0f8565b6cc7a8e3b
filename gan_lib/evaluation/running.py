"""What every protocol shares: the walk through pictures and methods, the clock, the means.

Never in here: how pictures are damaged, and which measures a protocol takes (`denoising`, `inpainting`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from gan_lib import images
from gan_lib import weights as released
from gan_lib.evaluation.pictures import LEAST_SIDE, EvaluationError, Source, usable
from gan_lib.restoring import SettingsError

_JUDGE = "judging_features"


class Case(NamedTuple):
    """One picture and what a method made of it; the pictures are uint8 (height, width, channels).

    ``psnr`` is what the protocol ranks by: of the whole picture, or of the hole.
    """

    name: str
    psnr: float
    clean: np.ndarray
    degraded: np.ndarray
    restored: np.ndarray


class Evaluation(NamedTuple):
    """What was measured.

    Attributes:
        report: "task", "protocol", "images" (how many), "rows", "pictures" (their names), "skipped" (name -> reason)
            and more, ready for `save_report` and `as_table`. A row has "method" and the measures of the protocol:
            "psnr" in dB (infinite where nothing differs), "ssim", "perceptual" (None where the judging network is not
            there) and "seconds_per_megapixel", for inpainting also "hole_psnr" and "hole_ssim", for super-resolution
            "psnr_rgb" and "downscaled_error".
        by_picture: method -> name of a picture -> the same measures.
        worst: method -> the pictures with the lowest PSNR, the worst first; as many as were asked for.
    """

    report: dict[str, Any]
    by_picture: dict[str, dict[str, dict[str, float | None]]]
    worst: dict[str, list[Case]]


class Problem(NamedTuple):
    """One picture, damaged: what a method gets, and what it is measured against.

    Attributes:
        clean: the truth, uint8 (height, width, channels).
        inputs: what a method is called with; the first is the degraded picture, float32 about [0, 1].
        trial: the same, but small: what a method is tried on before its time is taken.
    """

    clean: np.ndarray
    inputs: tuple
    trial: tuple


def run_protocol(
    found: list[Source],
    methods: Mapping[str, Callable[..., np.ndarray]],
    *,
    problem: Callable[[np.ndarray, int], Problem],
    measures: Callable[[np.ndarray, Problem], dict[str, float | None]],
    rank_by: str,
    told: dict[str, Any],
    grey: bool = False,
    untimed: str | None = None,
    show: Callable[[np.ndarray], np.ndarray] | None = None,
    least_side: int = LEAST_SIDE,
    worst: int = 0,
    progress: bool = False,
    tell: Callable[[str], None] = print,
) -> Evaluation:
    """Lets every method restore every picture, and measures.

    Args:
        found: names and what loads the pictures, in the order that numbers them.
        methods: name -> what is called with the inputs of a problem and gives the restored picture, about [0, 1].
        problem: (clean, index) -> the damaged picture.
        measures: (restored, problem) -> measures, in the order of a row; ``restored`` is uint8.
        rank_by: the measure that says which pictures are the worst.
        told: "task" and "protocol" of the report first, then what else it shall hold.
        grey: whether pictures are loaded as grey.
        untimed: name of a method that is no method, but the damage itself.
        show: how a degraded picture becomes one of uint8, as large as the truth; clipped and rounded if None.
        least_side: pictures with a shorter side are left out, in pixels.
        worst: how many of the worst pictures of each method are kept.
        progress: whether to show a progress bar.
        tell: gets a line for every picture that is left out.

    Raises:
        SettingsError: if there are no methods.
        EvaluationError: if not one picture can be measured, or a method gives no picture.
    """
    if not methods:
        raise SettingsError("No methods came; one or more were expected, or None for all.")
    skipped: dict[str, str] = {}
    measured: dict[str, dict[str, dict]] = {name: {} for name in methods}
    kept: dict[str, list[Case]] = {name: [] for name in methods}
    with tqdm(total=len(found) * len(methods), unit="run", disable=not progress, leave=False) as bar:
        for index, name, clean in usable(found, grey=grey, least_side=least_side, skipped=skipped, tell=tell):
            damaged = problem(clean, index)
            for method, restore in methods.items():
                if not measured[method]:
                    restore(*damaged.trial)
                restored, seconds = _restored(restore, damaged, f"{method} on {name}")
                row = measures(restored, damaged) | {"seconds_per_megapixel": None if method == untimed else seconds}
                measured[method][name] = row
                case = Case(name, row[rank_by], damaged.clean, (show or to_8_bit)(damaged.inputs[0]), restored)
                kept[method] = sorted([*kept[method], case], key=lambda case: case.psnr)[:worst]
                bar.update()
    if not any(measured.values()):
        raise EvaluationError(f"None of the {len(found)} pictures could be measured; see the lines above.")
    rows = [{"method": method, **_summary(list(cases.values()))} for method, cases in measured.items()]
    first = {key: told.pop(key) for key in ("task", "protocol")}
    names = list(next(iter(measured.values())))
    report = first | {"images": len(names), "rows": rows} | told | {"pictures": names, "skipped": skipped}
    return Evaluation(report, measured, kept)


def check_seed(seed: int) -> None:
    """Raise SettingsError for a seed that random numbers cannot be drawn from."""
    if seed < 0:
        raise SettingsError(f"The seed is {seed}; a whole number from 0 up was expected.")


def judging_network(tell: Callable[[str], None]) -> keras.Model | None:
    """The network that judges photographs, or None, with a line, where its weights are not there."""
    if not (released.FOLDER / f"{_JUDGE}.json").exists():
        tell(f"The perceptual distance is not measured: the weights {_JUDGE!r} are not in this version.")
        return None
    return released.load_model(_JUDGE)[0]


def to_8_bit(picture: np.ndarray) -> np.ndarray:
    """A picture of about [0, 1], clipped and rounded as a file would."""
    return images.to_uint8(np.clip(picture, 0, 1))


def _restored(restore: Callable[..., np.ndarray], problem: Problem, what: str) -> tuple[np.ndarray, float]:
    """What a method made of a picture, as uint8, and the seconds it took for each megapixel."""
    start = time.perf_counter()
    restored = restore(*problem.inputs)
    seconds = time.perf_counter() - start
    expected = problem.clean.shape
    if restored.shape != expected or not np.isfinite(restored).all():
        found = f"shape {restored.shape}" if restored.shape != expected else "NaN or infinity"
        raise EvaluationError(f"{what} gave {found}; finite numbers of shape {expected} were expected.")
    return to_8_bit(restored), seconds / (expected[0] * expected[1] / 1e6)


def _summary(cases: list[dict[str, float | None]]) -> dict[str, float | None]:
    """Means over the pictures, and the median of the times."""
    columns = {measure: [case[measure] for case in cases] for measure in cases[0]}
    return {
        measure: None if None in values else float(np.median(values) if "seconds" in measure else np.mean(values))
        for measure, values in columns.items()
    }
