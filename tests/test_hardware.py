"""hardware: choices and hints for made-up machines, and a look at the real one."""

import dataclasses
import os

import pytest

from gan_lib import __main__, hardware
from gan_lib.hardware import Gpu, Machine, findings

VERSIONS = {"tensorflow": "2.21.0", "keras": "3.15.1", "numpy": "2.4.6"}
HEALTHY = Machine(
    python="3.13.0",
    versions=VERSIONS,
    cores=2,
    cpu_flags=frozenset({"amx_bf16", "avx2"}),
    memory_gb=16.0,
    disk_free_gb=50.0,
)
T4 = Gpu("Tesla T4", (7, 5))
A100 = Gpu("NVIDIA A100", (8, 0))


def machine(**changes):
    return dataclasses.replace(HEALTHY, **changes)


@pytest.mark.parametrize(
    ("changes", "policy", "reason"),
    [
        ({}, "mixed_bfloat16", "amx_bf16"),
        ({"cpu_flags": frozenset({"avx512_bf16"})}, "mixed_bfloat16", "avx512_bf16"),
        ({"cpu_flags": frozenset({"avx2"})}, "float32", "no bfloat16"),
        ({"cpu_flags": None}, "float32", "does not tell"),
        ({"gpus": (T4,)}, "mixed_float16", "7.5"),
        ({"gpus": (A100,)}, "mixed_bfloat16", "8.0"),
        ({"gpus": (A100, T4)}, "mixed_float16", "7.5"),
        ({"gpus": (Gpu("Old", (6, 1)),)}, "float32", "6.1"),
        ({"gpus": (Gpu("Odd", None),)}, "float32", "does not tell"),
        ({"gpus": (T4,), "environment": {"GAN_LIB_PRECISION": "float32"}}, "float32", "GAN_LIB_PRECISION"),
    ],
)
def test_precision(changes, policy, reason):
    chosen, why = hardware.choose_precision(machine(**changes))
    assert chosen == policy
    assert reason in why


@pytest.mark.parametrize(
    ("changes", "preset"),
    [
        ({}, "quick"),
        ({"gpus": (T4,)}, "full"),
        ({"gpus": (T4,), "environment": {"GAN_LIB_PRESET": "smoke"}}, "smoke"),
        ({"environment": {"GAN_LIB_PRESET": " release "}}, "release"),
        ({"environment": {"GAN_LIB_PRESET": ""}}, "quick"),
    ],
)
def test_preset(changes, preset):
    assert hardware.choose_preset(machine(**changes))[0] == preset


@pytest.mark.parametrize(
    ("name", "known"), [("GAN_LIB_PRESET", hardware.PRESETS), ("GAN_LIB_PRECISION", hardware.POLICIES)]
)
def test_unknown_choice_is_one_sentence_that_lists_the_known(plain_environment, name, known):
    plain_environment.setenv(name, "turbo")
    function = hardware.preset if name == "GAN_LIB_PRESET" else hardware.precision_policy
    with pytest.raises(ValueError, match="turbo") as caught:
        function()
    message = str(caught.value)
    assert name in message
    assert all(value in message for value in known)
    assert "\n" not in message


def test_a_healthy_machine_has_no_findings():
    assert findings(HEALTHY) == []


@pytest.mark.parametrize(
    ("changes", "level", "what", "hint"),
    [
        ({"nvidia": True}, "warning", "does not see it", "tensorflow[and-cuda]==2.21.0"),
        ({"nvidia": True, "system": "Windows"}, "warning", "Windows", "WSL2"),
        ({"nvidia": True, "environment": {"CUDA_VISIBLE_DEVICES": "-1"}}, "warning", "hides", "Unset"),
        ({"nvidia": True, "environment": {"CUDA_VISIBLE_DEVICES": ""}}, "warning", "hides", "Unset"),
        ({"system": "Darwin"}, "note", "macOS", "Colab"),
        ({"versions": VERSIONS | {"tensorflow": None}}, "blocks", "tensorflow is not installed", "requirements.txt"),
        ({"versions": VERSIONS | {"tensorflow": "2.19.1"}}, "warning", "2.19.1", "make course"),
        ({"versions": VERSIONS | {"keras": "3.16.0"}}, "warning", "3.13 to 3.15", "make course"),
        ({"python": "3.14.0rc1"}, "warning", "3.14.0rc1", "make course"),
        ({"environment": {"GAN_LIB_PRESET": "turbo"}}, "blocks", "turbo", "unset"),
        ({"environment": {"GAN_LIB_PRECISION": "int8"}}, "blocks", "int8", "unset"),
        ({"keras_backend": "jax"}, "blocks", "jax", "KERAS_BACKEND"),
        ({"image_data_format": "channels_first"}, "blocks", "channels_first", "keras.json"),
        ({"environment": {"KERAS_MAX_EPOCHS": "1"}}, "warning", "cuts every training short", "Unset"),
        ({"disk_free_gb": 0.4}, "warning", "0.4 GB", "GAN_LIB_DATA"),
        ({"memory_gb": 2.1}, "warning", "2.1 GB", "Close other programs"),
        ({"cores": 1}, "note", "single CPU core", "smoke"),
        ({"cpu_flags": frozenset({"avx2"})}, "note", "no bfloat16", "float32"),
    ],
)
def test_each_wrong_thing_has_a_hint(changes, level, what, hint):
    found = findings(machine(**changes))
    assert len(found) == 1
    assert found[0].level == level
    assert what in found[0].what
    assert hint in found[0].hint


