"""weights: released files are checked against their cards, and written whole or not at all."""

import errno
import hashlib
import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_lib import weights
from gan_lib.datasets import load_digits
from gan_lib.metrics import judge
from gan_lib.networks.denoiser import denoiser
from gan_lib.networks.digit_classifier import digit_classifier
from gan_lib.networks.features import judging_features, perceptual_features
from gan_lib.networks.inpainter import inpainter
from gan_lib.networks.upscaler import upscaler
from gan_lib.weights import (
    CARD_FIELDS,
    FOLDER,
    WeightsError,
    build,
    load_model,
    load_released,
    model_card,
    save_released,
)
from gan_lib.weights.sources import LARGE_PHOTOS, training_sources

CARD = {field: "said here" for field in CARD_FIELDS if field not in ("name", "parameters")}


def network(units=3, start=0):
    keras.utils.set_random_seed(start)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dense(2)], name="small")


class OneByTwo(keras.layers.Layer):
    def build(self, input_shape):
        self.shift = self.add_weight(shape=(1, 2), initializer="zeros")

    def call(self, inputs):
        return inputs + self.shift


@pytest.fixture
def released(tmp_path):
    """A folder with a released network, and that network."""
    model = network(start=1)
    assert save_released(model, "small", CARD, tmp_path) == tmp_path / "small.weights.h5"
    return tmp_path, model


def assert_unchanged(model, before):
    for now, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, old)


def test_there_and_back(released):
    folder, model = released
    fresh = network(start=2)
    assert load_released(fresh, "small", folder) is fresh
    assert_unchanged(fresh, model.get_weights())
    card = model_card("small", folder)
    assert set(card) == {*CARD_FIELDS, "sha256"}
    assert card["name"] == "small"
    assert card["parameters"] == 4 * 3 + 3 + 3 * 2 + 2
    assert card["sha256"] == hashlib.sha256((folder / "small.weights.h5").read_bytes()).hexdigest()
    assert sorted(os.listdir(folder)) == ["small.json", "small.weights.h5"]


def test_an_unknown_name_lists_the_known_ones(released, tmp_path):
    with pytest.raises(WeightsError, match="named 'smal'. Known here: small"):
        model_card("smal", released[0])
    with pytest.raises(WeightsError, match="Known here: none"):
        load_released(network(), "small", tmp_path / "empty")


def test_a_missing_file(released):
    folder, _ = released
    (folder / "small.weights.h5").unlink()
    with pytest.raises(WeightsError, match="small.weights.h5 is missing. Install the course again"):
        load_released(network(), "small", folder)


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: raw[:-1] + b"?", lambda raw: b""])
def test_a_file_that_is_not_the_released_one(released, damage):
    folder, _ = released
    path = folder / "small.weights.h5"
    path.write_bytes(damage(path.read_bytes()))
    fresh = network(start=2)
    before = fresh.get_weights()
    with pytest.raises(WeightsError, match="sha256 .* its card says .*damaged or"):
        load_released(fresh, "small", folder)
    assert_unchanged(fresh, before)


def test_a_file_of_git_lfs_is_hinted_at(released):
    folder, _ = released
    (folder / "small.weights.h5").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(WeightsError, match="Git-LFS"):
        load_released(network(), "small", folder)


def recorded_again(folder):
    """The card now has the sha256 of whatever file is there."""
    card = json.loads((folder / "small.json").read_text())
    card["sha256"] = hashlib.sha256((folder / "small.weights.h5").read_bytes()).hexdigest()
    (folder / "small.json").write_text(json.dumps(card))


def test_a_damaged_file_with_the_right_sum(released):
    folder, _ = released
    path = folder / "small.weights.h5"
    path.write_bytes(path.read_bytes()[:1000])
    recorded_again(folder)
    fresh = network(start=2)
    before = fresh.get_weights()
    with pytest.raises(WeightsError, match="small.weights.h5 does not fit the network small"):
        load_released(fresh, "small", folder)
    assert_unchanged(fresh, before)


@pytest.mark.parametrize(
    "other",
    [
        lambda: network(units=5),
        lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name="small"),
        # As many weights. The first layer fits and the second does not: it must not keep the first one's new weights.
        lambda: keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2, use_bias=False), OneByTwo()], name="small"
        ),
    ],
)
def test_another_network_stays_as_it_was(released, other):
    model = other()
    before = model.get_weights()
    with pytest.raises(WeightsError, match="does not fit the network small"):
        load_released(model, "small", released[0])
    assert_unchanged(model, before)


