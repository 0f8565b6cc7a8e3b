"""Run the lessons and leave pages that can be read in any browser: what `make course` does.

Every lesson runs in a kernel of its own. For each one the output folder gets the executed notebook and a page that
loads nothing from elsewhere, and at the end `index.html` and `report.json` with minutes, memory and measures. A lesson
that fails is shown and the others still run.

    python tools/run_course.py                              the main road, with this machine's preset
    python tools/run_course.py --preset smoke               every cell in seconds; nothing is learned
    python tools/run_course.py --lesson 02_mnist_dcgan      one lesson; the option may be repeated
    python tools/run_course.py --side                       side lessons (02b, ...) as well

The exit status is 0 if all went well, 1 if a lesson failed, 2 if the call itself was wrong, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
from course_pages import page
from course_progress import Progress, spell_minutes
from course_summary import print_table, write_summary
from lesson_run import Interrupted, Lesson, run_notebook

from gan_lib import hardware
from gan_lib.files import whole_file
from gan_lib.hardware.choices import chosen

ROOT = Path(__file__).resolve().parent.parent
MAIN_ROAD = re.compile(r"\d\d_")
MINUTES_IF_UNKNOWN = {"smoke": 0.5, "quick": 4.0, "full": 15.0, "release": 120.0}


class WrongCall(Exception):
    """The call cannot be fulfilled; the message is one sentence for the terminal."""


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        paths = choose_lessons(options.notebooks, options.lesson, side=options.side)
        machine = look_at_machine(options.preset)
        lessons = [read_lesson(path, machine["preset"]) for path in paths]
        check_output(options)
        make_writable(options.output)
    except WrongCall as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped before the first lesson.")
        return 130
    minutes = sum(lesson.expected_minutes for lesson in lessons)
    print(f"Running {count(lessons)} with the {machine['preset']} preset ({machine['preset_reason']}).")
    print(f"Machine: {machine['text']}. Expect {spell_minutes(minutes)}. Pages go to {shown(options.output)}.")
    signal.signal(signal.SIGTERM, _raise_interrupt)
    interrupted, problem = False, None
    try:
        run_lessons(lessons, machine["preset"], options)
    except KeyboardInterrupt:
        interrupted = True
    except OSError as error:  # a full disk, say; `whole_file` has put it into a sentence
        problem = error
    finished = [lesson for lesson in lessons if lesson.outcome is not None]
    try:
        write_summary(finished, machine, options.output)
    except OSError as error:
        problem = problem or error
    print_table(finished)
    if problem is not None:
        worded = problem.filename is None and problem.strerror  # by `whole_file`; others need the file's name
        print(f"Stopped: {worded or problem}", file=sys.stderr)
        return 1
    if interrupted:
        say_how_to_go_on(lessons, options)
        return 130
    print(f"Open {shown(options.output / 'index.html')} in a browser to read the lessons.")
    return 1 if any(lesson.outcome.status == "failed" for lesson in lessons) else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], epilog="Each lesson runs in a kernel of its own; Ctrl-C ends the run."
    )
    parser.add_argument("--preset", help=f"{', '.join(hardware.PRESETS)}; by default what suits the machine")
    parser.add_argument("--lesson", action="append", default=[], help="run this lesson only; may be repeated")
    parser.add_argument("--side", action="store_true", help="run side lessons (02b, ...) as well")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "course", help="folder for the pages")
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks", help="folder of the lessons")
    parser.add_argument("--update", action="store_true", help="maintainers: write the outputs back into the notebooks")
    options = parser.parse_args(arguments)
    options.output = options.output.expanduser().absolute()  # make and some shells leave the ~ as it is
    options.notebooks = options.notebooks.absolute()
    return options


def check_output(options: argparse.Namespace) -> None:
    """Raise WrongCall if executed notebooks would replace the lessons or the learner's copies of them."""
    for folder, what in (
        (options.notebooks, "the lessons themselves"),
        (ROOT / "build" / "lab", "your copies of them"),
    ):
        if options.output.resolve() == folder.resolve():
            raise WrongCall(f"The output folder is {shown(options.output)}, where {what} are. Name another one.")


