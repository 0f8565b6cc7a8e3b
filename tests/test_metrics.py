"""metrics: PSNR and SSIM against scikit-image, scores and distances against what they must be by construction."""

import numpy as np
import pytest
import scipy.linalg
import skimage
import tensorflow as tf
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from gan_lib import images
from gan_lib.metrics import GenerationScore, checkerboard, classifier_score, frechet_distance, judge, psnr, ssim
from gan_lib.networks.digit_classifier import digit_classifier


def clean_pictures():
    """Photographs inside the scikit-image wheel: colour and grey, even and odd sizes, the smallest possible one."""
    colour, grey = skimage.data.astronaut(), skimage.data.camera()[..., None]
    return {
        "colour": colour[100:228, 150:310],
        "grey": grey[100:260, 200:328],
        "odd": colour[31:112, 200:333],
        "odd grey": grey[101:178, 200:261],
        "smallest": grey[200:211, 200:211],
    }


def degraded(picture, sigma=20.0):
    noise = np.random.default_rng(0).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def as_skimage(restored, clean):
    """Float pictures in [0, 1], which scikit-image compares in double precision."""
    restored, clean = restored / 255.0, clean / 255.0
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return (
        peak_signal_noise_ratio(clean, restored, data_range=1.0),
        structural_similarity(clean, restored, data_range=1.0, channel_axis=-1, **options),
    )


@pytest.mark.parametrize("sigma", [2.0, 20.0, 80.0])
@pytest.mark.parametrize("name", clean_pictures())
def test_agree_with_scikit_image(name, sigma):
    clean = clean_pictures()[name]
    restored = degraded(clean, sigma)
    expected = as_skimage(restored, clean)
    assert float(psnr(restored, clean)[0]) == pytest.approx(expected[0], abs=1e-4)
    assert float(ssim(restored, clean)[0]) == pytest.approx(expected[1], abs=1e-4)
    # The same pictures as floats give the same numbers.
    floats = restored.astype("float32") / 255.0, clean.astype("float32") / 255.0
    assert float(psnr(*floats)[0]) == pytest.approx(expected[0], abs=1e-4)
    assert float(ssim(*floats)[0]) == pytest.approx(expected[1], abs=1e-4)
    assert float(psnr(floats[0], clean)[0]) == pytest.approx(expected[0], abs=1e-4)


def test_floats_are_clipped_and_rounded_as_a_file_would():
    clean = clean_pictures()["grey"]
    restored = clean / 255.0 + np.random.default_rng(0).normal(0, 0.3, clean.shape)
    assert restored.min() < -0.1 and restored.max() > 1.1
    stored = np.rint(np.clip(restored, 0, 1) * 255).astype(np.uint8)
    for measure in (psnr, ssim):
        assert float(measure(restored, clean)[0]) == float(measure(stored, clean)[0])
    unrounded = peak_signal_noise_ratio(clean / 255.0, np.clip(restored, 0, 1), data_range=1.0)
    assert abs(float(psnr(restored, clean)[0]) - unrounded) > 1e-4  # so the test can tell


def test_a_difference_below_half_a_level_is_none():
    clean = clean_pictures()["colour"]
    assert np.isinf(psnr(clean / 255.0 + 0.0019, clean)[0])
    assert not np.isinf(psnr(clean / 255.0 + 0.0021, clean)[0])


def test_equal_pictures():
    clean = clean_pictures()["colour"]
    assert float(psnr(clean, clean)[0]) == np.inf
    assert float(ssim(clean, clean)[0]) == pytest.approx(1.0, abs=1e-6)


def test_psnr_by_hand():
    black, dark = np.zeros((8, 8, 1), np.uint8), np.full((8, 8, 1), 10, np.uint8)
    assert float(psnr(dark, black)[0]) == pytest.approx(20 * np.log10(25.5), abs=1e-4)


def test_batches_are_measured_picture_by_picture():
    clean = np.stack([clean_pictures()["grey"]] * 3)
    restored = np.stack([degraded(clean[0], sigma) for sigma in (5, 10, 20)])
    for measure in (psnr, ssim):
        together = measure(restored, clean).numpy()
        alone = [float(measure(one, other)[0]) for one, other in zip(restored, clean, strict=True)]
        assert together.shape == (3,)
        assert together == pytest.approx(alone, abs=1e-4)
        assert together[0] > together[1] > together[2]