def test_the_worst_comes_first():
    broken = machine(cores=1, nvidia=True, versions=VERSIONS | {"keras": None})
    assert [finding.level for finding in findings(broken)] == ["blocks", "warning", "note"]


def test_unknown_sizes_are_no_findings():
    assert findings(machine(memory_gb=None, disk_free_gb=None)) == []


def test_cpu_flags_on_linux(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags\t\t: fpu sse avx2 avx512_bf16 amx_bf16_lookalike\nbugs: x\n")
    assert hardware.cpu_flags("Linux", cpuinfo) == {"avx2", "avx512_bf16"}
    assert hardware.cpu_flags("Linux", tmp_path / "missing") is None
    assert hardware.cpu_flags("Windows") is None


def test_summary_names_device_and_memory():
    assert hardware.summary(HEALTHY) == "Linux, 2 CPU cores (amx_bf16, avx2), 16 GB memory, no GPU"
    assert hardware.summary(machine(gpus=(T4,), wsl=True)).startswith("Linux in WSL")
    assert "Tesla T4" in hardware.summary(machine(gpus=(T4,)))


def test_describe_lines_survive_an_unknown_choice():
    lines = "\n".join(hardware.describe_lines(machine(environment={"GAN_LIB_PRESET": "turbo"})))
    assert "Precision" in lines
    assert "Preset" not in lines


@pytest.fixture
def float32_afterwards():
    import keras

    yield keras
    keras.mixed_precision.set_global_policy("float32")


def test_the_preset_follows_the_cards(plain_environment):
    for cards, preset in (((), "quick"), ((T4,), "full")):
        plain_environment.setattr(hardware, "visible_gpus", lambda cards=cards: cards)
        assert hardware.preset() == preset


def test_the_machine_is_measured_in_the_right_units(tmp_path):
    import shutil

    import psutil

    found = hardware.look_at_machine(tmp_path)
    assert found.memory_gb == pytest.approx(psutil.virtual_memory().total / 1e9, rel=0.01)
    assert found.disk_free_gb == pytest.approx(shutil.disk_usage(tmp_path).free / 1e9, rel=0.1, abs=1)


def test_setup_sets_policy_and_seeds(plain_environment, float32_afterwards):
    keras = float32_afterwards
    plain_environment.setenv("GAN_LIB_PRECISION", "mixed_bfloat16")
    plain_environment.setenv("GAN_LIB_PRESET", "smoke")
    text = hardware.setup(seed=3)
    first = keras.random.normal((4,))
    assert keras.mixed_precision.dtype_policy().name == "mixed_bfloat16"
    hardware.setup(seed=4)
    assert (keras.ops.convert_to_numpy(first) != keras.ops.convert_to_numpy(keras.random.normal((4,)))).any()
    hardware.setup(seed=3)
    assert (keras.ops.convert_to_numpy(first) == keras.ops.convert_to_numpy(keras.random.normal((4,)))).all()
    assert "Preset     smoke" in text
    assert "Seed       3" in text
    assert len(text.splitlines()) <= 8
    assert "/" not in text.replace("n/a", "")  # a summary goes into committed notebooks: no folder of a machine


@pytest.mark.parametrize(("cards", "told"), [([], []), (["a card"], [False])])
def test_setup_keeps_float32_on_a_gpu(plain_environment, float32_afterwards, cards, told):
    import tensorflow as tf

    hardware.visible_gpus()  # is remembered, so that nobody asks the made-up card for its details
    plain_environment.setenv("GAN_LIB_PRECISION", "float32")
    plain_environment.setattr(tf.config, "list_physical_devices", lambda kind=None: cards)
    grows, calls = [], []
    plain_environment.setattr(tf.config.experimental, "set_memory_growth", lambda card, on: grows.append((card, on)))
    plain_environment.setattr(tf.config.experimental, "enable_tensor_float_32_execution", calls.append)
    hardware.setup(seed=1)
    assert calls == told
    assert grows == [(card, True) for card in cards]  # or a notebook would take the whole card for itself


@pytest.mark.parametrize("command", [__main__.restore, __main__.evaluate])
def test_the_command_line_keeps_float32_too(monkeypatch, command):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(hardware, "keep_float32", interrupt)
    assert command(None) == 130  # its answer to Ctrl-C: it came to that line, and there were no options to fail at


def test_the_tests_themselves_compute_on_the_cpu():
    assert "CUDA_VISIBLE_DEVICES" in os.environ  # -1, or what the one who called chose


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "1"])
def test_setup_refuses_a_seed_that_is_none(seed):
    with pytest.raises(ValueError, match="whole number from 0"):
        hardware.setup(seed=seed)


def test_describe_is_fit_for_json(plain_environment):
    import json

    told = json.loads(json.dumps(hardware.describe()))
    assert told["policy"] in hardware.POLICIES
    assert told["preset"] in hardware.PRESETS
    assert told["versions"]["keras"]
    assert told["cores"] >= 1