def choose_lessons(folder: Path, wanted: list[str], *, side: bool) -> list[Path]:
    """The notebooks to run, in the course's order: those asked for, else the main road, else all.

    A lesson is asked for by its name or its number ("02_mnist_dcgan" or "02"); several may stand in one text.

    Raises:
        WrongCall: there are no notebooks, or an asked one is unknown; the sentence lists the known ones.
    """
    known = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    if not known:
        raise WrongCall(f"There are no notebooks in {shown(folder)}; run this from a clone of the course.")
    names = [name.removesuffix(".ipynb") for text in wanted for name in re.split(r"[\s,]+", text) if name]
    if not names:
        return [path for name, path in known.items() if side or MAIN_ROAD.match(name)]
    chosen = set()
    for name in names:
        fitting = {known_name for known_name in known if known_name == name or known_name.split("_")[0] == name}
        if not fitting:
            raise WrongCall(f"There is no lesson {name!r}; known are {', '.join(known)}.")
        chosen |= fitting
    return [path for name, path in known.items() if name in chosen]


def look_at_machine(preset: str | None) -> dict:
    """The preset and the machine in words.

    Another process looks, since looking loads TensorFlow, and this one stays small while the lessons run.

    Raises:
        WrongCall: the preset, asked for here or in GAN_LIB_PRESET, or GAN_LIB_PRECISION is unknown.
    """
    if preset is not None and preset not in hardware.PRESETS:
        raise WrongCall(f"The preset is {preset!r}; one of {', '.join(hardware.PRESETS)} was expected.")
    try:  # before the seconds that loading TensorFlow takes
        chosen("GAN_LIB_PRESET", hardware.PRESETS, {} if preset else os.environ)
        chosen("GAN_LIB_PRECISION", hardware.POLICIES, os.environ)
    except ValueError as error:
        raise WrongCall(str(error)) from error
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"} | ({"GAN_LIB_PRESET": preset} if preset else {})
    code = "import json; from gan_lib import hardware; print(json.dumps(hardware.describe()))"
    asked = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=ROOT)
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise WrongCall(f"This machine cannot be looked at: {last} Try: python -m gan_lib check-machine")
    machine = json.loads(asked.stdout.strip().splitlines()[-1])
    if preset:
        machine["preset_reason"] = "asked for"
    machine["text"] = f"{machine['summary']}, {machine['policy']}"
    return machine


def read_lesson(path: Path, preset: str) -> Lesson:
    """A lesson with its title and its expected minutes, which the notebook's metadata state for each preset."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat has many kinds of errors for a file that is not a notebook
        raise WrongCall(f"{shown(path)} is not a notebook that can be read: {error}") from error
    minutes = notebook.metadata.get("gan_lib", {}).get("minutes", {}).get(preset, MINUTES_IF_UNKNOWN[preset])
    titles = [line[2:] for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()
              if line.startswith("# ")]  # fmt: skip
    return Lesson(path, float(minutes), titles[0].strip() if titles else path.stem)


def make_writable(output: Path) -> None:
    """Find out before the first lesson, not after it, that nothing can be written.

    Raises:
        WrongCall: the folder cannot be made or written to.
    """
    try:
        with whole_file(output / ".writable") as working:
            working.touch()
        (output / ".writable").unlink()
    except OSError as error:
        hint = "Name another folder with --output (with make: OUTPUT=...)."
        raise WrongCall(f"{error.strerror or error} {hint}") from error


def run_lessons(lessons: list[Lesson], preset: str, options: argparse.Namespace) -> None:
    with Progress(lessons) as progress:
        for number, lesson in enumerate(lessons):
            progress.start(number)
            if preset != "release":  # hours of training: one that was stopped goes on from its backup
                set_aside(options.output / lesson.name)
            handover = options.output / lesson.name / "measures.json"
            environment = kernel_environment(preset, options.output, handover)
            handover.unlink(missing_ok=True)  # or an earlier run's measures would be taken for this one's, if it fails
            try:
                lesson.outcome = run_notebook(lesson.path, environment=environment, on_progress=progress.update)
            except Interrupted as stop:
                lesson.outcome = stop.outcome
                raise
            lesson.handed_over = read_handover(handover)
            write_lesson(lesson, lessons, options)
            progress.finish(lesson)


def set_aside(folder: Path) -> None:
    """Give a lesson an empty folder, so that it neither goes on from an earlier run's backup nor reports its measures.

    What the last run left is kept as `<lesson>.before`, since it may hold hours of training; only the one before that
    is removed.
    """
    if folder.is_dir() and any(folder.iterdir()):
        before = folder.with_name(folder.name + ".before")
        shutil.rmtree(before, ignore_errors=True)
        folder.rename(before)


def kernel_environment(preset: str, output: Path, handover: Path) -> dict[str, str]:
    """The environment variables of a lesson's kernel."""
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ}
    environment |= {"GAN_LIB_PRESET": preset, "GAN_LIB_OUTPUT": str(output), "GAN_LIB_REPORT": str(handover)}
    environment.pop("MPLBACKEND", None)  # the kernel's own shows figures; another would draw them for nobody
    if environment.get("GAN_LIB_DATA"):  # meant from here, while the kernel starts in the notebooks' folder
        environment["GAN_LIB_DATA"] = str(Path(environment["GAN_LIB_DATA"]).expanduser().absolute())
    return environment


