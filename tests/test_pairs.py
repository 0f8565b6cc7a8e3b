"""datasets.pairs: what a denoiser is trained on, and that a restart goes on with the same batches."""

import numpy as np
import pytest
import tensorflow as tf

from gan_lib import images
from gan_lib.datasets import bundled_photographs, denoising_pairs, patches, restoration_pairs

BATCHES_AN_EPOCH = 2


@pytest.fixture(scope="module")
def photographs():
    return {name: bundled_photographs("train")[name] for name in ("astronaut", "coffee")}


def clean_batches(photographs, first_epoch=0, seed=0):
    """Two batches of four an epoch."""
    return patches(photographs, size=32, batch_size=4, per_photograph=4, seed=seed, first_epoch=first_epoch)


def taken(dataset, count):
    return [tf.nest.map_structure(lambda value: value.numpy(), batch) for batch in dataset.take(count)]


def noise_of(batch):
    """What was added, for pictures in [0, 255]."""
    (noisy, _), clean = batch
    return (noisy - clean) * 127.5


def test_a_restart_goes_on_with_the_same_batches(photographs):
    whole = taken(denoising_pairs(clean_batches(photographs), sigma=(0, 55), grey_share=0.3), 6)
    again = clean_batches(photographs, first_epoch=2)
    rest = taken(denoising_pairs(again, sigma=(0, 55), grey_share=0.3, first_batch=2 * BATCHES_AN_EPOCH), 2)
    for late, resumed in zip(whole[4:], rest, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, late, resumed)
    assert not np.array_equal(whole[0][1], rest[0][1])


def test_patches_and_pairs_are_not_tuned(photographs):
    # See `datasets.batching.fetched_ahead`.
    clean = clean_batches(photographs)
    pairs = restoration_pairs(tf.data.Dataset.range(3), lambda number, _: (number, number))
    for dataset in (clean, denoising_pairs(clean, sigma=25.0), pairs):
        assert dataset.options().autotune.enabled is False


def test_no_two_batches_share_their_noise():
    one = np.zeros((2, 16, 16, 3), np.float32)
    same = tf.data.Dataset.from_tensors(one).repeat()
    noises = [noise_of(batch) for batch in taken(denoising_pairs(same, sigma=25.0), 20)]
    noises += [noise_of(batch) for batch in taken(denoising_pairs(same, sigma=25.0, seed=1), 20)]
    flat = np.stack([noise.reshape(2, -1) for noise in noises]).reshape(80, -1)
    correlations = np.corrcoef(flat) - np.eye(80)
    assert np.abs(correlations).max() < 0.25  # five standard deviations of 768 independent numbers are 0.18


def test_the_seed_decides():
    same = tf.data.Dataset.from_tensors(np.zeros((2, 8, 8, 3), np.float32)).repeat()
    first, second = taken(denoising_pairs(same, sigma=25.0, seed=7), 1), taken(denoising_pairs(same, sigma=25.0), 1)
    np.testing.assert_array_equal(noise_of(first[0]), noise_of(taken(denoising_pairs(same, sigma=25.0, seed=7), 1)[0]))
    assert not np.array_equal(noise_of(first[0]), noise_of(second[0]))


def test_the_map_tells_the_strength_that_was_drawn():
    flat = tf.data.Dataset.from_tensors(np.zeros((16, 64, 64, 3), np.float32)).repeat()
    strengths = []
    for batch in taken(denoising_pairs(flat, sigma=(10.0, 40.0)), 8):
        level = batch[0][1]
        assert level.shape == (16, 64, 64, 1)
        assert (level == level[:, :1, :1]).all()
        told = 255 * level[:, 0, 0, 0]
        np.testing.assert_allclose(noise_of(batch).std(axis=(1, 2, 3)), told, rtol=0.05)
        strengths.extend(told)
    assert 10 <= min(strengths) < 13
    assert 37 < max(strengths) <= 40
    assert np.mean(strengths) == pytest.approx(25, abs=3)
    assert len(np.unique(strengths)) == len(strengths)


