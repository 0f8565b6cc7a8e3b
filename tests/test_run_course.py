"""The course runner on made-up lessons: what it leaves, what it says, and how it fails."""

import base64
import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import lesson_run
import nbformat
import numpy as np
import pytest
import run_course
from lesson_run import describe_failure, smaller_png, tidy
from nbformat import v4
from PIL import Image

from gan_lib import files

MACHINE = {"preset": "smoke", "preset_reason": "asked for", "text": "a machine", "summary": "", "policy": "float32"}
GOOD = """from gan_lib import course
course.report("01_good", data="mnist", verdict="Fine.",
              measures=dict(classifier_score=8.0, classifier_score_real=10.0, samples=100))"""


def write(folder: Path, name: str, *sources: str, title: str = "A lesson", minutes: float = 0.01) -> Path:
    cells = [v4.new_markdown_cell(f"# {title}\n\nWorth $-\\log 4$."), *(v4.new_code_cell(source) for source in sources)]
    notebook = v4.new_notebook(cells=cells, metadata={"gan_lib": {"minutes": {"smoke": minutes}}})
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def lessons(tmp_path, plain_environment):
    """A folder of lessons, and a runner that need not import TensorFlow to know its machine."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    plain_environment.setattr(run_course, "look_at_machine", lambda preset: dict(MACHINE))
    return folder


def run(folder: Path, *arguments: str) -> int:
    return run_course.main(["--notebooks", str(folder), "--output", str(folder.parent / "out"), *arguments])


@pytest.mark.slow
def test_a_good_lesson_and_a_failing_one(lessons, capsys):
    write(lessons, "00_bad", "a = 1", "print('before')\na / 0\nprint('after')", "never = 1", title="Bad")
    write(lessons, "01_good", "held = bytearray(300_000_000)", GOOD, title="Good & sound")
    write(lessons, "01b_side", "1 / 0")
    assert run(lessons) == 1
    out = lessons.parent / "out"
    report = json.loads((out / "report.json").read_text())
    assert list(report) == ["preset", "machine", "lessons"]
    assert report["preset"] == "smoke"
    bad, good = report["lessons"]
    assert (bad["lesson"], bad["status"], bad["data"], bad["measures"]) == ("00_bad", "failed", None, {})
    assert (good["lesson"], good["status"], good["data"]) == ("01_good", "ok", "mnist")
    assert good["measures"] == {"classifier_score": 8.0, "classifier_score_real": 10.0, "samples": 100}
    assert good["verdict"] == "Fine."
    assert 0 < good["minutes"] < 2
    assert 0.3 < good["peak_memory_gb"] < 2
    assert bad["peak_memory_gb"] < good["peak_memory_gb"]

    printed = capsys.readouterr().out
    assert "00_bad failed in code cell 2:" in printed
    assert "--> a / 0" in printed
    assert "ZeroDivisionError: division by zero" in printed
    assert "Traceback" not in printed
    assert "classifier_score 8 (real 10, 0.80 of real)" in printed

    executed = nbformat.read(out / "00_bad.ipynb", as_version=4)
    assert executed.cells[2].outputs[-1].ename == "ZeroDivisionError"
    assert executed.cells[3].execution_count is None
    page = (out / "00_bad.html").read_text()
    assert "This lesson failed" in page
    assert "ZeroDivisionError" in page
    assert "<math" in page
    index = (out / "index.html").read_text()
    assert 'href="00_bad.html"' in index
    assert "Good &amp; sound" in index
    assert not (out / "01b_side.html").exists()
    left = {path.name for path in out.iterdir()}
    assert left == {
        "00_bad.ipynb",
        "00_bad.html",
        "01_good.ipynb",
        "01_good.html",
        "01_good",
        "index.html",
        "report.json",
    }


def test_the_lesson_is_not_changed_unless_asked(lessons):
    path = write(lessons, "00_one", "print('hello')")
    before = path.read_bytes()
    assert run(lessons) == 0
    assert path.read_bytes() == before
    assert run(lessons, "--update") == 0
    assert nbformat.read(path, as_version=4).cells[1].outputs[0].text == "hello\n"


@pytest.mark.parametrize("failures", [1, 2])
def test_a_kernel_that_does_not_start_is_tried_once_more(lessons, monkeypatch, capsys, failures):
    execute, calls = lesson_run.nbclient.NotebookClient.execute, []

    def late(client, **options):
        calls.append(1)
        if len(calls) <= failures:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return execute(client, **options)

    monkeypatch.setattr(lesson_run.nbclient.NotebookClient, "execute", late)
    write(lessons, "00_one", "print('hello')")
    assert run(lessons) == failures - 1
    assert len(calls) == 2
    assert ("Kernel died before replying" in capsys.readouterr().out) == (failures == 2)


def test_a_lesson_that_failed_is_not_updated(lessons):
    path = write(lessons, "00_one", "1 / 0")
    before = path.read_bytes()
    assert run(lessons, "--update") == 1
    assert path.read_bytes() == before


def test_a_lesson_sees_its_surroundings(lessons, plain_environment):
    plain_environment.setenv("GAN_LIB_DATA", "somewhere")
    plain_environment.setenv("MPLBACKEND", "no such backend")  # a server's: figures would be drawn for nobody
    source = """import os, sys