def test_tensors_in_a_compiled_function():
    clean = tf.constant(clean_pictures()["grey"])
    restored = tf.constant(degraded(clean_pictures()["grey"]))
    compiled = tf.function(lambda one, other: (psnr(one, other), ssim(one, other)))
    for value, measure in zip(compiled(restored, clean), (psnr, ssim), strict=True):
        assert float(value[0]) == pytest.approx(float(measure(restored, clean)[0]), abs=1e-4)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_errors_say_what_came(measure):
    picture = clean_pictures()["grey"]
    with pytest.raises(ValueError, match=r"restored has shape \(1, 160, 127, 1\) and clean \(1, 160, 128, 1\)"):
        measure(picture[:, :-1], picture)
    with pytest.raises(ValueError, match=r"clean has float values up to 255; \[0, 1\] was expected"):
        measure(picture, np.full(picture.shape, 255.0, "float32"))
    with pytest.raises(ValueError, match="restored has dtype int32"):
        measure(picture.astype("int32"), picture)
    with pytest.raises(ValueError, match=r"restored has shape \(160, 128\)"):
        measure(picture[..., 0], picture)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_a_truth_as_networks_take_it_is_refused(measure):
    clean = clean_pictures()["grey"]
    with pytest.raises(ValueError, match=r"clean has values from -0\.\d+ to [01]\.?\d*; .* images\.from_network first"):
        measure(images.to_network(clean), images.to_network(clean))
    with pytest.raises(ValueError, match=r"clean has values from 0 to 1\.1; \[0, 1\] was expected"):
        measure(clean, np.linspace(0, 1.1, clean.size, dtype="float32").reshape(clean.shape))
    # What is off by a rounding error is meant to be in [0, 1]; and a restored picture may overshoot.
    almost = np.linspace(-5e-4, 1.0005, clean.size, dtype="float32").reshape(clean.shape)
    assert float(measure(almost * 1.5 - 0.1, almost)[0]) < 40


def test_ssim_needs_its_window():
    with pytest.raises(ValueError, match="10x40; SSIM's window needs at least 11x11"):
        ssim(np.zeros((10, 40, 1), np.uint8), np.zeros((10, 40, 1), np.uint8))


def certain(labels, classes=10, logit=60.0):
    return logit * np.eye(classes)[labels]


def test_classifier_score_at_its_ends():
    assert classifier_score(np.zeros((50, 10))) == pytest.approx(1.0)  # never sure of anything
    assert classifier_score(certain(np.arange(100) % 10)) == pytest.approx(10.0, rel=1e-6)
    assert classifier_score(certain(np.zeros(100, int))) == pytest.approx(1.0)  # collapsed to one class
    assert classifier_score(certain(np.arange(100) % 4)) == pytest.approx(4.0, rel=1e-6)
    assert classifier_score(certain(np.arange(100) % 10, logit=1e4)) == pytest.approx(10.0)  # no overflow


def test_classifier_score_is_the_published_formula():
    logits = np.random.default_rng(0).normal(0, 2, (500, 10))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = np.exp(np.mean(np.sum(p * (np.log(p) - np.log(p.mean(axis=0))), axis=1)))
    assert classifier_score(logits) == pytest.approx(expected, rel=1e-9)
    assert classifier_score(logits.astype("float32") + 100.0) == pytest.approx(expected, rel=1e-4)  # a shift is nothing
    assert 1.0 < expected < 10.0


def gaussian(mean, covariance, count=400, seed=0):
    """A sample whose mean and covariance are exactly those."""
    sample = np.random.default_rng(seed).normal(size=(count, len(mean)))
    sample -= sample.mean(axis=0)
    sample = sample @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(sample.T)))).T
    return np.asarray(mean) + sample @ np.linalg.cholesky(covariance).T


def test_frechet_distance_of_known_gaussians():
    one = gaussian([0, 0, 0], np.diag([1.0, 4.0, 9.0]))
    # Means differ by (1, 2, 2); standard deviations 1, 2, 3 against 2, 2, 5: 9 + 1 + 0 + 4.
    assert frechet_distance(gaussian([1, 2, 2], np.diag([4.0, 4.0, 25.0]), seed=1), one) == pytest.approx(14.0)
    assert frechet_distance(gaussian([3, 4, 0], np.diag([1.0, 4.0, 9.0]), seed=1), one) == pytest.approx(25.0)


def correlated(seed, dimensions=16, count=300):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, dimensions)) @ random.normal(size=(dimensions, dimensions)) + random.normal()


