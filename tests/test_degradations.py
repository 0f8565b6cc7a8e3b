"""degradations: each against what theory, Pillow or SciPy says it must be."""

import io

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from PIL import Image

from gan_lib import degradations, images
from gan_lib.datasets import bundled_photographs

SEED = (3, 4)


@pytest.fixture(scope="module")
def photographs():
    return bundled_photographs("train")


@pytest.fixture
def clean(photographs):
    """Two crops of photographs, float32 (2, 96, 128, 3) in [-1, 1]."""
    crops = [photographs["astronaut"][:96, 180:308], photographs["coffee"][100:196, 200:328]]
    return tf.constant(images.to_network(np.stack(crops)))


def levels(pictures):
    """From [-1, 1] to [0, 255], not clipped, in double precision."""
    return (np.asarray(pictures, np.float64) + 1) * 127.5


RANDOM = {
    "gaussian_noise": lambda clean, seed: degradations.gaussian_noise(clean, 25.0, seed=seed),
    "poisson_noise": lambda clean, seed: degradations.poisson_noise(clean, 50.0, seed=seed),
    "salt_and_pepper": lambda clean, seed: degradations.salt_and_pepper(clean, 0.1, seed=seed),
}
PLAIN = {
    "gaussian_blur": lambda clean: degradations.gaussian_blur(clean, 1.5),
    "motion_blur": lambda clean: degradations.motion_blur(clean, 7, 30),
    "jpeg": lambda clean: degradations.jpeg(clean, 30),
    "bicubic_downscale": lambda clean: degradations.bicubic_downscale(clean, 4),
}
EVERY = PLAIN | {name: lambda clean, make=make: make(clean, SEED) for name, make in RANDOM.items()}


@pytest.mark.parametrize("name", RANDOM)
def test_the_seed_decides(name, clean):
    make = RANDOM[name]
    first = make(clean, (3, 4)).numpy()
    np.testing.assert_array_equal(first, make(clean, (3, 4)))
    np.testing.assert_array_equal(first, make(clean, tf.constant([3, 4])))
    for other in ((3, 5), (4, 4)):
        assert (first != make(clean, other).numpy()).mean() > 0.1


