"""How long a restoration will take, and how much memory, before it is begun.

Never in here: the restoration itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from gan_lib import images
from gan_lib.restoring.enlarging import Enlarger
from gan_lib.restoring.files import OutsideError, inside, open_picture
from gan_lib.restoring.filling import missing_in
from gan_lib.restoring.holes import HoleFiller
from gan_lib.restoring.limits import BYTES_A_PIXEL, DEFAULT_MAX_PIXELS, check_result, check_size
from gan_lib.restoring.masks import MaskSource
from gan_lib.restoring.restorer import DEFAULT_TILE, Restorer
from gan_lib.restoring.tiles import Region

_FILES_SECONDS_A_PIXEL = 0.6e-6
_LEAST_SIDE = 64  # pixels; less tells nothing of how long a tile takes


class Cost(NamedTuple):
    """What a restoration takes.

    Attributes:
        pictures: how many can be restored.
        megapixels: of all together, or of the parts of them that are worked on.
        seconds: of work.
        memory_gb: at the most, of this process.
        refused: for each picture that cannot be restored, why.
        scale: how many times larger the results are.
    """

    pictures: int
    megapixels: float
    seconds: float
    memory_gb: float
    refused: tuple[str, ...]
    scale: int = 1

    def sentence(self) -> str:
        """For a terminal; a line more for each picture that cannot be restored."""
        refused = [f"cannot be restored: {reason}" for reason in self.refused]
        if not self.pictures:
            return "\n".join(refused)
        minutes = f"{self.seconds / 60:.1f} minutes" if self.seconds >= 90 else f"{max(self.seconds, 1):.0f} seconds"
        enlarged = f" that become {self.megapixels * self.scale**2:.1f}" if self.scale > 1 else ""
        told = (
            f"{self.pictures} picture{'' if self.pictures == 1 else 's'}, {self.megapixels:.1f} megapixels{enlarged}: "
            f"about {minutes} and {self.memory_gb:.1f} GB of memory."
        )
        return "\n".join([told, *refused])


class _Part(NamedTuple):
    """What is worked on of a picture: its size, and how many pixels and bits the file has."""

    height: int
    width: int
    read: int
    bits: int


def estimate_cost(
    worker: Restorer | Enlarger,
    paths: Sequence[Path],
    *,
    tile: int = DEFAULT_TILE,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    crop: Region | None = None,
) -> Cost:
    """Read the headers of picture files, time one tile, and reckon up.

    Args:
        worker: the network.
        paths: picture files.
        tile: as for the network.
        max_pixels: largest picture that is read, or largest result if it is enlarged.
        crop: what part will be restored; everything if None.
    """
    parts, refused = [], []
    for path in paths:
        try:
            parts.append(_part(worker, path, max_pixels, crop))
        except (images.PictureError, OutsideError) as error:
            refused.append(_reason(path, error))
    if not parts:
        return Cost(0, 0.0, 0.0, psutil.Process().memory_info().rss / 1e9, tuple(refused))
    scale = worker.scale if isinstance(worker, Enlarger) else 1
    sizes = [part.height * part.width for part in parts]
    # Of a part too, the whole file is read.
    most = [max(part.read, size * scale**2) for part, size in zip(parts, sizes, strict=True)]
    each = _seconds_a_pixel(worker, tile, max(max(part.height, part.width) for part in parts))
    pixels = sum(worker.work(part.height, part.width, tile) for part in parts)
    seconds = pixels * each + sum(most) * _FILES_SECONDS_A_PIXEL
    taken = max(count * BYTES_A_PIXEL[16 if part.bits > 8 else 8] for count, part in zip(most, parts, strict=True))
    memory = psutil.Process().memory_info().rss + taken
    return Cost(len(parts), sum(sizes) / 1e6, seconds, memory / 1e9, tuple(refused), scale)


def _part(worker: Restorer | Enlarger, path: Path, max_pixels: int, crop: Region | None) -> _Part:
    """Checks a picture as the restoration will, and says what would be worked on."""
    header = images.read_header(path)
    height, width = header.height, header.width
    if crop is not None:  # whether it lies inside is known when the picture is upright, which headers are not
        height, width = inside(crop, open_picture(path, max_pixels).pixels)[2:]
    elif not isinstance(worker, Enlarger):
        check_size(path, header, max_pixels)
    if isinstance(worker, Enlarger):
        check_result(str(path), height, width, worker.scale, max_pixels, header.bits, part=crop is not None)
    return _Part(height, width, header.height * header.width, header.bits)


def _reason(path: Path, error: Exception) -> str:
    return str(error) if str(path) in str(error) else f"{path}: {error}"


def estimate_filling(
    filler: HoleFiller, mask: MaskSource, paths: Sequence[Path], *, max_pixels: int, crop: Region | None = None
) -> Cost:
    """The same for holes, whose masks must be read for that; time one tile, and reckon up.

    Args:
        filler: the network.
        mask: which pixels are missing.
        paths: picture files.
        max_pixels: largest picture that is read, and largest mask.
        crop: what part will be filled; everything if None.
    """
    read, sizes, most, pixels, refused = 0, [], 0, 0, []
    for path in paths:
        try:
            opened = open_picture(path, max_pixels)
            missing = missing_in(inside(crop, opened.pixels), opened, path, mask, max_pixels).pixels
            pixels += filler.work(missing)
        except (images.PictureError, OutsideError) as error:
            refused.append(_reason(path, error))
            continue
        sizes.append(missing.size)
        size = opened.pixels.shape[0] * opened.pixels.shape[1]
        read, most = read + size, max(most, size * BYTES_A_PIXEL[opened.bits])
    memory = (psutil.Process().memory_info().rss + most) / 1e9
    if not sizes:
        return Cost(0, 0.0, 0.0, memory, tuple(refused))
    seconds = pixels * _seconds_a_filled_pixel(filler) + read * _FILES_SECONDS_A_PIXEL
    return Cost(len(sizes), sum(sizes) / 1e6, seconds, memory, tuple(refused))


def _seconds_a_filled_pixel(filler: HoleFiller) -> float:
    side = 256
    picture, hole = np.full((side, side, 3), 128, np.uint8), np.zeros((side, side), bool)
    hole[::2] = True
    return _quickest(lambda: filler(picture, hole)) / filler.work(hole)


def _seconds_a_pixel(worker: Restorer | Enlarger, tile: int, longest: int) -> float:
    """Of a pixel that goes through the network, measured on a tile, or on less where no picture is so large."""
    side = max(_LEAST_SIDE, min(tile, longest))
    grey = np.full((side, side, 3), 128, np.uint8)
    settings = {} if isinstance(worker, Enlarger) else {"sigma": worker.limits[1]}
    return _quickest(lambda: worker(grey, tile=tile, **settings)) / worker.work(side, side, tile)


def _quickest(work: Callable[[], object]) -> float:
    """Seconds of a piece of work. The first time is not counted: TensorFlow prepares itself in it."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])
