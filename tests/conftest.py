"""What tests of several rooms share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("GAN_LIB_DATA", "GAN_LIB_PRESET", "GAN_LIB_PRECISION", "GAN_LIB_REPORT", "GAN_LIB_OFFLINE", "GAN_LIB_OUTPUT")


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
