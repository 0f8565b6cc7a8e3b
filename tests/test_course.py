"""course: a lesson's folder, and the handing over of its measures."""

import errno
import hashlib
import json
import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from gan_lib import course


@pytest.fixture
def handover(plain_environment, tmp_path):
    path = tmp_path / "deep" / "measures.json"
    plain_environment.setenv("GAN_LIB_REPORT", str(path))
    return path


def test_output_folder_follows_the_variable(plain_environment, tmp_path):
    plain_environment.setenv("GAN_LIB_OUTPUT", str(tmp_path / "there"))
    folder = course.output_folder("02_mnist_dcgan")
    assert folder == tmp_path / "there" / "02_mnist_dcgan"
    assert folder.is_dir()


def test_output_folder_by_default_lies_in_build(plain_environment, tmp_path):
    plain_environment.setattr(course, "_repository", lambda: tmp_path)
    assert course.output_folder("00_start_here") == tmp_path / "build" / "course" / "00_start_here"


@pytest.mark.parametrize("lesson", ["", "../x", "a/b", None, "a b"])
def test_a_lesson_has_a_plain_name(plain_environment, lesson):
    with pytest.raises(ValueError, match="notebook's name"):
        course.output_folder(lesson)


def test_output_folder_that_cannot_be_made(plain_environment, tmp_path):
    (tmp_path / "file").write_text("in the way")
    plain_environment.setenv("GAN_LIB_OUTPUT", str(tmp_path / "file"))
    with pytest.raises(OSError, match="GAN_LIB_OUTPUT"):
        course.output_folder("02_mnist_dcgan")


def test_output_folder_that_is_read_only(plain_environment, tmp_path):
    plain_environment.setenv("GAN_LIB_OUTPUT", str(tmp_path))
    plain_environment.setattr(os, "access", lambda path, mode: False)  # root may write everywhere, so it is made up
    with pytest.raises(PermissionError, match="read-only"):
        course.output_folder("02_mnist_dcgan")


def test_a_stored_run_is_written_and_read(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(course, "_STORED_RUNS", tmp_path / "stored_runs")
    assert course.stored_run("03_some_lesson") is None
    assert "No stored run of 03_some_lesson comes with" in capsys.readouterr().out
    path = tmp_path / "stored_runs" / "03_some_lesson.json"
    assert course.stored_run("03_some_lesson", to_write=True) == path
    path.write_text("{}")
    assert course.stored_run("03_some_lesson") == path
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="the notebook's name was expected"):
        course.stored_run("../03_some_lesson")


def test_the_stored_runs_that_lessons_show_come_with_the_package():
    root = Path(__file__).parents[1]
    notebooks = [path.read_text(encoding="utf-8") for path in sorted((root / "notebooks").glob("*.ipynb"))]
    shown = {name for text in notebooks for name in re.findall(r'stored_run\(\\"(\w+)\\"\)', text)}
    assert len(shown) >= 5
    assert all(course.stored_run(name) for name in shown)


def test_what_is_no_code_is_installed_with_the_package():
    root = Path(__file__).parents[1]
    patterns = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["gan_lib"]
    installed = {path for pattern in patterns for path in (root / "gan_lib").glob(pattern)}
    files = [path for path in (root / "gan_lib").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert [path for path in files if path.suffix != ".py" and path not in installed] == []


def test_report_hands_measures_over(handover, capsys):
    measures = {
        "classifier_score": np.float32(8.5),
        "samples": np.int64(10_000),
        "training_minutes": 3,
        "network": "resize",
        "converged": True,
    }
    course.report("02_mnist_dcgan", data="mnist", measures=measures, verdict="The digits are legible.")
    told = json.loads(handover.read_text())
    assert told == {
        "lesson": "02_mnist_dcgan",
        "data": "mnist",
        "measures": {
            "classifier_score": 8.5,
            "samples": 10_000,
            "training_minutes": 3,
            "network": "resize",
            "converged": True,
        },
        "verdict": "The digits are legible.",
    }
    printed = capsys.readouterr().out
    assert "mnist" in printed
    assert "10000" in printed
    assert "The digits are legible." in printed


def test_report_takes_tensors(handover):
    import tensorflow as tf

    course.report("x", data="d", measures={"psnr": tf.constant(30.5)})
    assert json.loads(handover.read_text())["measures"] == {"psnr": 30.5}


def test_report_alone_only_prints(plain_environment, tmp_path, capsys):
    plain_environment.chdir(tmp_path)
    course.report("02_mnist_dcgan", data="mnist", measures={"psnr": 30.126})
    assert "30.13" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_report_refuses_what_is_not_finite(handover, value):
    with pytest.raises(ValueError, match="'frechet_distance' is .*finite number"):
        course.report("02_mnist_dcgan", data="mnist", measures={"frechet_distance": value})
    assert not handover.exists()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"data": ""}, ValueError, "rung"),
        ({"measures": {}}, ValueError, "at least one measure"),
        ({"measures": [1]}, ValueError, "dictionary"),
        ({"measures": {"a b": 1}}, ValueError, "letters, digits"),
        ({"measures": {"a": [1, 2]}}, TypeError, "a list"),
        ({"measures": {"a": np.ones(3)}}, TypeError, "ndarray"),
        ({"measures": {"a": None}}, TypeError, "NoneType"),
        ({"verdict": ""}, ValueError, "sentence"),
    ],
)
def test_wrong_calls_say_what_was_expected(handover, arguments, error, words):
    with pytest.raises(error, match=words):
        course.report("x", **({"data": "mnist", "measures": {"a": 1}} | arguments))
    assert not handover.exists()


def test_a_full_disk_leaves_the_old_report(handover, plain_environment):
    course.report("x", data="mnist", measures={"a": 1})
    before = handover.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    plain_environment.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk is full"):
        course.report("x", data="mnist", measures={"a": 2})
    assert handover.read_bytes() == before
    assert os.listdir(handover.parent) == [handover.name]


@pytest.mark.parametrize(
    ("value", "text"),
    [(8.0, "8"), (0.123456, "0.1235"), (10_000, "10000"), ("resize", "resize"), (1234567.8, "1.235e+06")],
)
def test_measures_are_short(value, text):
    assert course.format_measure(value) == text


def test_a_training_record_knows_the_code_that_ran(plain_environment, tmp_path):
    plain_environment.setattr(course, "_repository", lambda: tmp_path)
    plain_environment.setenv("GAN_LIB_PRESET", "release")
    plain_environment.setenv("GAN_LIB_PRECISION", "float32")
    (tmp_path / "notebooks").mkdir()

    def record(text, code):
        cells = [("markdown", text), ("code", "a"), ("code", code)]
        told = {"cells": [{"cell_type": kind, "source": [source]} for kind, source in cells]}
        (tmp_path / "notebooks" / "03_some_lesson.ipynb").write_text(json.dumps(told))
        return course.training_record("03_some_lesson", seed=7, minutes=1.26)

    first = record("words", "b")
    assert first["code_sha256"] == hashlib.sha256(b"a\n\nb").hexdigest()
    assert {key: first[key] for key in ("notebook", "preset", "precision", "seed", "minutes")} == {
        "notebook": "03_some_lesson.ipynb", "preset": "release", "precision": "float32", "seed": 7, "minutes": 1.3,
    }  # fmt: skip
    assert "keras 3." in first["versions"]
    assert record("other words", "b")["code_sha256"] == first["code_sha256"]
    assert record("words", "c")["code_sha256"] != first["code_sha256"]
    with pytest.raises(FileNotFoundError, match="04_other.ipynb was expected"):
        course.training_record("04_other", seed=7, minutes=1.0)