@pytest.mark.parametrize("text", ["{", "[]", "", "3"])
def test_a_damaged_card(released, text):
    folder, _ = released
    (folder / "small.json").write_text(text)
    with pytest.raises(WeightsError, match="small.json (is damaged|lacks)"):
        load_released(network(), "small", folder)


@pytest.mark.parametrize("field", [*CARD_FIELDS, "sha256"])
def test_a_card_without_a_field(released, field):
    folder, _ = released
    card = model_card("small", folder)
    del card[field]
    (folder / "small.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match=f"small.json lacks {field}"):
        load_released(network(), "small", folder)


def test_no_release_without_all_fields(tmp_path):
    with pytest.raises(ValueError, match="The card of small lacks licence"):
        save_released(network(), "small", {key: value for key, value in CARD.items() if key != "licence"}, tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("step", ["weights", "card"])
def test_a_disk_that_fills_leaves_the_old_release(released, step, monkeypatch):
    folder, old = released

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    def half(self, path, *args, **kwargs):
        path.write_bytes(b"half of it")
        full()

    if step == "weights":
        monkeypatch.setattr(keras.Model, "save_weights", half)
    else:
        monkeypatch.setattr(weights.json, "dumps", full)
    with pytest.raises(OSError, match="could not be written: the disk is full"):
        save_released(network(start=5), "small", CARD, folder)
    monkeypatch.undo()
    assert sorted(os.listdir(folder)) == ["small.json", "small.weights.h5"]
    assert_unchanged(load_released(network(start=2), "small", folder), old.get_weights())


# --- networks built from their cards

BUILDER = {"function": "denoiser.denoiser", "arguments": {"channels": 4, "blocks": 1}}


@pytest.fixture
def left_by_a_lesson(tmp_path):
    """Weights of a small denoiser with a card that says how to build it, and that network."""
    model = denoiser(channels=4, blocks=1)
    for weight in model.weights:
        weight.assign(keras.random.normal(weight.shape, seed=1))
    return save_released(model, "mine", {**CARD, "builder": BUILDER, "trained_sigma": [0, 55]}, tmp_path), model


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_a_network_comes_from_its_file_alone(left_by_a_lesson, kind):
    path, model = left_by_a_lesson
    loaded, card = load_model(kind(path))
    assert loaded is not model
    assert loaded.name == "denoiser"
    assert_unchanged(loaded, model.get_weights())
    assert card["name"] == "mine"
    assert card["trained_sigma"] == [0, 55]


def test_a_path_from_the_home_folder(left_by_a_lesson, monkeypatch):
    path, model = left_by_a_lesson
    monkeypatch.setenv("HOME", str(path.parent))
    assert_unchanged(load_model("~/mine.weights.h5")[0], model.get_weights())


def test_a_released_network_by_its_name(left_by_a_lesson, monkeypatch):
    path, model = left_by_a_lesson
    monkeypatch.setattr(weights, "FOLDER", path.parent)
    assert_unchanged(load_model("mine")[0], model.get_weights())


def test_an_unknown_or_wrong_name(left_by_a_lesson, monkeypatch):
    path, _ = left_by_a_lesson
    monkeypatch.chdir(path.parent)
    with pytest.raises(WeightsError, match="no released weights named 'denoisr'. Known here: .*digit_classifier"):
        load_model("denoisr")
    for name in ("mine.json", "elsewhere/mine", "mine.h5", "../mine"):
        with pytest.raises(WeightsError, match=f"called {name} came; a released name or a file NAME.weights.h5"):
            load_model(name)
    with pytest.raises(WeightsError, match=r"There is no file other.weights.h5 \(looked in"):
        load_model("other.weights.h5")


def test_a_file_without_its_card(left_by_a_lesson):
    path, _ = left_by_a_lesson
    (path.parent / "mine.json").unlink()
    with pytest.raises(WeightsError, match="no released weights named 'mine'"):
        load_model(path)


def test_a_changed_file_is_not_loaded(left_by_a_lesson):
    path, _ = left_by_a_lesson
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(WeightsError, match="sha256 .* its card says"):
        load_model(path)


def test_a_card_that_names_another_network(left_by_a_lesson):
    path, _ = left_by_a_lesson
    card = json.loads((path.parent / "mine.json").read_text())
    card["builder"]["arguments"]["blocks"] = 2
    (path.parent / "mine.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="mine.weights.h5 does not fit the network denoiser"):
        load_model(path)


@pytest.mark.parametrize(
    "builder",
    [
        None,
        {},
        {"function": "denoiser"},
        {"function": "denoiser.no_such_network", "arguments": {}},
        {"function": "no_such_file.denoiser", "arguments": {}},
        {"function": "denoiser.denoiser"},
        {"function": "denoiser.denoiser", "arguments": {"depth": 3}},
        {"function": "denoiser.denoiser", "arguments": {"channels": -1}},
        {"function": "../../os.system", "arguments": {}},
        {"function": "denoiser.MAX_SIGMA", "arguments": {}},
        "denoiser.denoiser",
    ],
)
def test_a_card_that_names_no_network(builder):
    with pytest.raises(WeightsError, match='The card of mine names no network .*Expected "builder"'):
        build({"name": "mine", "builder": builder})


def test_a_card_without_a_builder(released):
    with pytest.raises(WeightsError, match="The card of small names no network"):
        load_model(released[0] / "small.weights.h5")


# What is released with the course. A new network gets a line here, or the tests fail.
NETWORKS = {
    "denoiser": denoiser,
    "denoiser_sharp": denoiser,
    "digit_classifier": digit_classifier,
    "fashion_classifier": digit_classifier,
    "inpainter": inpainter,
    "inpainter_sharp": inpainter,
    "judging_features": judging_features,
    "perceptual_features": perceptual_features,
    "upscaler_x2": lambda: upscaler(2),
    "upscaler_x4": upscaler,
    "upscaler_x4_sharp": upscaler,
}
LIMIT_MB = {"digit_classifier": 1.0, "fashion_classifier": 1.0, "judging_features": 2.0, "perceptual_features": 2.0}


def test_every_file_has_a_card_and_every_card_a_file():
    files = {path.name.removesuffix(".weights.h5") for path in FOLDER.glob("*.h5")}
    assert files == {path.stem for path in FOLDER.glob("*.json")}
    assert files <= set(NETWORKS)


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_released(name):
    card = model_card(name)
    assert card["name"] == name
    assert all(card[field] not in ("", None, [], {}) for field in CARD_FIELDS)
    path = FOLDER / f"{name}.weights.h5"
    assert path.stat().st_size < LIMIT_MB.get(name, 4.0) * 1_000_000
    model = load_released(NETWORKS[name](), name)
    assert card["parameters"] == model.count_params()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize(
    "name", sorted(name for name in NETWORKS if name.startswith(("denoiser", "inpainter", "upscaler")))
)
def test_cards_say_what_is_not_measured(name):
    assert any("not measured yet" in remark for remark in model_card(name)["remarks"])


def test_cards_name_the_photographs_that_were_used():
    flowers, photos = (training_sources(rung, released=False) for rung in ("flower_photos", "photos"))
    bundled = training_sources("bundled-photographs", released=False)
    assert len(bundled) == 2 and "scikit-image" in bundled[0] and "scikit-learn" in bundled[1]
    assert flowers[:2] == photos[:2] == bundled and len(flowers) == len(photos) == 3
    assert "CC BY 2.0" in flowers[2] and "all or some of 3,670" in flowers[2]
    # What lies in anybody's folder of that name is theirs; only the maintainers' is known.
    assert "their owner knows" in photos[2] and "Pixabay" not in "".join(photos)
    assert "Pixabay" in "".join(training_sources("photos", released=True))
    assert "own files" in training_sources("own files", released=True)[-1]
    assert training_sources("photos", released=True, small=False) == list(LARGE_PHOTOS)


def test_the_judge_of_digits_is_as_good_as_its_card_says():
    digits, measures = load_digits("bundled"), model_card("digit_classifier")["measures"]
    seen = judge(load_released(digit_classifier(), "digit_classifier"), digits.test_images)
    accuracy = np.mean(seen["logits"].argmax(axis=1) == digits.test_labels)
    assert accuracy > 0.97 and measures["accuracy_mnist"] > 0.99
    assert accuracy == pytest.approx(measures["accuracy_bundled_digits"], abs=0.001)
    assert seen["features"].shape[1] >= 64


# --- to where no Keras is


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", ["denoiser", "inpainter", "upscaler_x4"])
def test_an_exported_network_serves_pictures_of_any_size(name, tmp_path):
    model, _ = load_model(name, precision="float32")
    model.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(str(tmp_path / "saved"))
    for height, width in ((32, 48), (40, 24)):
        inputs = [tf.random.stateless_uniform([1, height, width, 3], (0, 1), -1, 1), tf.zeros([1, height, width, 1])]
        inputs = inputs if len(model.inputs) == 2 else inputs[0]
        np.testing.assert_allclose(saved.serve(inputs), model(inputs), atol=1e-4)
