"""How long a restoration will take, and how much memory, before it is begun.

Never in here: the restoration itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from gan_lib import images
from gan_lib.restoring.enlarging import Enlarger
from gan_lib.restoring.files import open_picture
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.limits import BYTES_A_PIXEL
from gan_lib.restoring.masks import MaskSource, find_missing
from gan_lib.restoring.restorer import DEFAULT_TILE, Restorer

_FILES_SECONDS_A_PIXEL = 0.6e-6


class Cost(NamedTuple):
    """What a restoration takes.

    Attributes:
        pictures: how many can be read.
        megapixels: of all together.
        seconds: of work.
        memory_gb: at the most, of this process.
        unreadable: how many cannot be read.
        scale: how many times larger the results are.
    """

    pictures: int
    megapixels: float
    seconds: float
    memory_gb: float
    unreadable: int
    scale: int = 1

    def sentence(self) -> str:
        """For a terminal."""
        minutes = f"{self.seconds / 60:.1f} minutes" if self.seconds >= 90 else f"{max(self.seconds, 1):.0f} seconds"
        more = f" {self.unreadable} cannot be read." if self.unreadable else ""
        enlarged = f" that become {self.megapixels * self.scale**2:.1f}" if self.scale > 1 else ""
        return (
            f"{self.pictures} picture{'' if self.pictures == 1 else 's'}, {self.megapixels:.1f} megapixels{enlarged}: "
            f"about {minutes} and {self.memory_gb:.1f} GB of memory.{more}"
        )


def estimate_cost(worker: Restorer | Enlarger, paths: Sequence[Path], *, tile: int = DEFAULT_TILE) -> Cost:
    """Read the headers of picture files, time one tile, and reckon up.

    Args:
        worker: the network.
        paths: picture files.
        tile: as for the network.
    """
    headers = []
    for path in paths:
        try:
            headers.append(images.read_header(path))
        except images.PictureError:
            continue
    if not headers:
        return Cost(0, 0.0, 0.0, psutil.Process().memory_info().rss / 1e9, len(paths))
    sizes = [header.height * header.width for header in headers]
    pixels = sum(worker.work(header.height, header.width, tile) for header in headers)
    scale = worker.scale if isinstance(worker, Enlarger) else 1
    results = [size * scale**2 for size in sizes]
    seconds = pixels * _seconds_a_pixel(worker, tile) + sum(results) * _FILES_SECONDS_A_PIXEL
    bytes_each = [BYTES_A_PIXEL[16 if header.bits > 8 else 8] for header in headers]
    most = max(size * each for size, each in zip(results, bytes_each, strict=True))
    memory = psutil.Process().memory_info().rss + most
    return Cost(len(headers), sum(sizes) / 1e6, seconds, memory / 1e9, len(paths) - len(headers), scale)


def estimate_filling(filler: HoleFiller, mask: MaskSource, paths: Sequence[Path], *, max_pixels: int) -> Cost:
    """The same for holes, whose masks must be read for that; time one tile, and reckon up.

    Args:
        filler: the network.
        mask: which pixels are missing.
        paths: picture files.
        max_pixels: largest picture that is read.
    """
    sizes, most, pixels = [], 0, 0
    for path in paths:
        try:
            opened = open_picture(path, max_pixels)
            pixels += filler.work(find_missing(mask, opened.pixels, path, max_pixels=max_pixels).pixels)
        except images.PictureError:
            continue
        sizes.append(opened.pixels.shape[0] * opened.pixels.shape[1])
        most = max(most, sizes[-1] * BYTES_A_PIXEL[opened.bits])
    side = 256
    picture, hole = np.full((side, side, 3), 128, np.uint8), np.zeros((side, side), bool)
    hole[::2] = True
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        filler(picture, hole)
        seconds.append((time.perf_counter() - started) / filler.work(hole))
    total = pixels * min(seconds[1:]) + sum(sizes) * _FILES_SECONDS_A_PIXEL
    memory = psutil.Process().memory_info().rss + most
    return Cost(len(sizes), sum(sizes) / 1e6, total, memory / 1e9, len(paths) - len(sizes))


def _seconds_a_pixel(worker: Restorer | Enlarger, tile: int) -> float:
    """Of a pixel that goes through the network. The first tile is not counted: TensorFlow prepares itself in it."""
    grey = np.full((tile, tile, 3), 128, np.uint8)
    settings = {} if isinstance(worker, Enlarger) else {"sigma": worker.limits[1]}
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        worker(grey, tile=tile, **settings)
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:]) / worker.work(tile, tile, tile)