from gan_lib import course
course.report("00_one", data="none", measures=dict(preset=os.environ["GAN_LIB_PRESET"], python=sys.executable,
    data=os.environ["GAN_LIB_DATA"], figures=os.environ["MPLBACKEND"], folder=os.getcwd(),
    output=str(course.output_folder("00_one"))))"""
    write(lessons, "00_one", source)
    assert run(lessons) == 0
    out = lessons.parent / "out"
    told = json.loads((out / "report.json").read_text())["lessons"][0]["measures"]
    assert told == {
        "preset": "smoke",
        "python": sys.executable,
        "data": str(Path.cwd() / "somewhere"),
        "figures": "module://matplotlib_inline.backend_inline",
        "folder": str(lessons),
        "output": str(out / "00_one"),
    }


def test_an_older_report_of_a_lesson_does_not_count(lessons):
    path = write(lessons, "01_good", GOOD)
    assert run(lessons) == 0
    write(lessons, path.stem, "1 / 0")
    assert run(lessons) == 1
    assert (lessons.parent / "out" / "01_good.before" / "measures.json").exists()
    assert json.loads((lessons.parent / "out" / "report.json").read_text())["lessons"][0]["measures"] == {}


@pytest.mark.slow
def test_a_dead_kernel_is_told_in_words(lessons, capsys):
    write(lessons, "00_dies", "import os, signal, time\nos.kill(os.getpid(), signal.SIGKILL)\ntime.sleep(30)")
    assert run(lessons) == 1
    printed = capsys.readouterr().out
    assert "The kernel died" in printed
    assert "smaller preset" in printed


@pytest.mark.slow
def test_what_is_written_below_python_stays_off_the_terminal_unless_a_kernel_dies_of_it(lessons, capfd, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # with it, ipykernel leaves standard error alone by itself
    below = "import os\nos.write(2, b'I0000 00:00:1.5 chatter\\nan oracle spoke\\n')\n"
    write(lessons, "00_good", below)
    assert run(lessons) == 0
    printed = "".join(capfd.readouterr())
    assert "chatter" not in printed and "oracle" not in printed
    write(lessons, "00_good", below + "os.kill(os.getpid(), 9)")  # at once, without giving any thread a turn
    assert run(lessons) == 1
    printed = "".join(capfd.readouterr())
    assert "The kernel died" in printed and "an oracle spoke\n" in printed and "chatter\n" not in printed
    write(lessons, "00_good", below + "1 / 0")
    assert run(lessons) == 1
    assert "an oracle spoke\n" not in "".join(capfd.readouterr())  # (the failing cell's source is shown)


@pytest.mark.slow
def test_each_run_starts_from_an_empty_folder_and_keeps_the_last_one(lessons):
    source = """from gan_lib import course
folder = course.output_folder("00_one")
assert not (folder / "weights.h5").exists()
(folder / "weights.h5").write_text("trained")"""
    write(lessons, "00_one", source)
    assert [run(lessons), run(lessons), run(lessons)] == [0, 0, 0]
    assert (lessons.parent / "out" / "00_one.before" / "weights.h5").read_text() == "trained"


@pytest.mark.slow
def test_a_release_run_that_was_stopped_goes_on(lessons, monkeypatch):
    monkeypatch.setattr(run_course, "look_at_machine", lambda preset: MACHINE | {"preset": preset})
    source = """from gan_lib import course
