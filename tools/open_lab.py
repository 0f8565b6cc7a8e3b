"""Open the lessons in JupyterLab, as copies that git does not know: what `make lab` does.

    python tools/open_lab.py              copy what is new, then open lesson 00
    python tools/open_lab.py --no-open    copy only

The copies lie in build/lab/, so that running or changing a lesson never stands in the way of an update of the course.
A copy that you changed is never overwritten: when its lesson has a newer version, that lands beside it as
`<lesson>.new.ipynb`.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from gan_lib.files import whole_file

ROOT = Path(__file__).resolve().parent.parent
RECORD = ".copied.json"  # the sha256 of each lesson as it was copied, to tell a changed copy from an old one


def copy_lessons(source: Path, target: Path) -> list[str]:
    """Copy lessons to where the learner works. Returns what was done, a sentence for each lesson that was touched.

    Raises:
        OSError: the folder cannot be written to; the message says why.
    """
    try:
        record = json.loads((target / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = {}
    told = []
    for lesson in sorted(source.glob("*.ipynb")):
        copy, newest = target / lesson.name, digest(lesson)
        if not copy.exists():
            _copy(lesson, copy)
            told.append(f"{lesson.name} copied.")
        elif record.get(lesson.name) == newest or digest(copy) == newest:
            record[lesson.name] = newest
            continue
        elif digest(copy) == record.get(lesson.name):
            _copy(lesson, copy)
            told.append(f"{lesson.name} brought up to date; you had not changed it.")
        else:
            beside = _unchanged(target, lesson.stem, record)
            _copy(lesson, beside)
            record[beside.name] = newest
            told.append(f"{lesson.name} has a newer version; your copy stays, the new one is {beside.name}.")
        record[lesson.name] = newest
    with whole_file(target / RECORD) as working:
        working.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return told


def _unchanged(target: Path, stem: str, record: dict[str, str]) -> Path:
    """Where a newer version may be put beside the learner's copy: under no name that was worked on."""
    for number in itertools.count(1):
        path = target / f"{stem}.new{number if number > 1 else ''}.ipynb"
        if not path.exists() or digest(path) == record.get(path.name):
            return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _copy(source: Path, target: Path) -> None:
    with whole_file(target) as working:
        shutil.copyfile(source, working)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--no-open", action="store_true", help="copy the lessons only")
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks", help="folder of the lessons")
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "lab", help="folder of your copies")
    options = parser.parse_args(arguments)
    lessons = sorted(options.notebooks.glob("*.ipynb"))
    if not lessons:
        print(f"There are no notebooks in {options.notebooks}; run this from a clone of the course.", file=sys.stderr)
        return 2
    try:
        told = copy_lessons(options.notebooks, options.target)
    except OSError as error:
        print(error.strerror or error, file=sys.stderr)
        return 1
    print("\n".join([f"Your copies of the lessons are in {options.target}.", *told]))
    if options.no_open:
        return 0
    print(
        "Opening JupyterLab; if no browser opens, follow the address that it prints. Ctrl-C twice ends it.", flush=True
    )
    call = [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(options.target)]
    call.append(str(options.target / lessons[0].name))
    if getattr(os, "geteuid", lambda: 1)() == 0:  # a container without another user; JupyterLab refuses otherwise
        call.append("--allow-root")
    return wait_for(subprocess.Popen(call, env=surroundings()))


def surroundings() -> dict[str, str]:
    """The environment variables of JupyterLab and its kernels, which start in the folder of the copies."""
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ}
    environment.pop("MPLBACKEND", None)  # the kernel's own shows figures; another would draw them for nobody
    for name in ("GAN_LIB_DATA", "GAN_LIB_OUTPUT"):  # meant from here
        if environment.get(name):
            environment[name] = str(Path(environment[name]).expanduser().absolute())
    return environment


def wait_for(process: subprocess.Popen) -> int:
    """The exit status of a process that gets each Ctrl-C itself, and may ask what it means and save before it ends."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


if __name__ == "__main__":
    sys.exit(main())
