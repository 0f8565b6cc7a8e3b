"""What tests of several rooms share."""

import os
import subprocess
import sys
from pathlib import Path

# Before TensorFlow is imported anywhere: tests are quiet, and none of them goes to the internet.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("GAN_LIB_OFFLINE", "1")
# The tests are held to the CPU's numbers; and each of the workers would take a whole graphics card for itself.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("GAN_LIB_DATA", "GAN_LIB_PRESET", "GAN_LIB_PRECISION", "GAN_LIB_REPORT", "GAN_LIB_OFFLINE", "GAN_LIB_OUTPUT")


def pytest_make_parametrize_id(val, argname):
    """A test with bytes is called after the argument, not after the bytes: those of a colour profile hold the second at
    which it was made, and processes that name the same test differently cannot share the work."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture
def plain_environment(monkeypatch):
    """No variable of ours is set, whatever the shell has."""
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def run_python():
    """Runs a line of code in a fresh interpreter and gives what it printed; the variables of ours start unset."""

    def run(code: str, **environment: str) -> str:
        clean = {name: value for name, value in os.environ.items() if name not in OURS}
        call = [sys.executable, "-c", code]
        done = subprocess.run(call, cwd=ROOT, env=clean | environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(autouse=True)
def _nothing_stays_set():
    """Every test starts and ends with float32 and TensorFlow's random numbers at 0, where a test has loaded Keras."""
    _reset_keras()
    yield
    _reset_keras()


def _reset_keras():
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "utils"):  # tests of rooms without networks never load it
        keras.config.set_dtype_policy("float32")
        keras.utils.set_random_seed(0)


@pytest.fixture
def precision():
    """Sets the precision policy for one test: ``precision("mixed_float16")``."""
    import keras

    return keras.config.set_dtype_policy
