"""What a lesson needs from its surroundings: a folder for what it makes, and a place to hand its measures to.

Never in here: computing a measure, training, plotting. The course runner (`tools/run_course.py`) sets the environment
variables that this module reads; a lesson that is run by hand works without them.

Example:
    >>> from gan_lib import course
    >>> course.report("02_mnist_dcgan", data="mnist", measures={"samples": 10_000, "training_minutes": 3.5})
    Lesson 02_mnist_dcgan, data: mnist
      samples           10000
      training_minutes  3.5
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import numbers
import os
import re
from collections.abc import Mapping
from pathlib import Path

from gan_lib.files import expanded, whole_file

_STORED_RUNS = Path(__file__).parent / "stored_runs"
_LESSON = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*")


def output_folder(lesson: str) -> Path:
    """The folder where a lesson leaves weights, samples and other files; it is made if it is not there.

    It is `build/course/<lesson>` under the repository, or `<lesson>` under the folder that the environment variable
    GAN_LIB_OUTPUT names. Every lesson has a folder of its own, so that none resumes from another one's backup.

    Args:
        lesson: the notebook's name without its ending, for example "02_mnist_dcgan".

    Raises:
        ValueError: `lesson` is not a plain name.
        OSError: the folder can neither be made nor written to.
    """
    _check_lesson(lesson)
    chosen = os.environ.get("GAN_LIB_OUTPUT", "").strip()
    parent = expanded(chosen) if chosen else _repository() / "build" / "course"
    folder = parent.absolute() / lesson
    way_out = "Set GAN_LIB_OUTPUT to a folder that you may write to."
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(error.errno, f"The lesson's folder {folder} cannot be made: {reason}. {way_out}") from error
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, f"The lesson's folder {folder} is read-only. {way_out}")
    return folder


def stored_run(lesson: str, *, to_write: bool = False) -> Path | None:
    """The measures of a run that is too long for `quick`, for a lesson to show beside its own.

    A lesson that runs with `release` writes them to `gan_lib/stored_runs/<lesson>.json`, and pictures to a `.png`
    beside it. With every other preset it reads them. They are part of the package, since lessons run without a clone
    too, on Colab for instance.

    Args:
        lesson: the notebook's name without its ending.
        to_write: asks for the path to write to, whether or not there is a file; its folder is made.

    Returns:
        The path of the JSON file; None, with a printed line, where there is none.
    """
    _check_lesson(lesson)
    path = _STORED_RUNS / f"{lesson}.json"
    if to_write:
        path.parent.mkdir(parents=True, exist_ok=True)
    if to_write or path.is_file():
        return path
    print(f"No stored run of {lesson} comes with this gan_lib. Run the lesson with GAN_LIB_PRESET=full.")
    return None


def report(lesson: str, *, data: str, measures: Mapping[str, float | str], verdict: str | None = None) -> None:
    """Print a lesson's measures as a table and, when the course runner asks for them, hand them over to it.

    A lesson calls this once, in its last code cell. The runner names a file in the environment variable GAN_LIB_REPORT;
    without it nothing is written. For generation the keys are `classifier_score`, `classifier_score_real`,
    `frechet_distance`, `frechet_floor`, `samples` and `training_minutes`.

    Args:
        lesson: the notebook's name without its ending.
        data: the rung of the data ladder that the lesson ran on, for example "mnist" or "bundled-digits".
        measures: name to value; a value is a finite number or a short text.
        verdict: one sentence on what the measures say, computed from them.

    Raises:
        ValueError: a name is not a plain name, there is no measure, or a measure is NaN or infinite.
        TypeError: a measure is neither a number nor a text.
        OSError: the file cannot be written; an older one is left as it was.
    """
    _check_lesson(lesson)
    if not isinstance(data, str) or not data.strip():
        raise ValueError(f"data is {data!r}; the rung of the data ladder was expected, for example 'mnist'.")
    if not isinstance(measures, Mapping) or not measures:
        raise ValueError(f"measures is {measures!r}; a dictionary with at least one measure was expected.")
    if verdict is not None and (not isinstance(verdict, str) or not verdict.strip()):
        raise ValueError(f"verdict is {verdict!r}; a sentence, or None for no verdict, was expected.")
    checked = {_check_name(name): _check_measure(name, value) for name, value in measures.items()}
    width = max(len(name) for name in checked)
    print(f"Lesson {lesson}, data: {data}")
    for name, value in checked.items():
        print(f"  {name:<{width}}  {format_measure(value)}")
    if verdict:
        print(verdict)
    target = os.environ.get("GAN_LIB_REPORT", "").strip()
    if target:
        content = {"lesson": lesson, "data": data, "measures": checked, "verdict": verdict}
        with whole_file(target) as working:
            working.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def training_record(lesson: str, *, seed: int, minutes: float) -> dict[str, float | int | str]:
    """How a lesson trained its weights, for the model card that is released with them.

    Args:
        lesson: the notebook's name without its ending; the notebook is read from the course's folder.
        seed: the run's seed.
        minutes: how long the training took on this machine.

    Returns:
        The notebook, the sha256 of its code cells (text cells may change without changing the weights), preset, seed,
        minutes, machine, precision policy and versions.

    Raises:
        FileNotFoundError: the notebook is not there, as when `gan_lib` was installed without the course.
    """
    from gan_lib import hardware

    _check_lesson(lesson)
    path = _repository() / "notebooks" / f"{lesson}.ipynb"
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} was expected in {path.parent}. Weights are released from a clone only.")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    machine = hardware.look_at_machine()
    return {
        "notebook": path.name,
        "code_sha256": hashlib.sha256(code.encode()).hexdigest(),
        "preset": hardware.preset(),
        "seed": seed,
        "minutes": round(minutes, 1),
        "machine": hardware.summary(machine),
        "precision": hardware.precision_policy(),
        "versions": ", ".join(f"{name} {machine.versions.get(name)}" for name in ("tensorflow", "keras", "numpy")),
    }


def format_measure(value: float | int | str) -> str:
    """A measure as a short text: whole numbers in full, others with four digits that count."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def _check_lesson(lesson: str) -> None:
    if not isinstance(lesson, str) or not _LESSON.fullmatch(lesson):
        raise ValueError(f"The lesson is {lesson!r}; the notebook's name was expected, for example '02_mnist_dcgan'.")


def _check_name(name: str) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"A measure is named {name!r}; a name of letters, digits and underscores was expected.")
    return name


def _check_measure(name: str, value: object) -> float | int | str:
    if isinstance(value, str):
        return value
    if hasattr(value, "shape") and value.shape == () and hasattr(value, "item"):
        value = value.item()  # a NumPy scalar
    elif hasattr(value, "shape") and value.shape == () and hasattr(value, "numpy"):
        value = value.numpy().item()  # a TensorFlow scalar
    if isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        if not math.isfinite(value):
            raise ValueError(
                f"The measure {name!r} is {float(value)}; a finite number was expected. "
                "Look for the first step that gave NaN or infinity, for example in the curves of the losses."
            )
        return float(value)
    raise TypeError(f"The measure {name!r} is a {type(value).__name__}; a number or a text was expected.")


def _repository() -> Path:
    """The folder that holds the notebooks, else the current one (for an installed package without a clone)."""
    clone = Path(__file__).resolve().parent.parent
    return clone if (clone / "pyproject.toml").is_file() else Path.cwd()