@pytest.mark.parametrize("name", EVERY)
def test_works_inside_tf_data_with_known_shapes(name, clean):
    dataset = tf.data.Dataset.from_tensors(clean).map(EVERY[name])
    expected = EVERY[name](clean)
    assert dataset.element_spec == tf.TensorSpec(expected.shape, tf.float32)
    np.testing.assert_allclose(next(iter(dataset)), expected, atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_works_where_no_size_is_known(name, clean):
    signature = tf.TensorSpec([None, None, None, 3])
    dataset = tf.data.Dataset.from_generator(lambda: [clean], output_signature=signature).map(EVERY[name])
    np.testing.assert_allclose(next(iter(dataset)), EVERY[name](clean), atol=1e-6)


@pytest.mark.parametrize(("sigma", "decibels"), [(15, 24.61), (25, 20.17), (50, 14.15)])
def test_noise_has_the_published_psnr_before_clipping(sigma, decibels, photographs):
    clean = images.to_network(photographs["astronaut"][None, :256, :256])
    noisy = degradations.gaussian_noise(clean, sigma, seed=SEED).numpy()
    # In [-1, 1] the whole range is 2.
    assert 10 * np.log10(4 / np.mean((noisy - clean) ** 2.0)) == pytest.approx(decibels, abs=0.05)
    assert noisy.min() < -1.05
    assert noisy.max() > 1.05


def test_strengths_may_differ_from_picture_to_picture(clean):
    noisy = degradations.gaussian_noise(clean, [0.0, 50.0], seed=SEED)
    np.testing.assert_array_equal(noisy[0], clean[0])
    assert np.std(levels(noisy[1]) - levels(clean[1])) == pytest.approx(50, rel=0.02)
    few, many = degradations.poisson_noise(clean[:1].numpy().repeat(2, 0), [10.0, 1000.0], seed=SEED) - clean[:1]
    assert np.std(few) == pytest.approx(10 * np.std(many), rel=0.05)
    hit = degradations.salt_and_pepper(clean, [0.0, 1.0], seed=SEED).numpy()
    np.testing.assert_array_equal(hit[0], clean[0])
    assert set(np.unique(hit[1])) == {-1.0, 1.0}
    worse, better = degradations.jpeg(tf.stack([clean[0]] * 2), [10, 90])
    np.testing.assert_array_equal(worse, degradations.jpeg(clean[:1], 10)[0])
    np.testing.assert_array_equal(better, degradations.jpeg(clean[:1], 90)[0])


def test_grey_noise_is_equal_in_all_channels(clean):
    noise = levels(degradations.gaussian_noise(clean, 25.0, seed=SEED, grey=[1.0, 0.0])) - levels(clean)
    np.testing.assert_allclose(noise[0], noise[0, ..., :1].repeat(3, -1), atol=1e-4)
    assert np.std(noise[0]) == pytest.approx(25, rel=0.02)
    correlations = np.corrcoef(noise[1].reshape(-1, 3).T)
    assert np.abs(correlations - np.eye(3)).max() < 0.05


@pytest.mark.parametrize("photons", [5.0, 100.0])
@pytest.mark.parametrize("brightness", [0.0, 0.2, 1.0])
def test_photons_are_counted_as_poisson_says(photons, brightness):
    clean = tf.fill([1, 200, 200, 3], 2 * brightness - 1)
    shares = levels(degradations.poisson_noise(clean, photons, seed=SEED)) / 255
    assert shares.mean() == pytest.approx(brightness, abs=0.005)
    assert shares.var() == pytest.approx(brightness / photons, rel=0.03)
    # What is counted comes in whole photons.
    np.testing.assert_allclose(shares * photons, np.rint(shares * photons), atol=1e-3)


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_salt_and_pepper(share, clean):
    hit = degradations.salt_and_pepper(clean * 0.9, share, seed=SEED).numpy()  # nothing in it is black or white
    pepper, salt = (hit == -1).all(-1), (hit == 1).all(-1)
    assert pepper.mean() == pytest.approx(share / 2, rel=0.15)
    assert salt.mean() == pytest.approx(share / 2, rel=0.15)
    rest = ~(pepper | salt)
    np.testing.assert_array_equal(hit[rest], (clean * 0.9).numpy()[rest])


@pytest.mark.parametrize("sigma", [0.5, 2.0, 3.3])
def test_gaussian_blur_is_scipys(sigma, clean):
    # SciPy's "reflect" repeats the edge pixel, which TensorFlow calls SYMMETRIC.
    reach = np.ceil(4 * sigma) / sigma
    expected = scipy.ndimage.gaussian_filter(clean.numpy(), (0, sigma, sigma, 0), mode="reflect", truncate=reach)
    np.testing.assert_allclose(degradations.gaussian_blur(clean, sigma), expected, atol=1e-5)


def test_no_blur_changes_nothing(clean):
    np.testing.assert_array_equal(degradations.gaussian_blur(clean, 0), clean)
    for angle in (0, 37, 90, 180):
        np.testing.assert_allclose(degradations.motion_blur(clean, 1, angle), clean, atol=1e-6)


def smear(length, angle):
    """What motion blur makes of one white point on black: (31, 31), adding up to 1 if the light is kept."""
    point = np.full((1, 31, 31, 1), -1, np.float32)
    point[0, 15, 15] = 1
    return levels(degradations.motion_blur(point, length, angle))[0, ..., 0] / 255


@pytest.mark.parametrize("angle", [0, 20, 45, 90, 135, 270])
def test_motion_blur_keeps_the_light_and_the_place(angle):
    smeared = smear(9, angle)
    assert smeared.sum() == pytest.approx(1, abs=1e-4)  # float32, 961 pixels
    assert smeared.min() > -1e-6
    rows, columns = np.indices(smeared.shape)
    assert (smeared * rows).sum() == pytest.approx(15, abs=1e-3)
    assert (smeared * columns).sum() == pytest.approx(15, abs=1e-3)


def test_motion_blur_goes_where_the_angle_says():
    level, upright = smear(9, 0), smear(9, 90)
    assert level[15].sum() == pytest.approx(1, abs=1e-4)
    assert (level[15] > 0.05).sum() == 9
    np.testing.assert_allclose(upright, level.T, atol=1e-5)
    # Against the clock from the right: 45 degrees go up to the right, that is to smaller rows and larger columns.
    rising = smear(9, 45)
    assert rising[13, 17] > 0.05
    assert rising[17, 17] < 1e-6


def saved_by_pillow(picture, quality):
    stream = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(
        stream, "JPEG", quality=quality, subsampling="4:2:0"
    )
    return np.asarray(Image.open(stream)).reshape(picture.shape)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [1, 10, 50, 95])
