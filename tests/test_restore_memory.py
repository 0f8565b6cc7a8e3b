"""restore: the memory that a large picture takes stays within what is said of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_lib import images
from gan_lib.restoring.limits import BYTES_A_PIXEL

BASE = 1.3e9  # bytes: Python, TensorFlow, and a tile in the network
STATUS = Path("/proc/self/status")
# The peak of the child alone: ru_maxrss of a process begins with what the one that started it had taken.
CHILD = f"""
import pathlib, sys
from gan_lib import __main__

status = __main__.main(["restore", *sys.argv[1:]])
told = dict(line.split(":", 1) for line in pathlib.Path("{STATUS}").read_text().splitlines())
print("peak", int(told["VmHWM"].split()[0]) * 1024)
sys.exit(status)
"""


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="the peak of a process is read where Linux tells it")
@pytest.mark.parametrize(
    "size, bits, scale, options",
    [
        ((3000, 4000), 8, 1, ()),
        ((3000, 4000), 16, 1, ("--compare", "--sigma", "15")),  # within what is promised for 8 bit, at this size
        ((1500, 2000), 8, 4, ("--task", "super-resolution", "--scale", "4")),
    ],
)
def test_a_large_picture_takes_the_memory_that_is_promised(size, bits, scale, options, tmp_path):
    height, width = size
    random = np.random.default_rng(0)
    noise = random.integers(0, 30, (height, width, 3), np.uint8)
    picture = noise + np.uint8(100) if bits == 8 else (noise + np.float32(100)) / np.float32(255)
    picture = images.save_image(tmp_path / "large.png", picture, bits=bits)
    call = [sys.executable, "-c", CHILD, str(picture), "-o", str(tmp_path / "out.png"), *options]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    height, width = scale * height, scale * width
    assert images.read_header(tmp_path / "out.png")[:2] == (height, width)
    peak = int(done.stdout.split("peak ")[1])
    assert peak < BASE + BYTES_A_PIXEL[8] * height * width
