"""Our and Keras' counterparts of tensorflow-addons, held to what tensorflow-addons computed.

The reference numbers were written by tools/addons_reference.py, and `make test-addons` writes them anew and compares.
Where the two define the same thing they agree within 1e-5 of the largest value; where they do not, a test shows how
they differ. docs/coming_from_tensorflow_addons.md tells the same as a table.
"""

import re

import addons_reference
import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from gan_lib import baselines, degradations
from gan_lib.networks.layers import SpectralNormalization
from gan_lib.training.adversarial import AdversarialModel

REFERENCE = addons_reference.read(addons_reference.REFERENCE)
LAYERS = {
    "dense": lambda: keras.layers.Dense(6),
    "convolution": lambda: keras.layers.Conv2D(6, 3, padding="same"),
    "transposed": lambda: keras.layers.Conv2DTranspose(6, 4, strides=2, padding="same"),
}


def part(name):
    """The arrays of one part, without its name."""
    return {key[len(name) + 1 :]: array for key, array in REFERENCE.items() if key.startswith(f"{name}/")}


def distance(ours, addons):
    """The largest difference, as a share of the largest value of tensorflow-addons."""
    ours, addons = np.asarray(ours, np.float64), np.asarray(addons, np.float64)
    assert ours.shape == addons.shape
    return float(np.abs(ours - addons).max() / np.abs(addons).max())


def assert_alike(ours, addons):
    assert distance(ours, addons) <= 1e-5


