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
from gan_lib.restoring.files import open_picture
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.masks import MaskSource, find_missing
from gan_lib.restoring.restorer import DEFAULT_TILE, Restorer

# Reading, the result and packing the file, all at once at the end; measured on photographs of 12 megapixels.
_BYTES_A_PIXEL = {8: 24, 16: 60}
_FILES_SECONDS_A_PIXEL = 0.6e-6


class Cost(NamedTuple):
    """What a restoration takes.

    Attributes:
        pictures: how many can be read.
        megapixels: of all together.
        seconds: of work.
        memory_gb: at the most, of this process.
        unreadable: how many cannot be read.
    """

    pictures: int
    megapixels: float
    seconds: float
    memory_gb: float
    unreadable: int

    def sentence(self) -> str:
        """For a terminal."""
        minutes = f"{self.seconds / 60:.1f} minutes" if self.seconds >= 90 else f"{max(self.seconds, 1):.0f} seconds"
        more = f" {self.unreadable} cannot be read." if self.unreadable else ""
        return (
            f"{self.pictures} picture{'' if self.pictures == 1 else 's'}, {self.megapixels:.1f} megapixels: about "
            f"{minutes} and {self.memory_gb:.1f} GB of memory.{more}"
        )


def estimate_cost(restorer: Restorer, paths: Sequence[Path], *, tile: int = DEFAULT_TILE) -> Cost:
    """Read the headers of picture files, time one tile, and reckon up.

    Args:
        restorer: the network.
        paths: picture files.
        tile: as for `Restorer`.
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
    pixels = sum(restorer.work(header.height, header.width, tile) for header in headers)
    seconds = pixels * _seconds_a_pixel(restorer, tile) + sum(sizes) * _FILES_SECONDS_A_PIXEL
    most = max(size * _BYTES_A_PIXEL[16 if header.bits > 8 else 8] for size, header in zip(sizes, headers, strict=True))
    memory = psutil.Process().memory_info().rss + most
    return Cost(len(headers), sum(sizes) / 1e6, seconds, memory / 1e9, len(paths) - len(headers))


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
            pixels += filler.work(find_missing(mask, opened.pixels, path).pixels)
        except images.PictureError:
            continue
        sizes.append(opened.pixels.shape[0] * opened.pixels.shape[1])
        most = max(most, sizes[-1] * _BYTES_A_PIXEL[opened.bits])
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


def _seconds_a_pixel(restorer: Restorer, tile: int) -> float:
    """Of a pixel that goes through the network. The first tile is not counted: TensorFlow prepares itself in it."""
    grey = np.full((tile, tile, 3), 128, np.uint8)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        restorer(grey, sigma=restorer.limits[1], tile=tile)
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:]) / restorer.work(tile, tile, tile)
