"""Feature networks: the ones that train, the one that judges, and that they stay apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_lib import datasets, degradations, images, metrics, weights
from gan_lib.networks import features

CROP = 160  # pixels


@pytest.fixture(scope="module")
def judge():
    return weights.load_model("judging_features")[0]


def held_out_crops() -> dict[str, np.ndarray]:
    crops = {}
    for name, picture in datasets.bundled_photographs("held-out").items():
        top, left = (side // 2 - CROP // 2 for side in picture.shape[:2])
        crops[name] = picture[top : top + CROP, left : left + CROP]
    return crops


def pictures(seed=0, side=32):
    return tf.random.stateless_uniform([2, side, side, 3], seed=(seed, 1), minval=-1.0, maxval=1.0)


@pytest.mark.parametrize("build", [features.perceptual_features, features.judging_features])
def test_maps_at_every_size_and_nothing_to_train(build):
    network = build()
    maps = network(pictures())
    assert [one.shape[1] for one in maps] == {3: [32, 16, 8], 8: [32, 16, 8, 4, 16, 8, 4, 2]}[len(maps)]
    assert network.trainable_variables == []


@pytest.mark.parametrize("name", ["perceptual_features", "judging_features"])
def test_released_networks_are_small_and_have_cards(name):
    network, card = weights.load_model(name)
    assert network.count_params() == card["parameters"]
    assert (weights.FOLDER / f"{name}.weights.h5").stat().st_size < 2_000_000
    assert card["training"]["preset"] == "release"


def test_loss_and_judge_were_trained_apart():
    loss, judge = (weights.model_card(name) for name in ("perceptual_features", "judging_features"))
    assert loss["training"]["seed"] != judge["training"]["seed"]
    assert loss["builder"] != judge["builder"] and loss["sha256"] != judge["sha256"]


def test_the_judge_computes_in_float32_under_every_policy(precision):
    precision("mixed_bfloat16")
    network = features.judging_features()
    assert {layer.compute_dtype for layer in network.layers if layer.weights} == {"float32"}
    assert {one.dtype for one in network(pictures())} == {tf.float32}


def test_weights_that_are_not_there_are_named():
    with pytest.raises(ValueError, match=r"VGG19 cannot be given the weights 'no_such_file.weights.h5' .* None for"):
        features.vgg19_features(weights="no_such_file.weights.h5")


def test_the_classifier_shares_its_weights_and_thaws_them():
    network = features.perceptual_features()
    classifier = features.damage_classifier(network, 5)
    assert classifier(pictures()).shape == (2, 5)
    assert len(classifier.trainable_variables) == len(network.trainable_variables) + 2 > 2
    kernel = classifier.trainable_variables[0]
    assert any(kernel is variable for variable in network.trainable_variables)


def test_the_loss_falls_along_its_gradient_and_leaves_the_network():
    network, _ = weights.load_model("perceptual_features")
    loss, clean = features.PerceptualLoss(network), pictures(1)
    pixels = tf.Variable(pictures(2))
    before, network_before = float(loss(pixels, clean)), network.get_weights()
    optimizer = keras.optimizers.Adam(0.05)
    for _ in range(8):
        with tf.GradientTape() as tape:
            value = loss(pixels, clean)
        optimizer.apply([tape.gradient(value, pixels)], [pixels])
    assert float(loss(pixels, clean)) < 0.9 * before
    assert all(np.array_equal(a, b) for a, b in zip(network_before, network.get_weights(), strict=True))


def test_flat_pictures_have_a_finite_gradient():
    loss = features.PerceptualLoss(weights.load_model("perceptual_features")[0])
    flat = tf.Variable(tf.zeros([1, 32, 32, 3]))
    with tf.GradientTape() as tape:
        value = loss(flat, tf.zeros([1, 32, 32, 3]))
    assert float(value) == 0.0
    assert np.isfinite(tape.gradient(value, flat).numpy()).all()


def test_the_judge_is_refused_as_a_loss(judge):
    with pytest.raises(ValueError, match="judges trains nobody"):
        features.PerceptualLoss(judge)


def test_distance_of_feature_maps():
    true = [tf.constant([[[[3.0, 0.0]]]])]
    distance = {
        name: float(features.feature_distance([tf.constant([[[values]]])], true)[0])
        for name, values in {"equal": [3.0, 0.0], "gone": [0.0, 0.0], "twice": [6.0, 0.0], "beside": [3.0, 9.0]}.items()
    }
    assert distance["equal"] == 0.0
    assert distance["gone"] == pytest.approx(np.log(2), abs=1e-3)  # the difference is as large as what there is to see
    assert distance["twice"] == pytest.approx(np.log(2), abs=1e-3)
    assert distance["beside"] == pytest.approx(np.log(1 + 81 / 9), abs=1e-2)
    assert float(features.feature_distance(true * 2, true * 2)[0]) == 0.0


# With the seed of lesson 03b, by which the judge was chosen, and with another.
@pytest.mark.slow
@pytest.mark.parametrize("seed", [(0, 1), pytest.param((5, 6), marks=pytest.mark.long)], ids=["chosen", "other"])
@pytest.mark.parametrize("kind", degradations.RAMPS)
def test_the_judge_ranks_every_ramp_of_damage(judge, kind, seed):
    ramp = degradations.RAMPS[kind]
    for name, crop in held_out_crops().items():
        batch = images.to_network(crop)[None]
        damaged = [images.from_network(ramp.degrade(batch, strength, seed))[0] for strength in ramp.strengths]
        distances = [float(metrics.perceptual_distance(judge, one, crop)[0]) for one in damaged]
        assert all(a < b for a, b in zip([0.0, *distances], distances, strict=False)), (name, distances)


def test_perceptual_distance_of_equal_grey_and_small_pictures(judge):
    grey = images.to_uint8(np.random.default_rng(0).random((40, 40, 1), np.float32))
    colour = np.repeat(grey, 3, axis=-1)
    assert float(metrics.perceptual_distance(judge, grey, grey)[0]) == 0.0
    other = 255 - grey
    both = [metrics.perceptual_distance(judge, a, b) for a, b in ((other, grey), (255 - colour, colour))]
    np.testing.assert_allclose(*both)
    assert float(both[0][0]) > 0
    with pytest.raises(ValueError, match="at least 16x16"):
        metrics.perceptual_distance(judge, grey[:8], grey[:8])


def test_vgg19_converts_the_range_inside():
    keras.utils.set_random_seed(1)
    ours = features.vgg19_features(("block1_conv1",), weights=None)
    vgg = next(layer for layer in ours.layers if isinstance(layer, keras.Model))
    batch = pictures(3)
    prepared = keras.applications.vgg19.preprocess_input(batch.numpy() * 127.5 + 127.5)
    expected = vgg(prepared)
    np.testing.assert_allclose(np.squeeze(ours(batch)), np.squeeze(expected), rtol=1e-4, atol=1e-3)
    loss = features.PerceptualLoss(ours)
    assert float(loss(batch, batch)) == 0.0 < float(loss(-batch, batch))


def test_vgg19_without_weights_says_what_to_do(monkeypatch):
    def no_internet(**arguments):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "VGG19", no_internet)
    with pytest.raises(OSError, match="perceptual_features"):
        features.vgg19_features()
