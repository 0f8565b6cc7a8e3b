"""Masks, the pairs made with them, and measures inside of a hole."""

import numpy as np
import pytest
import tensorflow as tf
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from gan_lib import datasets, degradations, metrics

KINDS = sorted(degradations.MASKS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_is_ones_and_zeros_and_follows_from_its_seed(kind):
    draw = degradations.MASKS[kind]
    mask = draw(96, 128, 5)
    assert mask.shape == (96, 128, 1) and mask.dtype == np.float32
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert np.array_equal(mask, draw(96, 128, 5)) and np.array_equal(draw(96, 128, [5]), mask)
    if kind != "centre":
        assert not np.array_equal(mask, draw(96, 128, 6))


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("free-form", 0.1, 0.3), ("occlusion", 0.1, 0.3), ("scratches", 0, 0.2)]
)
def test_the_share_of_missing_pixels_is_within_bounds(kind, low, high):
    shares = [degradations.MASKS[kind](128, 128, seed).mean() for seed in range(40)]
    assert low <= min(shares) and max(shares) <= high and len(set(shares)) > 20


def test_the_centre_hole_of_the_protocol():
    mask = degradations.centre_hole(128, 128)
    assert mask.mean() == 0.25 and mask[32:96, 32:96].all()


def test_strokes_are_as_thick_as_asked_for():
    import scipy.ndimage

    for thickness in (5.0, 9.0):
        options = {"thickness": (thickness, thickness), "strokes": (1, 1), "missing": (0.0, 1.0)}
        mask = degradations.free_form(128, 128, 3, **options)[..., 0]
        assert 2 * scipy.ndimage.distance_transform_edt(np.pad(mask, 20, mode="edge")).max() == pytest.approx(
            thickness, abs=2.2
        )


def test_scratches_are_long_thin_and_mostly_upright():
    masks = np.stack([degradations.scratches(128, 128, seed, count=(1, 1)) for seed in range(20)])[..., 0]
    tall, wide = masks.any(axis=2).sum(axis=1), masks.any(axis=1).sum(axis=1)
    assert np.mean(tall > 2 * wide) > 0.7
    assert (masks.sum(axis=2).max(axis=1) < 20).all()


def test_blocks_are_rectangles():
    mask = degradations.random_blocks(64, 64, 1, count=(1, 1))[..., 0]
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert 8 <= len(rows) <= 24 and 8 <= len(columns) <= 24


def test_there_are_as_many_blocks_as_asked_for():
    import scipy.ndimage

    counts = [
        scipy.ndimage.label(degradations.random_blocks(100, 100, seed, count=(4, 4), sides=(0.05, 0.05))[..., 0])[1]
        for seed in range(20)
    ]
    assert max(counts) == 4  # some overlap


def test_the_masks_of_the_protocol_stay_as_they_are():
    shares = [degradations.free_form(128, 128, seed).mean() for seed in range(4)]
    np.testing.assert_allclose(shares, [0.1026, 0.1481, 0.1544, 0.12], atol=0.003)


def test_masks_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="0 x 5 pixels was asked for"):
        degradations.free_form(0, 5, 1)
    with pytest.raises(ValueError, match="more than 0 and less than 1"):
        degradations.centre_hole(8, 8, share=1.0)
    with pytest.raises(ValueError, match="thickness is"):
        degradations.scratches(64, 64, 1, thickness=(3.0, 1.0))
    with pytest.raises(ValueError, match="1 at most"):
        degradations.random_blocks(64, 64, 1, sides=(0.5, 2.0))
    with pytest.raises(ValueError, match="Scale the thickness"):
        degradations.free_form(32, 32, 1, thickness=(1.0, 1.0), missing=(0.9, 1.0))