def test_one_strength_is_that_strength():
    flat = tf.data.Dataset.from_tensors(np.zeros((4, 64, 64, 3), np.float32)).repeat()
    (noisy, level), clean = taken(denoising_pairs(flat, sigma=25.0), 1)[0]
    np.testing.assert_allclose(level, 25 / 255, rtol=1e-6)
    assert np.std(noisy - clean) * 127.5 == pytest.approx(25, rel=0.02)
    # At sigma 0 nothing is added at all.
    (noisy, level), clean = taken(denoising_pairs(flat, sigma=0.0), 1)[0]
    np.testing.assert_allclose(noisy, clean, atol=1e-6)


def is_grey(pictures):
    return np.abs(pictures - pictures[..., :1]).max(axis=(1, 2, 3)) < 1e-5


def test_grey_pictures_get_grey_noise(photographs):
    colour = {"coffee": photographs["coffee"]}  # parts of the other one are black, which is grey
    batches = patches(colour, size=32, batch_size=16)
    grey = []
    for batch in taken(denoising_pairs(batches, sigma=25.0, grey_share=0.4), 12):
        (noisy, _), clean = batch
        np.testing.assert_array_equal(is_grey(noisy), is_grey(clean))
        grey.extend(is_grey(clean))
    assert np.mean(grey) == pytest.approx(0.4, abs=0.12)


@pytest.mark.parametrize(("share", "expected"), [(0.0, False), (1.0, True)])
def test_none_or_all_of_them_grey(share, expected, photographs):
    batches = patches({"coffee": photographs["coffee"]}, size=32, batch_size=16)
    (noisy, _), clean = taken(denoising_pairs(batches, sigma=25.0, grey_share=share), 1)[0]
    assert (is_grey(clean) == expected).all()
    assert (is_grey(noisy) == expected).all()


def test_a_grey_picture_keeps_its_brightness(photographs):
    colour = images.to_network(photographs["coffee"][None, :64, :64])
    _, clean = taken(denoising_pairs(tf.data.Dataset.from_tensors(colour), sigma=25.0, grey_share=1.0), 1)[0]
    np.testing.assert_allclose(clean[..., 0], colour @ [0.299, 0.587, 0.114], atol=1e-3)


def test_shapes_are_known_to_the_network(photographs):
    spec = denoising_pairs(clean_batches(photographs), sigma=(0, 55), grey_share=0.1).element_spec
    picture, level = tf.TensorSpec([4, 32, 32, 3]), tf.TensorSpec([4, 32, 32, 1])
    assert spec == ((picture, level), picture)


def test_any_degradation_goes(photographs):
    def degrade(clean, seed):
        mask = tf.cast(tf.random.stateless_uniform([4, 32, 32, 1], seed) < 0.25, tf.float32)
        return clean * (1 - mask), clean, mask

    pairs = restoration_pairs(clean_batches(photographs), degrade, seed=5)
    first, second = taken(pairs, 2)
    holes, clean, mask = first
    np.testing.assert_array_equal(holes, clean * (1 - mask))
    assert not np.array_equal(mask, second[2])
    late = taken(restoration_pairs(clean_batches(photographs).skip(1), degrade, seed=5, first_batch=1), 1)[0]
    tf.nest.map_structure(np.testing.assert_array_equal, second, late)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sigma": -1.0}, "sigma of at least 0, or .lowest, highest., got -1.0"),
        ({"sigma": (30, 20)}, "got .30, 20."),
        ({"sigma": 25, "grey_share": 1.5}, "grey pictures from 0 to 1, got 1.5"),
        ({"sigma": 25, "first_batch": -1}, "first_batch of 0 or more, got -1"),
    ],
)
def test_impossible_options_are_refused_in_words(options, words, photographs):
    with pytest.raises(ValueError, match=words):
        denoising_pairs(clean_batches(photographs), **options)
