"""The smaller tools: address, copies for JupyterLab, CI's checks, and that set-up files agree with each other."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import tomllib
import warnings
from pathlib import Path

import check_course
import check_report
import check_versions
import course_progress
import nbformat
import numpy as np
import open_lab
import pytest
import sync_address
from lesson_run import Lesson, Outcome
from nbformat import v4

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


# --- the address


@pytest.fixture
def clone(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "docs").mkdir()
    project = '[project.urls]\nRepository = "https://github.com/ada/gan-restoration-course"\n'
    (tmp_path / "pyproject.toml").write_text(project)
    (tmp_path / "README.md").write_text(
        "git clone https://github.com/OWNER/gan-restoration-course.git\n"
        "see https://github.com/OWNER/other and https://github.com/x/gan-restoration-course-solutions\n"
    )
    badge = "https://colab.research.google.com/github/OWNER/gan-restoration-course/blob/main/notebooks/00.ipynb"
    (tmp_path / "notebooks" / "00.ipynb").write_text(json.dumps({"a": badge}))
    return tmp_path


def test_the_address_is_written_everywhere_and_twice_is_once(clone, capsys):
    assert sync_address.main(["--check"], clone) == 1
    assert "README.md" in capsys.readouterr().out
    assert sync_address.main([], clone) == 0
    text = (clone / "README.md").read_text()
    assert "https://github.com/ada/gan-restoration-course.git" in text
    assert "https://github.com/OWNER/other" in text
    assert "https://github.com/x/gan-restoration-course-solutions" in text
    assert "/github/ada/gan-restoration-course/blob" in (clone / "notebooks" / "00.ipynb").read_text()
    before = {path: path.read_bytes() for path in clone.rglob("*.*") if path.is_file()}
    assert sync_address.main([], clone) == 0
    assert {path: path.read_bytes() for path in before} == before
    assert sync_address.main(["--check"], clone) == 0


def test_a_fork_with_another_name(clone):
    project = (clone / "pyproject.toml").read_text().replace("ada/gan-restoration-course", "ada/my.course")
    (clone / "pyproject.toml").write_text(project)
    assert sync_address.main([], clone) == 0
    assert "https://github.com/ada/my.course.git" in (clone / "README.md").read_text()
    assert sync_address.main(["--check"], clone) == 0


def test_an_address_elsewhere_is_refused(clone, capsys):
    (clone / "pyproject.toml").write_text('[project.urls]\nRepository = "ftp://example.org/x"\n')
    assert sync_address.main([], clone) == 2
    assert "https://github.com/OWNER/NAME was expected" in capsys.readouterr().err


def test_all_files_of_the_course_agree_with_the_address():
    assert sync_address.main(["--check"]) == 0


# --- copies for JupyterLab


@pytest.fixture
def lessons(tmp_path):
    source = tmp_path / "notebooks"
    source.mkdir()
    (source / "00_a.ipynb").write_text("a1")
    (source / "01_b.ipynb").write_text("b1")
    return source, tmp_path / "lab"


def test_new_lessons_are_copied_once(lessons):
    assert len(open_lab.copy_lessons(*lessons)) == 2
    assert (lessons[1] / "00_a.ipynb").read_text() == "a1"
    assert open_lab.copy_lessons(*lessons) == []


def test_a_changed_copy_is_never_overwritten(lessons):
    source, target = lessons
    open_lab.copy_lessons(source, target)
    (target / "00_a.ipynb").write_text("my work")
    assert open_lab.copy_lessons(source, target) == []
    (source / "00_a.ipynb").write_text("a2")
    (source / "01_b.ipynb").write_text("b2")
    told = "\n".join(open_lab.copy_lessons(source, target))
    assert "00_a.new.ipynb" in told
    assert "brought up to date" in told
    assert (target / "00_a.ipynb").read_text() == "my work"
    assert (target / "00_a.new.ipynb").read_text() == "a2"
    assert (target / "01_b.ipynb").read_text() == "b2"
    assert open_lab.copy_lessons(source, target) == []


def test_nor_is_a_newer_version_that_was_worked_on(lessons):
    source, target = lessons
    open_lab.copy_lessons(source, target)
    (target / "00_a.ipynb").write_text("my work")
    for version in ("a2", "a3"):  # what nobody touched is replaced
        (source / "00_a.ipynb").write_text(version)
        open_lab.copy_lessons(source, target)
    assert (target / "00_a.new.ipynb").read_text() == "a3" and not (target / "00_a.new2.ipynb").exists()
    (target / "00_a.new.ipynb").write_text("my work, too")
    (source / "00_a.ipynb").write_text("a4")
    assert "00_a.new2.ipynb" in "".join(open_lab.copy_lessons(source, target))
    assert (target / "00_a.new.ipynb").read_text() == "my work, too"
    assert (target / "00_a.new2.ipynb").read_text() == "a4"


def test_a_lost_record_makes_it_careful(lessons):
    source, target = lessons
    open_lab.copy_lessons(source, target)
    (target / open_lab.RECORD).write_text("{")
    (source / "00_a.ipynb").write_text("a2")
    open_lab.copy_lessons(source, target)
    assert (target / "00_a.ipynb").read_text() == "a1"
    assert (target / "00_a.new.ipynb").read_text() == "a2"


def test_lab_without_lessons_or_room(tmp_path, capsys):
    assert open_lab.main(["--no-open", "--notebooks", str(tmp_path)]) == 2
    (tmp_path / "00_a.ipynb").write_text("a")
    (tmp_path / "file").touch()
    assert open_lab.main(["--no-open", "--notebooks", str(tmp_path), "--target", str(tmp_path / "file")]) == 1
    assert "could not be written" in capsys.readouterr().err


# --- what CI asks of a report


def report(status="ok", data="mnist", **measures):
    good = {"classifier_score": 8.0, "classifier_score_real": 10.0, "frechet_distance": 10.0, "frechet_floor": 1.0}
    return {"lessons": [{"lesson": "02", "status": status, "data": data, "measures": good | measures}]}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (report(), None),
        (report(data="bundled-digits"), None),
        (report(data="own-digits", frechet_distance=100.0), None),
        (report(data="bundled-digits", frechet_distance=10.1), "10.1 times its floor"),
        (report(classifier_score=6.9), "0.69 of the real one"),
        (report(data="bundled-digits", classifier_score=2.0), "0.20 of the real one"),
        (report(frechet_distance=26.0), "26.0 times its floor"),
        (report(status="failed"), "'failed'"),
        (report(frechet_floor=float("nan")), "frechet_floor"),
        (report(classifier_score="high"), "classifier_score"),
        ({"lessons": []}, "0 entries"),
    ],
)
def test_a_training_must_beat_its_baseline(told, words):
    found = check_report.shortcomings(told, "02")
    assert bool(found) == bool(words)
    assert words is None or words in found[0]


def test_a_report_that_is_missing(tmp_path, capsys):
    assert check_report.main([str(tmp_path / "report.json"), "--lesson", "02"]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_the_exit_status_says_whether_a_training_was_worth_something(tmp_path, capsys):
    path = tmp_path / "report.json"
    for score, status in ((8.0, 0), (1.0, 1)):
        path.write_text(json.dumps(report(classifier_score=score)))
        assert check_report.main([str(path), "--lesson", "02"]) == status
    assert "beats its baseline" in capsys.readouterr().out


def test_the_exit_status_says_whether_versions_agree(tmp_path, capsys):
    for text, status in (("no-such-package==1", 1), ("# nothing", 1), (f"numpy=={np.__version__}", 0)):
        (tmp_path / "constraints.txt").write_text(text + "\n")
        assert check_versions.main([str(tmp_path / "constraints.txt")]) == status, text
    assert "All 1 packages" in capsys.readouterr().out


def test_a_command_that_fails_fails_its_step(monkeypatch, capfd):
    assert check_course.command("this")
    assert not check_course.command("no_such_module")
    for failing in ("check", "format"):
        monkeypatch.setattr(check_course, "command", lambda *words, failing=failing: words[1] != failing)
        assert not check_course.style()
    monkeypatch.setattr(check_course, "command", lambda *words: True)
    assert check_course.style()


def test_versions_are_compared():
    wanted = check_versions.pinned("# a comment\nkeras==3.13.2\nscikit-image==0.25.2\n")
    assert wanted == {"keras": "3.13.2", "scikit-image": "0.25.2"}
    there = {"keras": "3.13.2", "scikit-image": "0.26.0"}
    assert check_versions.differences(wanted, there.get) == ["scikit-image is 0.26.0; 0.25.2 was expected."]
    assert "not installed" in check_versions.differences({"no-such-package": "1"})[0]


# --- the progress bar


def progress(monkeypatch, clock):
    lessons = [Lesson(Path("a"), 2.0), Lesson(Path("b"), 4.0)]
    monkeypatch.setattr(course_progress.time, "monotonic", lambda: clock[0])
    return course_progress.Progress(lessons), lessons


def test_minutes_left_follow_the_pace(monkeypatch, capsys):
    clock = [0.0]
    bar, lessons = progress(monkeypatch, clock)
    with bar:
        bar.start(0)
        assert bar.minutes_left(0, 10) == pytest.approx(6.0)
        clock[0] = 60.0
        assert bar.minutes_left(5, 10) == pytest.approx(5.0)
        clock[0] = 240.0  # twice as long as expected
        assert bar.minutes_left(10, 10) == pytest.approx(4.0)
        lessons[0].outcome = Outcome(None, "ok", 4.0, 0.1)
        bar.finish(lessons[0])
        bar.start(1)
        assert bar.minutes_left(0, 10) == pytest.approx(8.0)
    assert "Lesson 2 of 2: b, about 8 minutes" in capsys.readouterr().out


# --- set-up


def requirements(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([\w.-]+)(.*)", line) for line in lines if re.match(r"[a-z]", line)]
    return {match[1]: match[2] for match in found}


def test_requirements_agree_with_the_package():
    listed = requirements("requirements.txt")
    for dependency in PROJECT["project"]["dependencies"]:
        name, span = re.match(r"([\w.-]+)(.*)", dependency).groups()
        assert listed[name] == span
    assert {"tensorflow", "keras", "matplotlib", "jupyterlab", "nbval"} <= set(listed)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_ranges_are_bounded(name):
    for package, span in requirements(name).items():
        assert ">=" in span, package
        assert "<" in span, package


def test_colabs_versions_fit_the_ranges():
    from packaging.specifiers import SpecifierSet

    pinned = check_versions.pinned((ROOT / "constraints" / "colab.txt").read_text(encoding="utf-8"))
    spans = requirements("requirements.txt")
    assert {"tensorflow", "keras", "numpy"} <= set(pinned)
    for package, version in pinned.items():
        assert version in SpecifierSet(spans[package]), package


def test_the_package_leaves_opencv_alone():
    assert not [name for name in PROJECT["project"]["dependencies"] if "opencv" in name]


def run_setup(folder, *arguments, **environment):
    script = ROOT / "tools" / "setup_environment.sh"
    call = ["sh", str(script), str(folder), *arguments]
    path = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(call, env=path | environment, capture_output=True, text=True)


def test_setup_without_a_fitting_python_says_so(tmp_path):
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    done = run_setup(tmp_path / "venv", PYTHON=str(shim))
    assert done.returncode == 1
    assert "does not run" in done.stderr
    assert "python.org" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_setup_leaves_a_foreign_folder_alone(tmp_path):
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.txt").write_text("years of work")
    done = run_setup(tmp_path / "venv")
    assert done.returncode == 1
    assert "no virtual environment" in done.stderr
    assert (tmp_path / "venv" / "thesis.txt").exists()


@pytest.mark.parametrize(
    "arguments, made_from",
    [
        ((), "requirements.txt requirements-dev.txt pyproject.toml"),
        (("constraints/colab.txt",), "requirements.txt requirements-dev.txt pyproject.toml constraints/colab.txt"),
        (("", "3.11", "requirements-addons.txt"), "requirements-addons.txt pyproject.toml"),
    ],
)
def test_an_environment_in_order_is_left_alone(tmp_path, arguments, made_from):
    """The stamp is believed only for the same requirements and with a Python that runs."""
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    sums = subprocess.run(
        f"cat {made_from} | cksum",
        shell=True, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    (folder / ".in-order").write_text(f"{sums.stdout.strip()} {ROOT}/{folder}\n")
    done = run_setup(folder, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_stamp_of_other_requirements_is_not_believed(tmp_path):
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("")
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >>"{tmp_path}/calls"\nexit 0\n')
    python.chmod(0o755)
    (folder / ".in-order").write_text("of other requirements\n")
    assert run_setup(folder).returncode == 0
    assert "-m pip install" in (tmp_path / "calls").read_text()
    assert (folder / ".in-order").read_text().strip().endswith(f"{ROOT}/{folder}")
    # The right stamp does not help a Python that has gone.
    python.write_text("#!/bin/sh\nexit 1\n")
    assert run_setup(folder, PYTHON="/nonexistent").returncode == 1


def test_every_target_of_make_is_explained_and_clean_removes_what_they_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)) - {"help"}
    assert targets == set(re.findall(r'@echo "make ([a-z-]+) ', makefile))
    assert targets | {"help"} == set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    removed = re.search(r"^clean:\n\t@rm -rf (.*)$", makefile, re.MULTILINE)[1].split()
    assert {".venv", "$(ADDONS)", "build/addons"} <= set(removed)


@pytest.mark.parametrize("module", ["gan_lib.losses", "run_course"])
def test_a_warning_of_our_own_is_an_error(module):
    with pytest.raises(UserWarning, match="ours"):
        warnings.warn_explicit("ours", UserWarning, "file.py", 1, module=module)


def test_the_steps_of_the_check_are_all_run_and_one_failure_counts(monkeypatch, capsys):
    ran = []
    for name in ("style", "notebooks", "tests", "lessons", "long_tests"):
        passes = name != "notebooks"
        monkeypatch.setattr(check_course, name, lambda name=name, passes=passes: ran.append(name) or passes)
    assert check_course.main([]) == 1
    assert ran == ["style", "notebooks", "tests", "lessons"]
    assert "FAILED" in capsys.readouterr().out
    assert check_course.main(["--step", "tests", "--step", "long"]) == 0
    assert ran[4:] == ["tests", "long_tests"]


@pytest.mark.long
@pytest.mark.slow
def test_one_failing_lesson_fails_the_check_and_the_others_run(tmp_path, monkeypatch, capfd):
    (tmp_path / "notebooks").mkdir()
    cells = {
        "00_wrong": "1 / 0",
        "01_right": "import os; assert os.environ['GAN_LIB_PRESET'] == 'smoke'",
    }
    for name, source in cells.items():
        notebook = v4.new_notebook(cells=[v4.new_code_cell(source)])
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
    monkeypatch.setattr(check_course, "ROOT", tmp_path)
    assert not check_course.lessons()
    told = capfd.readouterr().out
    assert "00_wrong failed" in told and "ZeroDivisionError" in told
    assert "01_right: ok" in told
    (tmp_path / "notebooks" / "00_wrong.ipynb").unlink()
    assert check_course.lessons()
    (tmp_path / "notebooks" / "01_right.ipynb").unlink()
    assert not check_course.lessons(), "a check of nothing should not pass"


# --- the map of the repository


def test_the_overview_has_a_line_for_every_file():
    told = (ROOT / "docs" / "overview.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\* `([^`]+)`: \S", told, re.MULTILINE))
    files = {
        path.relative_to(ROOT).as_posix()
        for folder in ("gan_lib", "tools", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert files - named == set(), "docs/overview.md lacks a line for these"
    of_folders = {name for name in named if name.startswith(("gan_lib/", "tools/", "benchmarks/"))}
    gone = {name for name in of_folders if not (ROOT / name).is_file()}
    assert gone == set(), "docs/overview.md tells of files that are gone"


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/overview.md",
        "docs/glossary.md",
        "docs/measurements.md",
        "docs/teaching.md",
        "docs/coming_from_tensorflow_addons.md",
    ],
)
def test_links_lead_somewhere(name):
    path = ROOT / name
    addresses = re.findall(r"\]\(([^)\s]+)", path.read_text(encoding="utf-8"))
    local = [address.split("#")[0] for address in addresses if not re.match(r"[a-z]+:", address)]
    assert [address for address in local if address and not (path.parent / address).exists()] == []


def test_jupyterlab_gets_ctrl_c_itself_and_the_time_to_save(tmp_path):
    code = "import pathlib, signal, sys, time\n"
    code += "def save(*_):\n    time.sleep(1); pathlib.Path(sys.argv[1]).write_text('saved'); sys.exit(7)\n"
    code += "signal.signal(signal.SIGINT, save); print('ready', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "work")], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"

    def ctrl_c():  # goes to all processes of a terminal
        process.send_signal(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.2, ctrl_c)
    try:
        timer.start()
        assert open_lab.wait_for(process) == 7
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
        process.stdout.close()
    assert (tmp_path / "work").read_text() == "saved"


def test_the_lab_starts_elsewhere_and_sees_the_same_folders(plain_environment, tmp_path):
    plain_environment.chdir(tmp_path)
    plain_environment.setenv("GAN_LIB_DATA", "data")
    plain_environment.setenv("MPLBACKEND", "Agg")
    seen = open_lab.surroundings()
    assert seen["GAN_LIB_DATA"] == str(tmp_path / "data")
    assert "GAN_LIB_OUTPUT" not in seen and "MPLBACKEND" not in seen
