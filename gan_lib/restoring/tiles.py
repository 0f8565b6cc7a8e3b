"""Where the tiles of a large picture lie, and what surrounds each of them.

Never in here: networks, colours, files.

A tile is cut out with a margin as wide as the network sees, and only its core is kept. Beyond its edges a picture goes
on as its own mirror image. So the network never sees an artificial edge nearer than it can look, and every pixel comes
out the same, however the picture was cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

_BAR_FROM = 4  # tiles; fewer are done before a bar would be read


class Region(NamedTuple):
    """A rectangle of pixels: the left upper corner and the size."""

    top: int
    left: int
    height: int
    width: int


def slices_of(region: Region | None) -> tuple[slice, slice]:
    """The rows and columns of a region; all of them if None."""
    if region is None:
        return slice(None), slice(None)
    return slice(region.top, region.top + region.height), slice(region.left, region.left + region.width)


def in_tiles(
    work: Callable[[np.ndarray], np.ndarray],
    picture: np.ndarray,
    region: Region,
    *,
    tile: int,
    multiple: int = 1,
    margin: int = 0,
    scale: int = 1,
    progress: bool = False,
    into: np.ndarray | None = None,
) -> np.ndarray:
    """Let something work on a picture tile by tile, and put together what comes out.

    Args:
        work: a tile with its margin, (height, width, channels) -> the same, ``scale`` times as large; any dtype.
        picture: (height, width, channels).
        region: what is wanted of it.
        tile: as for `tiles`.
        multiple: as for `tiles`.
        margin: pixels around each tile.
        scale: how many times larger the result is.
        progress: whether to show a progress bar, where there are several tiles.
        into: where the result is written; an array of the first tile's dtype and channels if None.

    Returns:
        (scale * region.height, scale * region.width, channels).
    """
    places = tiles(region, tile, multiple)
    for place in tqdm(places, unit="tile", leave=False, disable=not progress or len(places) < _BAR_FROM):
        part = work(cut_out(picture, place, margin))
        if into is None:
            into = np.empty((scale * region.height, scale * region.width, part.shape[-1]), part.dtype)
        inside, core = overlap(place, region)
        core = tuple(slice(side.start + margin, side.stop + margin) for side in core)
        into[_times(inside, scale)] = part[_times(core, scale)]
    return into


def _times(place: tuple[slice, slice], scale: int) -> tuple[slice, slice]:
    return tuple(slice(side.start * scale, side.stop * scale) for side in place)


def tiles(region: Region, tile: int, multiple: int) -> list[Region]:
    """Cut a region into tiles of one size, all beginning at multiples.

    They are as even as can be: 1000 pixels and tiles of 512 give twice 500, not 512 and 488. One size for all lets
    TensorFlow prepare its convolutions once.

    Args:
        region: what is to be covered.
        tile: largest height and width; rounded up to a multiple.
        multiple: what the network needs sizes to be multiples of. Beginnings are too, or pixels would be grouped
            otherwise in one tile than in the next.

    Returns:
        Tiles in rows, from the top left. The outer ones may reach beyond the region.
    """
    rows, height = _cuts(region.top, region.height, tile, multiple)
    columns, width = _cuts(region.left, region.width, tile, multiple)
    return [Region(top, left, height, width) for top in rows for left in columns]


def _cuts(start: int, length: int, tile: int, multiple: int) -> tuple[range, int]:
    begin = start - start % multiple
    length += start - begin
    size = _up(math.ceil(length / math.ceil(length / _up(tile, multiple))), multiple)
    return range(begin, begin + length, size), size


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def cut_out(picture: np.ndarray, tile: Region, margin: int) -> np.ndarray:
    """A tile with a margin on all sides; beyond the edges the picture is mirrored, the edge pixel coming twice.

    Args:
        picture: (height, width, channels), of any size from 1 x 1.
        tile: where; it may lie partly outside.
        margin: pixels on each side.

    Returns:
        A copy, (tile.height + 2 * margin, tile.width + 2 * margin, channels); what ``np.pad`` with "symmetric" would
        have given, without a padded copy of the whole picture.
    """
    rows = _mirrored(tile.top - margin, tile.height + 2 * margin, picture.shape[0])
    columns = _mirrored(tile.left - margin, tile.width + 2 * margin, picture.shape[1])
    return picture[rows[:, None], columns]


def _mirrored(start: int, count: int, length: int) -> np.ndarray:
    place = np.arange(start, start + count) % (2 * length)
    return np.where(place < length, place, 2 * length - 1 - place)


def overlap(tile: Region, region: Region) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a tile's core meets a region: first the slices within the region, then those within the core."""
    pairs = [
        _shared(tile.top, tile.height, region.top, region.height),
        _shared(tile.left, tile.width, region.left, region.width),
    ]
    (inside_rows, core_rows), (inside_columns, core_columns) = pairs
    return (inside_rows, inside_columns), (core_rows, core_columns)


def _shared(start: int, length: int, region_start: int, region_length: int) -> tuple[slice, slice]:
    low, high = max(start, region_start), min(start + length, region_start + region_length)
    return slice(low - region_start, high - region_start), slice(low - start, high - start)
