"""The course's inpainter and the smooth fill that it begins with."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_lib import degradations, images
from gan_lib.networks.inpainter import inpainter
from gan_lib.networks.layers import PullPush
from gan_lib.networks.receptive_field import receptive_field

SMALL = {"widths": (8, 8, 8), "dilations": (1, 2)}


@pytest.fixture(scope="module")
def hole():
    mask = np.zeros([1, 64, 64, 1], np.float32)
    mask[:, 16:48, 16:48] = 1
    return mask


def slope():
    across = np.linspace(-1, 1, 64, dtype=np.float32)
    return np.broadcast_to(across[None, None, :, None], (1, 64, 64, 3)).copy()


def test_pull_push_keeps_what_is_known_bit_by_bit_and_does_not_look_at_what_is_missing(hole):
    picture = np.random.default_rng(0).uniform(-1, 1, [1, 64, 64, 3]).astype(np.float32)
    filled = PullPush()([picture, hole]).numpy()
    assert np.array_equal(filled[hole[..., 0] == 0], picture[hole[..., 0] == 0])
    other = np.where(hole > 0, np.float32(7), picture)
    assert np.array_equal(PullPush()([other, hole]).numpy(), filled)


def test_pull_push_continues_a_slope_into_the_hole(hole):
    picture = slope()
    filled = PullPush()([picture, hole]).numpy()
    error = np.abs(filled - picture)[:, 16:48, 16:48]
    grey = np.abs(0 - picture)[:, 16:48, 16:48]  # the mean of all that is known
    assert error.mean() < 0.6 * grey.mean()
    assert filled[0, 32, 18, 0] < filled[0, 32, 32, 0] < filled[0, 32, 45, 0]


def test_pull_push_of_one_colour_is_that_colour_however_little_is_known():
    mask = np.ones([1, 64, 48, 1], np.float32)
    mask[:, 60:, :3] = 0
    picture = np.full([1, 64, 48, 3], 0.25, np.float32)
    np.testing.assert_allclose(PullPush()([picture, mask]).numpy(), 0.25, atol=1e-5)


def test_pull_push_with_nothing_known_is_finite():
    filled = PullPush(3)([tf.zeros([1, 16, 16, 3]), tf.ones([1, 16, 16, 1])]).numpy()
    assert np.array_equal(filled, np.zeros([1, 16, 16, 3]))


def test_pull_push_keeps_float32_under_a_policy_of_half_precision(hole):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        picture = np.random.default_rng(1).uniform(-1, 1, [1, 64, 64, 3]).astype(np.float32)
        filled = PullPush()([picture, hole]).numpy()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert filled.dtype == np.float32
    assert np.array_equal(filled[hole[..., 0] == 0], picture[hole[..., 0] == 0])


def test_pull_push_refuses_no_levels():
    with pytest.raises(ValueError, match="levels is 0"):
        PullPush(0)


def test_the_untrained_inpainter_gives_the_smooth_fill(hole):
    picture = slope()
    assert np.array_equal(inpainter(**SMALL)([picture, hole]), PullPush()([picture, hole]))


def test_a_trained_inpainter_changes_missing_pixels_only(hole):
    model = inpainter(**SMALL)
    model.set_weights([np.random.default_rng(2).normal(0, 0.1, w.shape) for w in model.get_weights()])
    picture = slope()
    restored = model([picture, hole]).numpy()
    known = hole[..., 0] == 0
    assert np.array_equal(restored[known], picture[known])
    assert np.abs(restored - PullPush()([picture, hole]).numpy())[~known].mean() > 0.01


def test_what_stands_in_missing_pixels_makes_no_difference(hole):
    model = inpainter(**SMALL)
    model.set_weights([np.random.default_rng(2).normal(0, 0.1, w.shape) for w in model.get_weights()])
    clean = images.to_network(np.random.default_rng(3).integers(0, 256, [1, 64, 64, 3]).astype(np.uint8))
    grey, white = (model([degradations.remove(clean, hole, value), tf.constant(hole)]).numpy() for value in (0.0, 1.0))
    assert np.array_equal(grey, white)


def test_any_multiple_of_eight_will_do_and_the_released_size_stays_below_four_megabytes():
    model = inpainter()
    assert receptive_field(model).multiple == 8
    assert 4 * model.count_params() < 3.95e6
    assert inpainter(**SMALL)([tf.zeros([2, 40, 72, 3]), tf.zeros([2, 40, 72, 1])]).shape == (2, 40, 72, 3)


def test_the_number_of_widths_is_checked():
    with pytest.raises(ValueError, match="three and two numbers were expected"):
        inpainter(widths=(8, 8))
