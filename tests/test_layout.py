"""images.layout: several pictures in one, and one in the middle of another."""

import numpy as np
import pytest
import tensorflow as tf

from gan_lib.degradations import centre_hole
from gan_lib.images import centre, paste_centre, tile


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


# --- one in the middle of another


@pytest.mark.parametrize("kind", [np.asarray, tf.constant], ids=["array", "tensor"])
@pytest.mark.parametrize("overlap", [0, 1])
@pytest.mark.parametrize("shape", [(6, 8, 3), (2, 6, 8, 3), (2, 7, 9, 1)])
def test_a_region_goes_into_the_middle_and_all_else_stays_bit_by_bit(shape, overlap, kind):
    random = np.random.default_rng(0)
    pictures = random.normal(size=shape).astype("float32")
    region = random.normal(size=(*shape[:-3], 4, 4, shape[-1])).astype("float32")
    before = pictures.copy()
    pasted = paste_centre(kind(pictures), kind(region), overlap=overlap)
    assert isinstance(pasted, type(kind(pictures)))
    np.testing.assert_array_equal(pictures, before)  # not written into
    inside = np.zeros(shape, bool)
    inside[..., 1 + overlap : 5 - overlap, 2 + overlap : 6 - overlap, :] = True
    np.testing.assert_array_equal(np.asarray(pasted)[~inside], before[~inside])
    kept = region[..., overlap : 4 - overlap, overlap : 4 - overlap, :]
    np.testing.assert_array_equal(np.asarray(pasted)[inside], kept.ravel())


@pytest.mark.parametrize("shape", [(128, 128, 3), (28, 28, 1), (7, 9, 1), (3, 10, 6, 1)])
def test_the_middle_is_where_the_centre_hole_is(shape):
    pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    mask = centre_hole(*shape[-3:-1])[..., 0] > 0
    height, width = mask.any(axis=1).sum(), mask.any(axis=0).sum()
    middle = centre(pictures, (int(height), int(width)))
    np.testing.assert_array_equal(middle.reshape(-1, shape[-1]), pictures[..., mask, :].reshape(-1, shape[-1]))
    np.testing.assert_array_equal(centre(tf.constant(pictures), (int(height), int(width))), middle)
    np.testing.assert_array_equal(paste_centre(pictures, middle), pictures)


def test_the_middle_within_a_dataset():
    pictures = tf.data.Dataset.from_tensor_slices(np.arange(64, dtype=np.float32).reshape(2, 4, 8, 1)).batch(2)
    there_and_back = pictures.map(lambda batch: (paste_centre(batch * 0, centre(batch, 2)), centre(batch, 2)))
    pasted, middle = next(iter(there_and_back))
    np.testing.assert_array_equal(middle[0, :, :, 0], [[11, 12], [19, 20]])
    assert float(tf.reduce_sum(pasted)) == float(tf.reduce_sum(middle))


def test_middles_that_do_not_fit_are_named():
    pictures = np.zeros((8, 6, 3), np.float32)
    with pytest.raises(ValueError, match="7 x 7 pixels was asked for in pictures of 8 x 6"):
        centre(pictures, 7)
    with pytest.raises(ValueError, match="0 x 0 pixels"):
        centre(pictures, 0)
    with pytest.raises(ValueError, match="10 x 2 pixels was asked for"):
        paste_centre(pictures, np.zeros((10, 2, 3), np.float32))
    with pytest.raises(ValueError, match="uint8 with 3 channels came for pictures of float32 with 3"):
        paste_centre(pictures, np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match="with 1 channels"):
        paste_centre(pictures, np.zeros((2, 2, 1), np.float32))
    for overlap in (2, -1):
        with pytest.raises(ValueError, match=f"overlap is {overlap} of 4 x 4"):
            paste_centre(pictures, np.zeros((4, 4, 3), np.float32), overlap=overlap)