backup = course.output_folder("00_one") / "backup.txt"
backup.write_text(backup.read_text() + "on" if backup.exists() else "begun ")"""
    write(lessons, "00_one", source)
    assert [run(lessons, "--preset", "release"), run(lessons, "--preset", "release")] == [0, 0]
    assert (lessons.parent / "out" / "00_one" / "backup.txt").read_text() == "begun on"


@pytest.mark.slow
def test_what_an_earlier_release_run_reported_is_not_taken_for_this_ones(lessons, monkeypatch):
    monkeypatch.setattr(run_course, "look_at_machine", lambda preset: MACHINE | {"preset": preset})
    report = 'from gan_lib import course\ncourse.report("00_one", data="mnist", measures={"found": 7})'
    write(lessons, "00_one", report)
    assert run(lessons, "--preset", "release") == 0
    write(lessons, "00_one", "raise ValueError\n" + report)
    assert run(lessons, "--preset", "release") == 1
    (told,) = json.loads((lessons.parent / "out" / "report.json").read_text())["lessons"]
    assert told["status"] == "failed" and told["measures"] == {}


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], ["00_a", "01_b"]),
        (["--side"], ["00_a", "00b_c", "01_b"]),
        (["--lesson", "00b_c"], ["00b_c"]),
        (["--lesson", "01"], ["01_b"]),
        (["--lesson", "01_b.ipynb", "--lesson", "00_a"], ["00_a", "01_b"]),
        (["--lesson", "01_b, 00_a"], ["00_a", "01_b"]),
    ],
)
def test_which_lessons_run(tmp_path, arguments, names):
    for name in ("01_b", "00_a", "00b_c"):
        (tmp_path / f"{name}.ipynb").touch()
    options = run_course.parse(arguments)
    chosen = run_course.choose_lessons(tmp_path, options.lesson, side=options.side)
    assert [path.stem for path in chosen] == names


def test_wrong_calls_are_one_sentence_and_status_2(lessons, capsys, plain_environment, tmp_path):
    def refused(*arguments, folder=lessons):
        assert run(folder, *arguments) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert len(told.err.strip().splitlines()) == 1
        return told.err

    assert "no notebooks" in refused()
    write(lessons, "00_one", "1")
    assert "'07'; known are 00_one" in refused("--lesson", "07")
    (tmp_path / "file").write_text("in the way")
    assert "--output" in refused("--output", str(tmp_path / "file"))
    assert "where the lessons themselves are" in refused("--output", str(lessons))
    assert "where your copies of them are" in refused("--output", str(run_course.ROOT / "build" / "lab"))
    assert run_course.parse(["--output", "~/pages"]).output == Path.home() / "pages"
    (lessons / "00_one.ipynb").write_text("{")
    assert "not a notebook" in refused()


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--preset", "turbo"], {}, "'turbo'; one of smoke, quick, full, release"),
        ([], {"GAN_LIB_PRESET": "turbo"}, "GAN_LIB_PRESET is 'turbo'"),
        ([], {"GAN_LIB_PRECISION": "int8", "GAN_LIB_PRESET": "smoke"}, "GAN_LIB_PRECISION is 'int8'"),
    ],
)
def test_unknown_presets_are_refused_before_anything_runs(
    tmp_path, capsys, plain_environment, arguments, environment, words
):
    write(tmp_path, "00_one", "1")
    for name, value in environment.items():
        plain_environment.setenv(name, value)
    assert run(tmp_path, *arguments) == 2
    assert words in capsys.readouterr().err


def test_a_full_disk_leaves_whole_files(lessons, plain_environment, capsys):
    write(lessons, "00_one", "1")
    assert run(lessons) == 0
    out = lessons.parent / "out"
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    replace = os.replace

    def full(source, target):
        if str(target).endswith(".html"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    plain_environment.setattr(files.os, "replace", full)
    assert run(lessons) == 1
    assert "disk is full" in capsys.readouterr().err
    pages = {name: content for name, content in before.items() if name.endswith(".html")}
    assert {name: (out / name).read_bytes() for name in pages} == pages
    assert not list(out.glob(".writing-*"))


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
def test_what_stops_a_run_is_named(lessons, capsys, monkeypatch):
    write(lessons, "00_one", "1")

    def stuck(folder):
        raise OSError(errno.ENOTEMPTY, "Directory not empty", str(folder))

    monkeypatch.setattr(run_course, "set_aside", stuck)
    assert run(lessons) == 1
    assert f"Directory not empty: '{lessons.parent / 'out' / '00_one'}'" in capsys.readouterr().err


def test_ctrl_c_before_the_first_lesson(lessons, capsys, monkeypatch):
    write(lessons, "00_one", "1")

    def interrupted(preset):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_course, "look_at_machine", interrupted)
    assert run(lessons) == 130
    assert capsys.readouterr().out == "\nStopped before the first lesson.\n"


def test_ctrl_c_keeps_finished_pages_and_says_how_to_go_on(tmp_path, plain_environment):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write(folder, "00_a", "1")
    write(folder, "01_b", "from pathlib import Path\nPath('began').touch()\nimport time\ntime.sleep(120)")
    write(folder, "02_c", "1")
    script = Path(run_course.__file__)
    call = [
        sys.executable,
        str(script),
        "--preset",
        "smoke",
        "--notebooks",
        str(folder),
        "--output",
        str(tmp_path / "out"),
    ]
    # A test run that was started in the background has Ctrl-C switched off, and would hand that down.
    process = subprocess.Popen(
        call,
        cwd=script.parent.parent,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    waited = time.monotonic()
    while not (folder / "began").exists() and time.monotonic() - waited < 60:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=30)[0]
    assert process.returncode == 130
    assert f'make course LESSON="01_b 02_c" PRESET=smoke OUTPUT={tmp_path / "out"}' in told
    assert f"--lesson 01_b --lesson 02_c --preset smoke --output {tmp_path / 'out'}" in told
    assert "</html>" in (tmp_path / "out" / "00_a.html").read_text()
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [lesson["status"] for lesson in report["lessons"]] == ["ok", "interrupted"]


def test_failures_in_the_library_name_the_place():
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("x"), v4.new_code_cell("losses.hinge(1)\nx = 2")])
    traceback = (
        "\x1b[0;32mCell In[1], line 1\x1b[0m\n----> 1 losses.hinge(1)\nFile /a/b/gan_lib/losses.py:33, in hinge(x)\n"
    )
    told = describe_failure(notebook, 1, "ValueError", "It is \x1b[31mred\x1b[0m.", traceback)
    cell = "code cell 1:\n  --> losses.hinge(1)\n    | x = 2\n"
    assert told == cell + "  ValueError: It is red. (raised in gan_lib/losses.py, line 33)"


def test_tidy_removes_what_is_no_result():
    chatter = "W0000 00:00:1795219.4 1 port.cc:153] oneDNN\n2026-01-01 10:00:00.1: I tensorflow/x.cc:1] hi\n"
    outputs = [
        v4.new_output("stream", name="stderr", text=chatter),
        v4.new_output("stream", name="stderr", text=chatter + "Passing over Keras' cache\n"),
        v4.new_output("stream", name="stdout", text="W is 3\n"),
    ]
    cell = v4.new_code_cell("x", outputs=outputs, metadata={"execution": {"iopub.status.busy": "2026"}, "tags": ["a"]})
    notebook = v4.new_notebook(cells=[cell], metadata={"widgets": {}, "gan_lib": {"minutes": {}}})
    tidy(notebook)
    assert [output.text for output in notebook.cells[0].outputs] == ["Passing over Keras' cache\n", "W is 3\n"]
    assert notebook.cells[0].metadata == {"tags": ["a"]}
    assert "widgets" not in notebook.metadata
    assert "gan_lib" in notebook.metadata


def test_still_pictures_get_a_palette_and_lose_nothing():
    grey = Image.effect_noise((64, 64), 40)
    for picture, shrinks in (
        (grey.convert("RGBA"), True),
        (Image.merge("RGB", [Image.effect_noise((64, 64), 90) for _ in range(3)]), False),  # too many colours
        (Image.new("RGBA", (64, 64), (255, 0, 0, 100)), False),  # partly transparent: left alone
    ):
        stream = io.BytesIO()
        picture.save(stream, format="PNG")
        before = base64.b64encode(stream.getvalue()).decode()
        after = smaller_png(before)
        assert (len(after) < len(before)) if shrinks else (after == before)
        again = Image.open(io.BytesIO(base64.b64decode(after))).convert("RGBA")
        assert again.tobytes() == picture.convert("RGBA").tobytes()


def test_photographs_get_a_palette_where_the_lesson_says_that_it_shows_many():
    rows, columns = np.mgrid[:96, :96]
    waves = [127 + 120 * np.sin(rows / 17 + shift) * np.cos(columns / 23 - shift) for shift in (0.0, 0.4, 0.8)]
    noise = np.random.default_rng(0).normal(0, 4, (96, 96, 3))
    picture = Image.fromarray(np.uint8(np.clip(np.stack(waves, axis=-1) + noise, 0, 255)))
    stream = io.BytesIO()
    picture.convert("RGBA").save(stream, format="PNG")
    encoded = base64.b64encode(stream.getvalue()).decode()
    shown = v4.new_output("display_data", {"image/png": encoded})
    notebook = v4.new_notebook(cells=[v4.new_code_cell("x", outputs=[shown])])
    tidy(notebook)
    assert notebook.cells[0].outputs[0].data["image/png"] == encoded
    notebook.metadata["gan_lib"] = {"photograph_colours": 256}
    tidy(notebook)
    after = notebook.cells[0].outputs[0].data["image/png"]
    assert len(after) < 0.5 * len(encoded)
    reduced = Image.open(io.BytesIO(base64.b64decode(after))).convert("RGB")
    difference = np.abs(np.asarray(reduced, float) - np.asarray(picture, float))
    assert difference.mean() < 4


def test_animated_pictures_stay_animated(lessons):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], duration=100)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    source = f"import base64\nfrom IPython.display import Image\nImage(base64.b64decode('{encoded}'))"
    write(lessons, "00_one", source)
    assert run(lessons) == 0
    page = (lessons.parent / "out" / "00_one.html").read_text()
    embedded = page.split("data:image/png;base64,")[1].split('"')[0]
    assert Image.open(io.BytesIO(base64.b64decode(embedded))).n_frames == 3