def test_a_bank_takes_the_kinds_in_turn():
    bank = degradations.mask_bank(["centre", "scratches"], 6, 32, 48, seed=2)
    assert bank.shape == (6, 32, 48, 1) and bank.dtype == np.uint8 and set(np.unique(bank)) == {0, 1}
    centre = degradations.centre_hole(32, 48)
    assert [np.array_equal(mask, centre) for mask in bank] == [True, False] * 3
    assert not np.array_equal(bank[1], bank[3])
    with pytest.raises(ValueError, match=r"\['round'\] were asked for; at least one of each out of centre, blocks"):
        degradations.mask_bank(["round"], 4, 32, 32, seed=1)
    for kinds, count in (([], 4), (["centre"], 0)):
        with pytest.raises(ValueError, match="asked for"):
            degradations.mask_bank(kinds, count, 32, 32, seed=1)


def test_remove_keeps_known_pixels_bit_by_bit_and_fills_with_their_mean():
    clean = tf.random.stateless_uniform([2, 32, 32, 3], [1, 2], -1, 1)
    mask = np.stack([degradations.centre_hole(32, 32), degradations.scratches(32, 32, 1)])
    degraded = degradations.remove(clean, mask).numpy()
    for index in range(2):
        known = mask[index, ..., 0] == 0
        assert np.array_equal(degraded[index][known], clean.numpy()[index][known])
        expected = np.broadcast_to(clean.numpy()[index][known].mean(axis=0), degraded[index][~known].shape)
        np.testing.assert_allclose(degraded[index][~known], expected, atol=1e-5)
    assert (degradations.remove(clean, mask, 1.0).numpy()[mask[..., 0] == 1] == 1).all()
    assert (degradations.remove(clean, np.ones([2, 32, 32, 1], np.float32)).numpy() == 0).all()  # nothing is known


# --- pairs ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def patches():
    pictures = {str(n): np.random.default_rng(n).integers(0, 256, (40, 40, 3)).astype(np.uint8) for n in range(3)}
    return datasets.patches(pictures, size=32, batch_size=6, seed=1)


@pytest.fixture(scope="module")
def bank():
    return degradations.mask_bank(["scratches", "blocks"], 10, 32, 32, seed=1)


def test_pairs_have_the_hole_where_the_mask_says(patches, bank):
    (degraded, mask), clean, same = next(iter(datasets.inpainting_pairs(patches, bank)))
    assert degraded.shape == clean.shape == (6, 32, 32, 3) and mask.shape == (6, 32, 32, 1)
    assert np.array_equal(mask, same) and set(np.unique(mask)) == {0.0, 1.0}
    known = mask.numpy()[..., 0] == 0
    assert np.array_equal(degraded.numpy()[known], clean.numpy()[known])
    assert (degraded.numpy() != clean.numpy())[~known].mean() > 0.9


def test_masks_are_mirrored_and_transposed_in_eight_ways(patches, bank):
    batches = datasets.inpainting_pairs(patches, bank[1:2]).take(20)
    ways = {mask.tobytes() for (_, masks), _, _ in batches for mask in masks.numpy()}
    block = bank[1, ..., 0]
    turned = {
        np.rot90(flipped, turns).astype(np.float32).tobytes() for flipped in (block, block.T) for turns in range(4)
    }
    assert ways == turned


def test_pairs_of_a_resumed_run_are_those_of_an_uninterrupted_one(bank):
    pictures = {"one": np.random.default_rng(1).integers(0, 256, (40, 40, 3)).astype(np.uint8)}
    options = {"size": 32, "batch_size": 4, "per_photograph": 8, "seed": 1}  # two batches an epoch

    def taken(count, first_epoch=0, seed=2):
        clean = datasets.patches(pictures, **options, first_epoch=first_epoch)
        pairs = datasets.inpainting_pairs(clean, bank, seed=seed, first_batch=2 * first_epoch)
        return [tf.nest.map_structure(lambda value: value.numpy(), batch) for batch in pairs.take(count)]

    whole, rest = taken(6), taken(2, first_epoch=2)
    for late, resumed in zip(whole[4:], rest, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, late, resumed)
    assert not np.array_equal(whole[0][2], rest[0][2])
    assert not np.array_equal(whole[0][2], taken(1, seed=3)[0][2])