def test_jpeg_is_pillows(quality, channels, clean):
    pictures = images.to_uint8(images.from_network(clean))[..., :channels].numpy()
    saved = degradations.jpeg(images.to_network(pictures), quality)
    expected = np.stack([saved_by_pillow(picture, quality) for picture in pictures])
    difference = np.abs(levels(saved) - expected)
    assert difference.max() <= 2  # another build of libjpeg may round otherwise
    assert difference.mean() < 0.1


def test_jpeg_gets_worse_with_lower_quality(clean):
    errors = [np.mean((degradations.jpeg(clean, quality) - clean) ** 2) for quality in (95, 75, 50, 25, 10, 5)]
    assert errors == sorted(errors)
    assert errors[-1] > 5 * errors[0]


def by_pillow(picture, factor):
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((width // factor, height // factor), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("name", ["astronaut", "coffee", "flower", "text", "black and white"])
def test_bicubic_downscaling_is_pillows(name, factor, photographs):
    hard = np.random.default_rng(0).integers(0, 2, (96, 120, 3), np.uint8) * 255
    picture = hard if name == "black and white" else photographs[name]
    picture = picture[: picture.shape[0] // 12 * 12, : picture.shape[1] // 12 * 12]
    small = degradations.bicubic_downscale(images.to_network(picture[None]), factor)[0]
    rounded = images.to_uint8(images.from_network(small)).numpy().astype(int)
    assert np.abs(rounded - by_pillow(picture, factor)).max() <= 1


def test_downscaling_without_antialiasing_is_something_else(photographs):
    picture = photographs["astronaut"][:252, :252]
    theirs = by_pillow(picture, 4)
    plain = tf.image.resize(images.to_network(picture), (63, 63), method="bicubic")
    ours = degradations.bicubic_downscale(images.to_network(picture[None]), 4)[0]
    assert np.mean(np.abs(levels(plain) - theirs)) > 10 * np.mean(np.abs(levels(ours) - theirs))


def test_the_map_tells_the_noise(clean):
    level = degradations.noise_map(clean, [15.0, 51.0])
    assert level.shape == (2, 96, 128, 1)
    np.testing.assert_allclose(level[:, 5, 7, 0], [15 / 255, 0.2], rtol=1e-6)
    assert len(np.unique(level[0])) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda clean: degradations.gaussian_noise(clean, -1.0, seed=SEED), "sigma is -1.0; at least 0"),
        (lambda clean: degradations.gaussian_noise(clean, [25.0, -1.0], seed=SEED), "sigma is"),
        (lambda clean: degradations.gaussian_noise(clean, float("nan"), seed=SEED), "sigma is nan"),
        (lambda clean: degradations.poisson_noise(clean, 0.0, seed=SEED), "photons is 0.0"),
        (lambda clean: degradations.salt_and_pepper(clean, 5, seed=SEED), "share of pixels is 5; 0 to 1"),
        (lambda clean: degradations.gaussian_blur(clean, -2.0), "sigma is -2.0; at least 0"),
        (lambda clean: degradations.motion_blur(clean, 0.5, 0), "0.5 pixels long; at least 1"),
        (lambda clean: degradations.gaussian_blur(clean, 40.0), "reaches 160 pixels far does not fit pictures of 96"),
        (lambda clean: degradations.jpeg(clean, 0), "quality is 0; 1 to 100"),
        (lambda clean: degradations.jpeg(clean, 101), "quality is 101; 1 to 100"),
        (lambda clean: degradations.bicubic_downscale(clean, 5), "96 x 128 pixels cannot be made 5 times smaller"),
        (lambda clean: degradations.bicubic_downscale(clean, 0), "cannot be made 0 times smaller"),
    ],
)
def test_impossible_strengths_are_refused_in_words(wrong, words, clean):
    with pytest.raises(ValueError, match=words):
        wrong(clean)