def padded(pictures, height, width, mode="REFLECT"):
    """As tensorflow-addons pads for a filter of this size: an even one reaches farther below and to the right."""
    sides = [((size - 1) // 2, size // 2) for size in (height, width)]
    return tf.pad(pictures, [(0, 0), *sides, (0, 0)], mode)


# --- the file


def test_the_reference_says_what_made_it():
    assert part("versions") == {
        "tensorflow": "2.15.1",
        "tensorflow_addons": "0.23.0",
        "keras": "2.15.0",
        "numpy": "1.26.4",
    }
    pins = (addons_reference.ROOT / "requirements-addons.txt").read_text(encoding="utf-8")
    for package, version in part("versions").items():
        assert f"{package.replace('_', '-')}=={version}" in pins


def test_the_reference_is_small_and_finite():
    assert addons_reference.REFERENCE.stat().st_size < 200_000
    for name, array in REFERENCE.items():
        assert array.dtype.kind in "fiuU", name
        assert array.dtype.kind == "U" or np.isfinite(array).all(), name


def test_other_numbers_are_named():
    kept = {"a": np.ones(3, np.float32), "b": np.zeros(2, np.uint8), "c": np.array("1"), "d": np.float32([0, 2])}
    assert addons_reference.differences(kept, kept) == []
    assert addons_reference.differences(kept | {"a": kept["a"] + np.float32(1e-6)}, kept) == []
    fresh = {"a": kept["a"] * np.float32(1.1), "b": np.zeros(3, np.uint8), "c": np.array("2"), "e": kept["a"]}
    told = " ".join(addons_reference.differences(fresh, kept))
    assert "d is in one of the two only. e is in one" in told
    assert "a differs by 1.0e-01 of its largest value; 2e-06 is allowed." in told
    assert "b is uint8 (3,); uint8 (2,) was kept. c is 2; 1 was kept." in told
    (broken,) = addons_reference.differences(kept | {"d": np.float32([np.nan, 2])}, kept)
    assert broken.startswith("d differs by nan")


@pytest.mark.skipif(addons_reference.tfa is not None, reason="tensorflow-addons is here")
def test_without_tensorflow_addons_the_tool_says_so_and_writes_nothing(tmp_path, capsys):
    assert addons_reference.main(["--output", str(tmp_path / "numbers.npz")]) == 1
    assert "tensorflow-addons cannot be imported here" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


# --- spectral normalisation


def spectral(name, wrapper=SpectralNormalization, kernel="kernel", u="u"):
    """A wrapped layer with the reference's weights and vector, its reference, and the variable with the vector."""
    reference = part(f"spectral/{name}")
    layer = wrapper(LAYERS[name]())
    layer.build(reference["inputs"].shape)
    layer.layer.kernel.assign(reference[kernel])
    layer.layer.bias.assign(reference["bias"])
    vector = layer.u if wrapper is SpectralNormalization else layer.vector_u
    if name != "transposed" or wrapper is not SpectralNormalization:  # there ours has another length
        vector.assign(reference[u])
    return layer, reference, vector


def gradient(layer, reference):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(reference["inputs"], training=True) * reference["direction"])
    return tape.gradient(loss, layer.layer.kernel.value).numpy()


def as_matrix(kernel):
    return np.reshape(kernel, (-1, kernel.shape[-1])).astype(np.float64)


@pytest.mark.parametrize("name", LAYERS)
def test_keras_spectral_normalisation_is_the_same_call_for_call(name):
    layer, reference, vector = spectral(name, keras.layers.SpectralNormalization)
    for call in range(addons_reference.CALLS):
        output = layer(reference["inputs"], training=True)
        assert_alike(output, reference["outputs"][call])
        assert_alike(layer.layer.kernel, reference["kernels"][call])
        assert_alike(vector, reference["vectors"][call])


@pytest.mark.parametrize("name", ["dense", "convolution"])
def test_our_vector_is_the_same_call_for_call(name):
    layer, reference, vector = spectral(name)
    for call in range(addons_reference.CALLS):
        layer(reference["inputs"], training=True)
        assert_alike(vector, reference["vectors"][call])
    # tensorflow-addons writes the divided kernel over the old one; ours stays.
    np.testing.assert_array_equal(layer.layer.kernel, reference["kernel"])
    assert distance(reference["kernels"][0], reference["kernel"]) > 0.1


@pytest.mark.parametrize("name", ["dense", "convolution"])
def test_our_estimate_of_the_singular_value_is_half_a_step_ahead(name):
    """tensorflow-addons estimates with v from before the step, we with v from after it, which is never worse."""
    layer, reference, vector = spectral(name)
    matrix = as_matrix(reference["kernel"])
    exact = np.linalg.norm(matrix, 2)
    before = reference["u"][0].astype(np.float64)
    for call in range(addons_reference.CALLS):
        layer(reference["inputs"], training=True)
        ours = np.linalg.norm(matrix) / np.linalg.norm(layer.normalised_kernel())
        v = matrix @ before / np.linalg.norm(matrix @ before)
        before = vector.numpy()[0].astype(np.float64)
        addons = v @ matrix @ before
        assert_alike(reference["kernel"] / addons, reference["kernels"][call])
        assert addons < ours < exact * (1 + 1e-6)
        ahead = matrix @ before / np.linalg.norm(matrix @ before)
        assert ours == pytest.approx(ahead @ matrix @ before, rel=1e-5)


@pytest.mark.parametrize("name", ["dense", "convolution"])
def test_once_settled_both_divide_by_the_same_number(name):
    layer, reference, _ = spectral(name)
    for _ in range(addons_reference.SETTLED_CALLS):
        layer.normalised_kernel(training=True)
    assert_alike(layer.normalised_kernel(), reference["settled_kernel"])
    assert_alike(layer(reference["inputs"], training=False), reference["settled_output"])


@pytest.mark.parametrize("name", LAYERS)
def test_keras_gradient_is_that_of_tensorflow_addons(name):
    layer, reference, _ = spectral(name, keras.layers.SpectralNormalization, "settled_kernel", "settled_u")
    assert_alike(gradient(layer, reference), reference["settled_gradient"])


@pytest.mark.parametrize("name", ["dense", "convolution"])
def test_our_gradient_is_the_same_without_its_share_along_the_singular_vectors(name):
    """The settled kernel has the singular value 1, so that nothing but the share is between the two."""
    layer, reference, vector = spectral(name, kernel="settled_kernel", u="settled_u")
    ours, addons = gradient(layer, reference), reference["settled_gradient"].astype(np.float64)
    kernel, u = as_matrix(reference["settled_kernel"]), vector.numpy()[0].astype(np.float64)
    v = kernel @ u / np.linalg.norm(kernel @ u)
    share = np.sum(as_matrix(addons) * kernel)
    assert_alike(ours, addons - share * np.outer(v, u).reshape(addons.shape))
    assert distance(ours, addons) > 0.01


def test_a_transposed_convolution_is_another_matrix():
    """tensorflow-addons takes the last axis for the outputs, also where it is that of the inputs."""
    layer, reference, _ = spectral("transposed")
    for _ in range(addons_reference.SETTLED_CALLS):
        layer.normalised_kernel(training=True)
    turned = np.swapaxes(reference["settled_kernel"], -1, -2)
    assert np.linalg.norm(as_matrix(reference["settled_kernel"]), 2) == pytest.approx(1, rel=1e-5)
    assert np.linalg.norm(as_matrix(turned), 2) != pytest.approx(1, rel=0.01)
    ours = np.swapaxes(layer.normalised_kernel().numpy(), -1, -2)
    assert np.linalg.norm(as_matrix(ours), 2) == pytest.approx(1, rel=1e-5)


# --- other layers


@pytest.mark.parametrize("name, options", [("default", {}), ("small_epsilon", {"epsilon": 1e-5})])
def test_instance_normalisation(name, options):
    """Also the default of epsilon, 1e-3, is the same; the channel of little contrast shows which it is."""
    reference = part("instance")
    layer = keras.layers.GroupNormalization(groups=-1, **options)
    layer.build(reference["inputs"].shape)
    layer.gamma.assign(reference["gamma"])
    layer.beta.assign(reference["beta"])
    output = layer(reference["inputs"])
    for channel in range(3):
        assert_alike(output[..., channel], reference[name][..., channel])
    assert distance(reference["default"][..., 0], reference["small_epsilon"][..., 0]) > 0.1


def weight_normalised(name, g, bias):
    """What replaces `WeightNormalization`: Keras has no layer for it, and two lines do."""
    reference = part(f"weight/{name}")
    layer = LAYERS[name]()
    layer.build(reference["inputs"].shape)
    layer.bias.assign(bias)
    kernel = tf.math.l2_normalize(reference["kernel"], axis=range(reference["kernel"].ndim - 1)) * g
    with keras.StatelessScope(state_mapping=[(layer.kernel, kernel)]):
        return layer(reference["inputs"]).numpy()


@pytest.mark.parametrize("name", ["dense", "convolution"])
def test_weight_normalisation_is_two_lines(name):
    reference = part(f"weight/{name}")
    assert_alike(weight_normalised(name, reference["g"], reference["from_data_bias"]), reference["output"])
    # Without data_init the first g is the length of each column, so that nothing changes at first.
    assert_alike(reference["plain_g"], np.linalg.norm(as_matrix(reference["kernel"]), axis=0))
    plain = LAYERS[name]()
    plain.build(reference["inputs"].shape)
    plain.kernel.assign(reference["kernel"])
    assert_alike(plain(reference["inputs"]), reference["plain_output"])


@pytest.mark.parametrize("name", ["dense", "convolution"])
def test_weight_normalisation_from_data_is_not_that_of_the_paper(name):
    """The paper's first outputs have mean 0 and deviation 1; here they are divided by the columns' lengths besides."""
    reference = part(f"weight/{name}")
    first = np.reshape(reference["plain_output"], (-1, 6))
    assert_alike(reference["from_data_g"], 1 / first.std(axis=0))
    assert_alike(reference["from_data_bias"], -first.mean(axis=0) / first.std(axis=0))
    ours = weight_normalised(name, reference["from_data_g"], reference["from_data_bias"])
    assert_alike(ours, reference["from_data_output"])
    deviation = np.reshape(reference["from_data_output"], (-1, 6)).std(axis=0)
    assert_alike(deviation, 1 / np.linalg.norm(as_matrix(reference["kernel"]), axis=0))
    assert np.abs(deviation - 1).min() > 0.1


# --- the Gaussian filter


def blurred(pictures, size, sigma, mode="REFLECT"):
    """What replaces `gaussian_filter2d`: pad as it does, blur, cut the padding off."""
    around = padded(pictures, *size, mode)
    (top, _), (left, _) = (((side - 1) // 2, None) for side in size)
    height, width = pictures.shape[1:3]
    whole = keras.ops.image.gaussian_blur(around, kernel_size=size, sigma=sigma)
    return whole[:, top : top + height, left : left + width].numpy()


@pytest.mark.parametrize("name, size, sigma", [("default", 3, 1.0), ("five", 5, 1.5)])
def test_gaussian_filter_padded_alike(name, size, sigma):
    reference = part("gaussian")
    assert_alike(blurred(reference["pictures"], (size, size), (sigma, sigma)), reference[name])


def test_gaussian_filter_differs_at_the_border_only():
    reference = part("gaussian")
    plain = keras.ops.image.gaussian_blur(reference["pictures"], kernel_size=(5, 5), sigma=(1.5, 1.5)).numpy()
    assert_alike(plain[:, 2:-2, 2:-2], reference["five"][:, 2:-2, 2:-2])
    assert (plain[:, 0] < reference["five"][:, 0]).all()  # Keras pads with zeros
    assert_alike(plain, reference["zeros_outside"])


def test_keras_takes_the_two_sigmas_the_other_way_round():
    reference = part("gaussian")
    assert_alike(blurred(reference["pictures"], (5, 5), (2.0, 0.6)), reference["two_sigmas"])
    # If this fails Keras has mended its order: its own words are height first, as in tensorflow-addons.
    assert distance(blurred(reference["pictures"], (5, 5), (0.6, 2.0)), reference["two_sigmas"]) > 0.01


def test_an_oblong_gaussian_takes_two_passes():
    reference = part("gaussian")
    rows = blurred(reference["pictures"], (3, 1), (0.6, 1.0))
    assert_alike(blurred(rows, (1, 5), (1.0, 2.0)), reference["oblong"])
    # If one of these fails Keras has mended its blur, which lays an oblong kernel out wrongly.
    for sigma in ((0.6, 2.0), (2.0, 0.6)):
        assert distance(blurred(reference["pictures"], (3, 5), sigma), reference["oblong"]) > 0.01


def test_an_even_gaussian_is_another_one():
    """tensorflow-addons keeps its peak on a pixel, off the middle of the kernel; Keras has it between two."""
    reference = part("gaussian")
    assert distance(blurred(reference["pictures"], (4, 4), (1.5, 1.5)), reference["even"]) > 0.01
    line = np.exp(-0.5 * (np.arange(-1, 3) / 1.5) ** 2)
    weights = np.repeat(np.outer(line, line)[:, :, None, None] / line.sum() ** 2, 2, axis=2).astype(np.float32)
    around = padded(reference["pictures"], 4, 4)
    assert_alike(tf.nn.depthwise_conv2d(around, weights, [1, 1, 1, 1], "VALID"), reference["even"])


def test_bytes_are_cut_off_and_not_rounded():
    reference = part("gaussian")
    levels = (reference["pictures"] * 255).astype(np.uint8)
    exact = blurred(levels.astype(np.float32), (5, 5), (1.5, 1.5))
    lost = exact - reference["bytes"]
    assert lost.min() > -1e-3
    assert 0.6 < lost.max() < 1 + 1e-3


def test_our_gaussian_blur_is_the_symmetric_one():
    """Ours chooses its size, four sigmas to each side, and repeats the edge pixel."""
    reference = part("gaussian")
    ours = degradations.gaussian_blur(tf.constant(2 * reference["pictures"] - 1), 0.8)
    assert_alike((ours + 1) / 2, reference["symmetric"])


# --- the median filter


def medians(pictures, size, mode="REFLECT"):
    """What replaces `median_filter2d`: patches, and their median."""
    height, width = size
    patches = tf.image.extract_patches(padded(pictures, *size, mode), [1, *size, 1], [1] * 4, [1] * 4, "VALID")
    return np.median(np.reshape(patches, (*pictures.shape[:3], height * width, -1)), axis=3)


@pytest.mark.parametrize(
    "name, size, mode",
    [
        ("default", (3, 3), "REFLECT"),
        ("oblong", (3, 5), "REFLECT"),
        ("even", (4, 4), "REFLECT"),
        ("zeros_outside", (3, 3), "CONSTANT"),
        ("symmetric", (5, 5), "SYMMETRIC"),
    ],
)
def test_patches_and_their_median(name, size, mode):
    reference = part("median")
    assert_alike(medians(reference["pictures"], size, mode), reference[name])


@pytest.mark.parametrize(
    "name, size, mode", [("default", (3, 3), "mirror"), ("oblong", (3, 5), "mirror"), ("symmetric", (5, 5), "reflect")]
)
def test_scipy_median_filter(name, size, mode):
    """Its "mirror" is their REFLECT, its "reflect" their SYMMETRIC."""
    reference = part("median")
    found = ndimage.median_filter(reference["pictures"], size=(1, *size, 1), mode=mode)
    np.testing.assert_array_equal(found, reference[name])


def test_scipy_takes_the_upper_of_two_middle_values():
    reference = part("median")
    origin = (0, -1, -1, 0)  # so that both look at the same pixels
    upper = ndimage.median_filter(reference["pictures"], size=(1, 4, 4, 1), mode="mirror", origin=origin)
    lower = -ndimage.median_filter(-reference["pictures"], size=(1, 4, 4, 1), mode="mirror", origin=origin)
    assert_alike((upper + lower) / 2, reference["even"])
    assert (upper > reference["even"]).any()


def test_our_median_is_the_symmetric_one():
    reference = part("median")
    for picture, addons in zip(reference["pictures"], reference["symmetric"], strict=True):
        np.testing.assert_array_equal(baselines.median(picture, 25, width=5), addons)


# --- cutout


def holes(shape, size, offsets):
    """float32 (batch, height, width, 1), 1 in a rectangle around each offset: what replaces `cutout`."""
    rows, columns = (np.arange(side) for side in shape[1:3])
    tall = np.abs(rows - offsets[:, :1] + 0.5) < size[0] / 2
    wide = np.abs(columns - offsets[:, 1:] + 0.5) < size[1] / 2
    return (tall[:, :, None] & wide[:, None, :])[..., None].astype(np.float32)


def test_cutout_is_a_mask():
    reference = part("cutout")
    mask = holes(reference["pictures"].shape, reference["size"], reference["offsets"])
    removed = degradations.remove(tf.constant(reference["pictures"]), tf.constant(mask), 0.5)
    np.testing.assert_array_equal(removed, reference["output"])
    np.testing.assert_array_equal(np.where(mask > 0, np.float32(0.5), reference["pictures"]), reference["output"])
    assert mask.sum(axis=(1, 2, 3)).tolist() == [24, 2 * 4, 3 * 5]  # cut short at the border


def test_random_erasing_draws_the_place_and_stays_inside():
    """With a fixed share it cuts what `cutout` cuts, at a place that it does not let one choose."""
    pictures = part("cutout")["pictures"][:, :, :8]
    options = {"scale": (0.25, 0.25), "fill_value": 0.5, "value_range": (0, 1), "seed": 1}
    erasing = keras.layers.RandomErasing(factor=(1.0, 1.0), **options)
    found = set()
    for _ in range(8):
        erased = erasing(pictures, training=True).numpy()
        changed = (erased != pictures).any(axis=-1)
        centres = np.stack([changed.any(axis=axis).argmax(axis=1) + 2 for axis in (2, 1)], axis=1)
        mask = holes(pictures.shape, (4, 4), centres)
        assert (mask.sum(axis=(1, 2, 3)) == 16).all()  # never cut short
        np.testing.assert_array_equal(np.where(mask > 0, np.float32(0.5), pictures), erased)
        found |= {tuple(centre) for centre in centres}
    assert len(found) > 8


def test_random_erasing_leaves_half_of_the_pictures_whole_by_default():
    """factor=1.0 is a range from 0 to 1 from which the probability is drawn; fill_value=None is random noise."""
    pictures = np.full((400, 6, 6, 1), 0.25, np.float32)
    options = {"scale": (0.25, 0.25), "value_range": (0, 1), "seed": 1}
    erased = keras.layers.RandomErasing(**options)(pictures, training=True).numpy()
    changed = (erased != pictures).any(axis=(1, 2, 3))
    assert 0.4 < changed.mean() < 0.6
    assert len(np.unique(erased[changed])) > 100
    assert keras.layers.RandomErasing(factor=(1.0, 1.0), **options)(pictures).shape == pictures.shape


# --- warping


def warped(pictures, flow, fill_mode):
    """What replaces `dense_image_warp`: the flow is subtracted, and batch and channels keep their places."""
    places = np.indices(pictures.shape).astype(np.float32)
    places[1:3] -= np.moveaxis(flow, -1, 0)[..., None]
    return keras.ops.image.map_coordinates(pictures, places, order=1, fill_mode=fill_mode).numpy()


def test_dense_image_warp():
    reference = part("warp")
    assert_alike(warped(reference["pictures"], reference["flow"], "nearest"), reference["output"])


def test_dense_image_warp_differs_outside_only_with_keras_own_default():
    reference = part("warp")
    places = np.indices((9, 11))[:, None].astype(np.float32) - np.moveaxis(reference["flow"], -1, 0)
    inside = (places[0] >= 0) & (places[0] <= 8) & (places[1] >= 0) & (places[1] <= 10)
    assert 0.3 < inside.mean() < 0.9
    zeros_outside = warped(reference["pictures"], reference["flow"], "constant")
    assert_alike(zeros_outside[inside], reference["output"][inside])
    assert distance(zeros_outside[~inside], reference["output"][~inside]) > 0.1


# --- averages of weights


class Weight(keras.layers.Layer):
    """One weight, as the reference has it."""

    def build(self, input_shape):
        self.weight = self.add_weight(shape=(5,), initializer=lambda shape, dtype: part("average")["start"])

    def call(self, inputs):
        return inputs * self.weight


def test_our_average_is_the_dynamic_one():
    """Both start at the first weights and let the memory grow with the steps, (1 + n) / (10 + n)."""
    reference = part("average")
    generator = keras.Sequential([keras.Input((5,)), Weight()])
    model = AdversarialModel({"generator": generator}, average_decay=float(reference["decay"]))
    for weight, average in zip(reference["weights"], reference["dynamic"], strict=True):
        generator.weights[0].assign(weight)
        model.finish_step()
        assert_alike(model.averages[0], average)
        assert_alike(model.sampling_generator().weights[0], average)
    # Without dynamic_decay, which is the default there, the random start is remembered for longer.
    assert distance(reference["dynamic"][2], reference["fixed"][2]) > 0.01


def keras_averages(reference):
    weight = keras.Variable(reference["start"])
    optimizer = keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=float(reference["decay"]))
    optimizer.build([weight])
    found = []
    for target in reference["weights"]:
        optimizer.apply([weight.value - target], [weight])
        found.append(optimizer._model_variables_moving_average[0].numpy())
    return np.stack(found)


def test_keras_average_is_the_one_that_starts_a_step_late():
    """`use_ema` begins with the weights after the first step, tensorflow-addons with those before it."""
    reference = part("average")
    found = keras_averages(reference)
    assert_alike(found, reference["late"])
    steps = np.arange(1, len(found) + 1)[:, None]
    start = reference["decay"] ** steps * (reference["start"] - reference["weights"][0])
    assert_alike(found + start, reference["fixed"])
    assert distance(found[0], reference["fixed"][0]) > 0.01


def test_ours_averages_what_no_optimizer_trains_too():
    """The statistics of a batch normalisation have no gradient, so an optimizer's average leaves them out."""
    generator = keras.Sequential([keras.Input((5,)), keras.layers.BatchNormalization()])
    optimizer = keras.optimizers.SGD(use_ema=True)
    optimizer.build(generator.trainable_variables)
    assert len(optimizer._model_variables_moving_average) == 2
    assert len(AdversarialModel({"generator": generator}, average_decay=0.9).averages) == 4


# --- the page


def test_the_code_of_the_page_computes_what_the_page_says():
    page = (addons_reference.ROOT / "docs" / "coming_from_tensorflow_addons.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 9
    names = {}
    for block in blocks:
        exec(block, names)
        if "l2_normalize" in block:
            lengths = tf.norm(tf.reshape(tf.math.l2_normalize(names["v"], axis=[0, 1, 2]), [-1, 8]), axis=0)
            assert_alike(lengths, np.ones(8))
    pictures = names["pictures"]
    assert_alike(names["blurred"], blurred(pictures, (5, 5), (1.5, 1.5)))
    assert_alike(names["medians"], medians(pictures, (3, 3)))
    assert_alike(names["by_scipy"], medians(pictures, (3, 3)))
    assert_alike(names["warped"], warped(pictures, names["flow"], "nearest"))
    assert_alike(names["cut"], np.where(names["mask"] > 0, 0, pictures))
    for cut in (names["cut"], names["erased"]):
        assert ((cut.numpy() == 0).all(axis=-1).sum(axis=(1, 2)) == 64).all()