def test_wrong_masks_are_refused(patches, bank):
    with pytest.raises(ValueError, match="uint8 .* of zeros and ones"):
        datasets.inpainting_pairs(patches, bank * 255)
    with pytest.raises(ValueError, match="uint8 .* of zeros and ones"):
        datasets.inpainting_pairs(patches, bank.astype(np.float32))
    with pytest.raises(ValueError, match="uint8 .* of zeros and ones"):
        datasets.inpainting_pairs(patches, bank[:0])
    with pytest.raises(ValueError, match=r"The masks are 16 x 32 pixels, the pictures \(32, 32\)"):
        datasets.inpainting_pairs(patches, bank[:, :16])


# --- measures ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repaired():
    random = np.random.default_rng(4)
    clean = datasets.bundled_photographs("train")["astronaut"][:96, 180:308]
    mask = degradations.free_form(96, 128, 3)
    wrong = np.clip(clean + random.normal(0, 20, clean.shape), 0, 255).astype(np.uint8)
    return np.where(mask > 0, wrong, clean), clean, mask


def test_hole_psnr_is_that_of_the_missing_pixels(repaired):
    restored, clean, mask = repaired
    inside = mask[..., 0] == 1
    expected = peak_signal_noise_ratio(clean[inside], restored[inside])
    assert float(metrics.hole_psnr(restored, clean, mask)[0]) == pytest.approx(expected, abs=1e-3)
    batch = metrics.hole_psnr(np.stack([restored, clean]), np.stack([clean, clean]), np.stack([mask, mask]))
    assert float(batch[0]) == pytest.approx(expected, abs=1e-3) and np.isinf(batch[1])


def test_the_whole_picture_hides_six_decibels_of_a_hole_of_a_quarter(repaired):
    _, clean, _ = repaired
    mask = degradations.centre_hole(96, 128)
    restored = np.where(mask > 0, 128, clean).astype(np.uint8)
    difference = metrics.psnr(restored, clean) - metrics.hole_psnr(restored, clean, mask)
    assert float(difference[0]) == pytest.approx(10 * np.log10(4), abs=1e-4)


def test_hole_ssim_is_the_mean_of_scikit_images_map(repaired):
    restored, clean, mask = repaired
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    _, everywhere = structural_similarity(clean, restored, channel_axis=-1, full=True, **options)
    rim = np.pad(np.zeros((86, 118, 1), np.float32), ((5, 5), (5, 5), (0, 0)), constant_values=1)
    for where in (mask, rim):  # the strokes reach the border
        expected = everywhere.mean(axis=-1)[where[..., 0] == 1].mean()
        assert float(metrics.hole_ssim(restored, clean, where)[0]) == pytest.approx(expected, abs=1e-5)
    batch = metrics.hole_ssim(np.stack([restored, clean]), np.stack([clean, clean]), np.stack([mask, mask]))
    assert batch.shape == (2,) and float(batch[0]) < 0.9 < float(batch[1])
    assert float(metrics.hole_ssim(clean, clean, mask)[0]) == pytest.approx(1, abs=1e-6)


def test_floats_are_rounded_as_a_file_would(repaired):
    restored, clean, mask = repaired
    as_float = restored / np.float32(255) + np.float32(0.001)
    assert float(metrics.hole_psnr(as_float, clean, mask)[0]) == pytest.approx(
        float(metrics.hole_psnr(restored, clean, mask)[0]), abs=1e-3
    )


def test_wrong_masks_are_refused_by_the_measures(repaired):
    restored, clean, mask = repaired
    with pytest.raises(ValueError, match="values from 0 to 255; 0 and 1 were expected"):
        metrics.hole_psnr(restored, clean, mask * 255)
    with pytest.raises(ValueError, match=r"shape \(1, 96, 127, 1\)"):
        metrics.hole_psnr(restored, clean, mask[:, 1:])
    for measure in (metrics.hole_psnr, metrics.hole_ssim):
        with pytest.raises(ValueError, match="no missing pixel, so .* wrong way round"):
            measure(restored, clean, np.zeros_like(mask))
    with pytest.raises(ValueError, match="no missing pixel"):
        metrics.hole_psnr(np.stack([restored] * 2), np.stack([clean] * 2), np.stack([mask, 0 * mask]))
    with pytest.raises(ValueError, match="at least 11x11"):
        metrics.hole_ssim(restored[:8], clean[:8], mask[:8])