def test_frechet_distance_against_a_general_matrix_root():
    first, second = correlated(0), correlated(1)
    s1, s2 = np.cov(first.T), np.cov(second.T)
    root = scipy.linalg.sqrtm(s1 @ s2).real
    expected = np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(s1 + s2 - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_equal_sets_is_zero():
    features = correlated(2)
    assert frechet_distance(features, features) == pytest.approx(0.0, abs=1e-6)
    shuffled = np.random.default_rng(0).permutation(features)
    assert frechet_distance(features, shuffled) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(features + 1.0, features) == pytest.approx(16.0, rel=1e-6)


def test_frechet_distance_with_singular_covariances():
    few = np.random.default_rng(0).normal(size=(10, 64))  # fewer pictures than units
    assert frechet_distance(few, few) == pytest.approx(0.0, abs=1e-5)
    assert frechet_distance(few + 0.5, few) == pytest.approx(16.0, rel=1e-6)
    # Units that never fire, as ReLU features have them: the others decide alone.
    first, second = correlated(0), correlated(1)
    dead = np.zeros((300, 5))
    expected = frechet_distance(first, second)
    assert frechet_distance(np.hstack([first, dead]), np.hstack([second, dead])) == pytest.approx(expected, rel=1e-6)
    # One set has them, the other not, and a set of one picture repeated: all of the variance counts.
    assert frechet_distance(np.ones((20, 4)), gaussian([1] * 4, np.eye(4))) == pytest.approx(4.0)
    assert frechet_distance(np.ones((20, 4)), np.ones((30, 4))) == pytest.approx(0.0, abs=1e-9)
    # Collapsed onto a line.
    line = np.outer(np.linspace(-1, 1, 50), np.ones(8))
    assert frechet_distance(line, line) == pytest.approx(0.0, abs=1e-5)


def test_frechet_distance_of_one_unit():
    first, second = gaussian([0.0], np.eye(1)), gaussian([2.0], 9 * np.eye(1), seed=1)
    assert frechet_distance(first, second) == pytest.approx(4.0 + 4.0)


def test_frechet_distance_takes_float32():
    first, second = correlated(0), correlated(1)
    exact = frechet_distance(first, second)
    assert frechet_distance(first.astype("float32"), second.astype("float32")) == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_named(wrong):
    features = correlated(0)
    features[3, 2] = wrong
    with pytest.raises(ValueError, match="features holds NaN or infinity"):
        frechet_distance(features, correlated(1))
    with pytest.raises(ValueError, match="reference holds NaN or infinity"):
        frechet_distance(correlated(1), features)
    with pytest.raises(ValueError, match="logits holds NaN or infinity"):
        classifier_score(features)


def test_shapes_are_named():
    with pytest.raises(ValueError, match="features has 16 units, reference 8"):
        frechet_distance(correlated(0), correlated(0, dimensions=8))
    with pytest.raises(ValueError, match=r"features has shape \(1, 16\)"):
        frechet_distance(correlated(0)[:1], correlated(0))
    with pytest.raises(ValueError, match=r"logits has shape \(16,\)"):
        classifier_score(correlated(0)[0])


@pytest.fixture(scope="module")
def classifier():
    return digit_classifier()


def digits(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)


def test_a_judge_sees_the_same_in_uint8_and_in_the_range_of_networks(classifier):
    pictures = digits(25)
    seen = judge(classifier, pictures, batch_size=10)  # 10, 10 and 5
    assert seen["logits"].shape == (25, 10)
    assert seen["features"].shape[0] == 25
    again = judge(classifier, images.to_network(pictures))
    for key, value in seen.items():
        assert value.dtype == np.float32
        np.testing.assert_allclose(again[key], value, atol=1e-5)


@pytest.mark.parametrize("pictures", [digits(3).astype("int64"), digits(3).astype("float64"), digits(0)])
def test_a_judge_refuses_other_pictures(classifier, pictures):
    with pytest.raises(ValueError, match="one or more were expected, uint8 or float32"):
        judge(classifier, pictures)


def test_a_score_stands_beside_its_floor(classifier):
    score = GenerationScore(classifier, digits(40), digits(40, seed=1))
    real = score(digits(40))
    assert set(real) == {
        "classifier_score", "classifier_score_real", "frechet_distance", "frechet_floor", "samples",
    }  # fmt: skip
    assert real["frechet_distance"] == pytest.approx(0.0, abs=1e-5)
    assert real["classifier_score"] == pytest.approx(real["classifier_score_real"])
    assert real["samples"] == 40
    other = score(digits(40, seed=1))
    assert other["frechet_distance"] == pytest.approx(other["frechet_floor"], rel=1e-6)
    assert other["frechet_floor"] > 0
    with pytest.raises(ValueError, match="39 pictures came; 40 were expected"):
        score(digits(39))
    with pytest.raises(ValueError, match="have 40 and 30 pictures"):
        GenerationScore(classifier, digits(40), digits(30))


# --- a regular grid


def test_a_grid_is_measured_in_levels_and_texture_averages_out():
    clean = skimage.data.astronaut()[:256, :255]
    grid = 4 * (np.indices(clean.shape[:2]).sum(axis=0) % 2)[..., None]
    uneven = np.clip(clean.astype(int) + grid, 0, 255).astype(np.uint8)
    assert float(checkerboard(clean, clean, period=2)[0]) == 0
    assert float(checkerboard(uneven, clean, period=2)[0]) == pytest.approx(2, rel=0.05)  # 0 and 4: +-2; white is cut
    assert float(checkerboard(uneven, clean, period=4)[0]) == pytest.approx(2, rel=0.05)
    assert float(checkerboard(uneven, clean, period=3)[0]) < 0.1
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 20, clean.shape), 0, 255).astype(np.uint8)
    assert float(checkerboard(noisy, clean, period=2)[0]) < 0.3
    both = checkerboard(np.stack([uneven, clean]), np.stack([clean, clean]), period=2)
    assert both.shape == (2,) and float(both[1]) == 0


@pytest.mark.parametrize("period", [1, 300])
def test_a_period_that_does_not_fit_is_refused(period):
    clean = skimage.data.astronaut()[:256]
    with pytest.raises(ValueError, match=f"period is {period} in pictures of 256x512; from 2 to the shorter side"):
        checkerboard(clean, clean, period=period)
