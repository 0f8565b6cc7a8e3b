"""Check the whole course: what `make test` does.

    python tools/check_course.py                                all steps
    python tools/check_course.py --step tests --step lessons    these steps only

Steps: `style` (ruff over code and notebooks), `notebooks` (our own linter), `tests` (pytest over the library and the
tools), `lessons` (every cell of every notebook with the smoke preset, through nbval). All of them run, also after one
has failed; the exit status is 1 if any did.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from course_progress import Progress
from lesson_run import Lesson, Outcome
from run_course import WrongCall, read_lesson

ROOT = Path(__file__).resolve().parent.parent
CELL_TIMEOUT_SECONDS = 600


def main(arguments: list[str] | None = None) -> int:
    steps: dict[str, tuple[str, Callable[[], bool]]] = {
        "style": ("Style of code and notebooks (ruff)", style),
        "notebooks": ("Form of the notebooks (tools/lint_notebooks.py)", notebooks),
        "tests": ("Tests of library and tools (pytest)", tests),
        "lessons": ("Every cell of every lesson, smoke preset (nbval)", lessons),
    }
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--step", action="append", choices=list(steps), help="run this step only; may be repeated")
    wanted = parser.parse_args(arguments).step or list(steps)
    results = []
    for name in wanted:
        title, step = steps[name]
        print(f"\n== {title}", flush=True)
        started = time.monotonic()
        try:
            passed = step()
        except WrongCall as error:
            print(error)
            passed = False
        except KeyboardInterrupt:
            print("\nStopped. Run the same command again to start over.")
            return 130
        seconds = time.monotonic() - started
        results.append((title, passed, seconds))
        print(f"== {'passed' if passed else 'FAILED'} in {seconds:.0f} s", flush=True)
    print()
    for title, passed, seconds in results:
        print(f"{'passed' if passed else 'FAILED'}  {seconds:5.0f} s  {title}")
    return 0 if all(passed for _, passed, _ in results) else 1


def style() -> bool:
    checked = command("ruff", "check", ".")
    return command("ruff", "format", "--check", "--quiet", "--diff", "gan_lib", "tools", "tests") and checked


def notebooks() -> bool:
    return command(str(ROOT / "tools" / "lint_notebooks.py"), script=True)


def tests() -> bool:
    """One process for each core, but four at most, since each loads TensorFlow; a file's tests stay together."""
    spread = ("--numprocesses=logical", "--maxprocesses=4", "--dist=loadfile")
    return command("pytest", "-q", "--durations=5", *spread, "tests")


def lessons() -> bool:
    """Every notebook under nbval, one after the other, in an empty output folder and without the network."""
    output = ROOT / "build" / "test"
    shutil.rmtree(output, ignore_errors=True)  # so that no lesson goes on from an earlier run's backup
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ}
    environment |= {"GAN_LIB_PRESET": "smoke", "GAN_LIB_OFFLINE": "1", "GAN_LIB_OUTPUT": str(output)}
    environment.pop("GAN_LIB_REPORT", None)
    if environment.get("GAN_LIB_DATA"):
        environment["GAN_LIB_DATA"] = str(Path(environment["GAN_LIB_DATA"]).expanduser().absolute())
    flags = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT_SECONDS}"]
    flags += ["-p", "no:cacheprovider", "-q", "--no-header", "--tb=short"]
    found = [read_lesson(path, "smoke") for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    if not found:
        print("There are no notebooks.")
        return False
    with Progress(found) as progress:
        for number, lesson in enumerate(found):
            progress.start(number)
            lesson.outcome = run_nbval(lesson, flags, environment, progress)
            progress.finish(lesson)
    return all(lesson.outcome.status == "ok" for lesson in found)


def run_nbval(lesson: Lesson, flags: list[str], environment: dict[str, str], progress: Progress) -> Outcome:
    """One notebook under nbval; its output is shown only if it fails."""
    started = time.monotonic()
    call = [sys.executable, "-m", "pytest", *flags, str(lesson.path)]
    process = subprocess.Popen(
        call, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    cells, told = 1, []
    while True:
        try:
            told.append(process.communicate(timeout=1.0)[0])
            break
        except subprocess.TimeoutExpired:
            progress.update(0, cells)
    status = "ok" if process.returncode == 0 else "failed"
    error = None if status == "ok" else "nbval:\n" + told[-1]
    return Outcome(None, status, (time.monotonic() - started) / 60, 0.0, error)


def command(*words: str, script: bool = False) -> bool:
    """Run a module (or one of our scripts) with this Python, its output as it comes."""
    call = [sys.executable, *(() if script else ("-m",)), *words]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ}
    return subprocess.run(call, cwd=ROOT, env=environment).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