def read_handover(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:  # the lesson did not come as far as its report
        return {}


def write_lesson(lesson: Lesson, lessons: list[Lesson], options: argparse.Namespace) -> None:
    """The executed notebook and its page, each whole or not at all."""
    text = nbformat.writes(lesson.outcome.notebook) + "\n"
    write(options.output / lesson.path.name, text)
    position = lessons.index(lesson)
    links = [("All lessons", "index.html")]
    if position > 0:
        links.append((f"Back: {lessons[position - 1].title}", lessons[position - 1].name + ".html"))
    if position + 1 < len(lessons):
        links.append((f"Next: {lessons[position + 1].title}", lessons[position + 1].name + ".html"))
    note = (
        "This lesson failed; the error stands below the cell that failed, and the cells after it were not run."
        if lesson.outcome.status == "failed"
        else ""
    )
    folder = lesson.path.parent
    try:
        text_of_page = page(
            lesson.outcome.notebook, title=lesson.title, folder=folder, output=options.output, links=links, note=note
        )
    except ValueError as error:
        lesson.outcome.status = "failed"
        lesson.outcome.error = lesson.outcome.error or f"its page cannot be made: {error}"
        (options.output / f"{lesson.name}.html").unlink(missing_ok=True)  # that of an earlier run
        return
    write(options.output / f"{lesson.name}.html", text_of_page)
    if options.update and lesson.outcome.status == "ok":
        write(lesson.path, text)


def write(path: Path, text: str) -> None:
    with whole_file(path) as working:
        working.write_text(text, encoding="utf-8")


def say_how_to_go_on(lessons: list[Lesson], options: argparse.Namespace) -> None:
    left = [lesson.name for lesson in lessons if lesson.outcome is None or lesson.outcome.status == "interrupted"]
    done = len(lessons) - len(left)
    print(f"Stopped. {done} of {len(lessons)} lessons are finished, and their pages are whole.")
    given = {"preset": options.preset}
    if options.output != ROOT / "build" / "course":
        given["output"] = str(options.output)
    given = {name: shlex.quote(value) for name, value in given.items() if value}
    of_make = "".join(f" {name.upper()}={value}" for name, value in given.items())
    of_python = "".join(f" --{name} {value}" for name, value in given.items()) + " --update" * options.update
    print(f'To run the others: make course LESSON="{" ".join(left)}"{of_make}')
    print(f"or: python tools/run_course.py {' '.join('--lesson ' + name for name in left)}{of_python}")


def count(lessons: list[Lesson]) -> str:
    return "1 lesson" if len(lessons) == 1 else f"{len(lessons)} lessons"


def shown(path: Path) -> str:
    """A path as short as it can be said from the current folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
