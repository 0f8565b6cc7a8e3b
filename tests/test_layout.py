"""images.tile: several pictures in one."""

import numpy as np
import pytest

from gan_lib.images import tile


def numbered(count, dtype=np.uint8):
    return np.arange(1, count + 1).astype(dtype)[:, None, None, None] * np.ones((1, 2, 3, 1), dtype)


def test_rows_from_the_top_left():
    tiled = tile(numbered(6), columns=3)
    assert tiled.shape == (4, 9, 1)
    assert tiled.dtype == np.uint8
    np.testing.assert_array_equal(tiled[::2, ::3, 0], [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(tiled[2:, 3:6], numbered(6)[4])


@pytest.mark.parametrize("count, rows, columns", [(1, 1, 1), (2, 1, 2), (4, 2, 2), (5, 2, 3), (64, 8, 8)])
def test_about_a_square_without_columns(count, rows, columns):
    assert tile(numbered(count)).shape == (rows * 2, columns * 3, 1)


def test_empty_places_are_black():
    tiled = tile(numbered(5), columns=3)
    assert (tiled[2:, 6:] == 0).all()
    assert (tiled[2:, :6] > 0).all()


def test_colour_and_floats_keep_their_kind():
    pictures = np.random.default_rng(0).uniform(0, 1, (4, 5, 3, 3)).astype("float32")
    tiled = tile(pictures)
    assert tiled.dtype == np.float32
    np.testing.assert_array_equal(tiled[5:, 3:], pictures[3])


@pytest.mark.parametrize("shape", [(0, 2, 2, 1), (2, 2, 1), (2, 2)])
def test_other_shapes_are_named(shape):
    with pytest.raises(ValueError, match=r"\(count, height, width, channels\), got"):
        tile(np.zeros(shape, np.uint8))


def test_a_row_has_a_column():
    with pytest.raises(ValueError, match="at least 1 column, got 0"):
        tile(numbered(2), columns=0)
