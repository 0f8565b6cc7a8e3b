"""Check the whole course: what `make test` does.

    python tools/check_course.py                                all steps but `long`
    python tools/check_course.py --step tests --step lessons    these steps only

Steps: `style` (ruff over code and notebooks), `notebooks` (our own linter), `tests` (pytest over the library and the
tools), `lessons` (every cell of every notebook with the smoke preset, through nbval), and, if it is asked for, `long`
(the tests with that mark, which .ci/run adds). All of them run, also after one has failed; the exit status is 1 if any
did.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from course_progress import spell_minutes
from run_course import WrongCall, read_lesson
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
CELL_TIMEOUT_SECONDS = 600
SIDE_BY_SIDE = min(2, os.cpu_count() or 1)  # lessons; no more, since each loads TensorFlow


def main(arguments: list[str] | None = None) -> int:
    steps: dict[str, tuple[str, Callable[[], bool]]] = {
        "style": ("Style of code and notebooks (ruff)", style),
        "notebooks": ("Form of the notebooks (tools/lint_notebooks.py)", notebooks),
        "tests": ("Tests of library and tools (pytest)", tests),
        "lessons": ("Every cell of every lesson, smoke preset (nbval)", lessons),
        "long": ("Tests that take long: XLA, several devices, memory, whole trainings (pytest)", long_tests),
    }
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--step", action="append", choices=list(steps), help="run this step only; may be repeated")
    wanted = parser.parse_args(arguments).step or [name for name in steps if name != "long"]
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
    folders = ("gan_lib", "tools", "tests", "benchmarks")
    return command("ruff", "format", "--check", "--quiet", "--diff", *folders) and checked


def notebooks() -> bool:
    return command(str(ROOT / "tools" / "lint_notebooks.py"), script=True)


def tests() -> bool:
    return marked("not long")


def long_tests() -> bool:
    return marked("long")


def marked(marks: str) -> bool:
    """One process for each core, but four at most, since each loads TensorFlow; a file's tests stay together."""
    spread = ("--numprocesses=logical", "--maxprocesses=4", "--dist=loadfile")
    return command("pytest", "-q", "-m", marks, "--durations=5", *spread, "tests")


def lessons() -> bool:
    """Every notebook under nbval, two side by side, in an empty output folder and without the network."""
    output = ROOT / "build" / "test"
    shutil.rmtree(output, ignore_errors=True)  # so that no lesson goes on from an earlier run's backup
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ}
    environment |= {"GAN_LIB_PRESET": "smoke", "GAN_LIB_OFFLINE": "1", "GAN_LIB_OUTPUT": str(output)}
    for name in ("GAN_LIB_REPORT", "MPLBACKEND"):
        environment.pop(name, None)
    if environment.get("GAN_LIB_DATA"):
        environment["GAN_LIB_DATA"] = str(Path(environment["GAN_LIB_DATA"]).expanduser().absolute())
    found = [read_lesson(path, "smoke") for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    if not found:
        print("There are no notebooks.")
        return False
    found.sort(key=lambda lesson: -lesson.expected_minutes)  # nothing long is left to wait for at the end
    minutes = {lesson.path: lesson.expected_minutes for lesson in found}
    expected = sum(minutes.values()) / SIDE_BY_SIDE
    print(f"{len(found)} lessons, {SIDE_BY_SIDE} at a time: {spell_minutes(expected)}", flush=True)
    passed = True
    shown = "{percentage:3.0f} % |{bar}| {desc}, {remaining} left"
    with (
        ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
        tqdm(total=sum(minutes.values()), bar_format=shown, disable=None, leave=False) as bar,
    ):
        running = {pool.submit(run_nbval, path, environment): path for path in minutes}
        try:
            for number, run in enumerate(as_completed(running), start=1):
                path, (error, took) = running[run], run.result()
                bar.set_description_str(f"{number} of {len(found)} lessons", refresh=False)
                bar.update(minutes[path])
                bar.write(f"{path.stem} failed in nbval:\n{error}" if error else f"{path.stem}: ok, {took:.1f} minutes")
                passed = passed and not error
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)  # the two that run had the same Ctrl-C
            raise
    return passed


def run_nbval(path: Path, environment: dict[str, str]) -> tuple[str, float]:
    """One notebook under nbval; gives what it printed if it failed ("" if not), and the minutes."""
    started = time.monotonic()
    flags = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT_SECONDS}"]
    flags += ["-p", "no:cacheprovider", "-q", "--no-header", "--tb=short"]
    call = [sys.executable, "-m", "pytest", *flags, str(path)]
    run = subprocess.run(call, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    error = (run.stdout or f"exit status {run.returncode}") if run.returncode else ""
    return error, (time.monotonic() - started) / 60


def command(*words: str, script: bool = False) -> bool:
    """Run a module (or one of our scripts) with this Python, its output as it comes."""
    call = [sys.executable, *(() if script else ("-m",)), *words]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ}
    return subprocess.run(call, cwd=ROOT, env=environment).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
