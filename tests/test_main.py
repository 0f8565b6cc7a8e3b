"""__main__: the command line."""

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from gan_lib import __main__ as command_line
from gan_lib import hardware
from gan_lib.datasets import ladders


@pytest.fixture
def made_up(plain_environment, tmp_path):
    """The command line on a machine of our own making."""
    plain_environment.setenv("GAN_LIB_DATA", str(tmp_path / "data"))
    plain_environment.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def use(**changes):
        versions = {"tensorflow": "2.21.0", "keras": "3.15.1"}
        defaults = {"versions": versions, "cpu_flags": frozenset({"amx_bf16"}), "memory_gb": 8.0, "disk_free_gb": 9.0}
        machine = hardware.Machine(**(defaults | changes))
        plain_environment.setattr(hardware, "look_at_machine", lambda folder=None: machine)

    return use


def check(capsys):
    status = command_line.main(["check-machine", "--no-network"])
    return status, capsys.readouterr().out


def test_a_healthy_machine(made_up, capsys):
    made_up()
    status, told = check(capsys)
    assert status == 0
    for words in ("tensorflow 2.21.0", "amx_bf16", "mixed_bfloat16", "quick", "9 GB free", "bundled digits", "can run"):
        assert words in told


def test_the_unseen_gpu_comes_first(made_up, capsys):
    made_up(nvidia=True, disk_free_gb=0.1)
    status, told = check(capsys)
    assert status == 0
    assert told.startswith("WARNING: There is an NVIDIA GPU, but TensorFlow does not see it.")
    assert "and-cuda" in told


def test_what_blocks_gives_status_1(made_up, capsys):
    made_up(environment={"GAN_LIB_PRESET": "turbo"})
    status, told = check(capsys)
    assert status == 1
    assert told.startswith("BLOCKS: GAN_LIB_PRESET is 'turbo'")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["restore", "evaluate"])
def test_a_keras_that_cannot_be_imported_ends_in_a_sentence(command):
    call = [sys.executable, "-m", "gan_lib", command, *(["denoise"] if command == "evaluate" else [])]
    run = subprocess.run(call, env=os.environ | {"KERAS_BACKEND": "no such"}, capture_output=True, text=True)
    assert run.returncode == 1
    assert "error: " in run.stderr and "no such" in run.stderr and "Traceback" not in run.stderr


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        command_line.main(["dance"])
    assert caught.value.code == 2
    assert "check-machine" in capsys.readouterr().err


def test_a_line_that_the_output_cannot_take_ends_nothing(made_up, monkeypatch):
    made_up(nvidia=True)
    written = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr("sys.stdout", written)
    monkeypatch.setattr(hardware, "describe_lines", lambda machine: ["Łódź", "b\udcf6se.png"])
    assert command_line.main(["check-machine", "--no-network"]) == 0
    written.flush()
    told = written.buffer.getvalue().decode("ascii")
    assert "\\u0141\\xf3d\\u017a" in told and "b\\udcf6se.png" in told


def test_the_help_says_what_is_passed_over(capsys):
    with pytest.raises(SystemExit):
        command_line.main(["restore", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "kinds that are not read. They leave the exit status at 0; it is 1 if a picture could not" in told


def test_rungs_tell_where_and_why(plain_environment, tmp_path):
    plain_environment.setenv("GAN_LIB_DATA", str(tmp_path))
    plain_environment.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "mnist.npz").write_text("quota exceeded")
    own, cache, download, bundled = ladders.digit_rungs(look_at_network=False)
    assert not own.at_hand
    assert "mnist.npz" in own.told
    assert not cache.at_hand
    assert not download.at_hand
    assert bundled.at_hand


def test_photograph_rungs(plain_environment, tmp_path):
    plain_environment.setenv("GAN_LIB_DATA", str(tmp_path))
    (tmp_path / "photos").mkdir()
    photos, flowers, download, bundled = ladders.photograph_rungs(look_at_network=False)
    assert (photos.at_hand, flowers.at_hand, download.at_hand, bundled.at_hand) == (False, False, False, True)
    (tmp_path / "photos" / "a.PNG").touch()
    assert ladders.photograph_rungs(look_at_network=False)[0].at_hand


@pytest.mark.parametrize(
    ("answer", "at_hand", "told"),
    [(200, True, "from https://"), (404, False, "answers 404"), (None, False, "cannot be reached from here")],
)
def test_downloads_are_looked_at(plain_environment, answer, at_hand, told):
    import requests

    def head(url, **options):
        if answer is None:
            raise requests.ConnectionError
        return SimpleNamespace(status_code=answer)

    plain_environment.setattr(requests, "head", head)
    rung = ladders.digit_rungs()[2]
    assert rung.at_hand == at_hand and told in rung.told


def test_offline_is_not_looked_at(plain_environment):
    plain_environment.setenv("GAN_LIB_OFFLINE", "1")
    rung = ladders.digit_rungs()[2]
    assert rung == ("download", False, "not tried: GAN_LIB_OFFLINE is set")
