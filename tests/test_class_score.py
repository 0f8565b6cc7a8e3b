"""metrics: pictures that were asked for by label."""

import keras
import numpy as np
import pytest
from keras import layers

from gan_lib.metrics import ClassScore, frechet_distance, judge


@pytest.fixture(scope="module")
def classifier():
    """Sees the class in the first row of a 4x4 picture, and the whole picture as features."""
    pictures = keras.Input((4, 4, 1))
    features = layers.Flatten()(pictures)
    logits = features[:, :4]
    return keras.Model(pictures, {"features": features, "logits": logits})


def drawn(labels, seed=0, spread=0.1, offset=0.0):
    """float32 (count, 4, 4, 1) whose first row says the label."""
    random = np.random.default_rng(seed)
    pictures = np.clip(offset + random.normal(0.0, spread, (len(labels), 4, 4, 1)), -0.5, 0.5)
    pictures[np.arange(len(labels)), 0, labels, 0] += 0.5 - offset
    return pictures.astype("float32")


LABELS = np.arange(120) % 3  # 40 of each; the classifier knows a fourth class as well


@pytest.fixture(scope="module")
def score(classifier):
    return ClassScore(classifier, drawn(LABELS), LABELS, drawn(LABELS, seed=1), LABELS, per_class=30)


def test_other_real_pictures_are_at_the_floor(score, classifier):
    assert score.samples == {0: 30, 1: 30, 2: 30}
    each = score.each_class(drawn(LABELS, seed=1), LABELS)
    for label, found in each.items():
        assert found["distance_ratio"] == pytest.approx(1.0, rel=1e-6)
        assert found["frechet_floor"] == score.floor[label]
        assert found["agreement"] == 1.0
        assert found["pictures"] == 40
        assert found["diversity"] == pytest.approx(1.0, abs=0.1)
    by_hand = frechet_distance(
        judge(classifier, drawn(LABELS, seed=1)[LABELS == 2][:30])["features"],
        judge(classifier, drawn(LABELS)[LABELS == 2][:30])["features"],
    )
    assert each[2]["frechet_distance"] == pytest.approx(by_hand)


def test_what_is_wrong_in_one_class_shows_in_that_class(score):
    pictures = drawn(LABELS, seed=2)
    pictures[LABELS == 1] = drawn(LABELS[LABELS == 1], seed=2, spread=0.02, offset=0.2)
    each = score.each_class(pictures, LABELS)
    assert each[1]["distance_ratio"] > 2 * max(each[0]["distance_ratio"], each[2]["distance_ratio"])
    assert each[1]["diversity"] < 0.5 < min(each[0]["diversity"], each[2]["diversity"])
    whole = score(pictures, LABELS)
    ratios = [found["distance_ratio"] for found in each.values()]
    assert whole["class_distance_ratio"] == pytest.approx(np.mean(ratios))
    assert whole["class_distance_ratio_worst"] == each[1]["distance_ratio"]
    assert whole["class_diversity_least"] == each[1]["diversity"]
    assert whole["agreement"] == 1.0


def test_agreement_counts_every_picture(score):
    shown = np.where(np.arange(120) < 90, LABELS, 3)
    whole = score(drawn(shown), LABELS)
    assert whole["agreement"] == pytest.approx(0.75)
    with_more_zeros = np.concatenate([LABELS, np.zeros(120, int)])
    whole = score(drawn(np.concatenate([shown, np.zeros(120, int)])), with_more_zeros)
    assert whole["agreement"] == pytest.approx(210 / 240)


def test_a_pair_of_labels_that_is_swapped_is_far_off(score):
    swapped = score(drawn(LABELS, seed=2), (LABELS + 1) % 3)
    assert swapped["agreement"] == 0.0
    assert swapped["class_distance_ratio"] > 10


def test_classes_are_compared_with_as_many_as_there_are(classifier):
    few = np.concatenate([LABELS, [0, 0]])
    score = ClassScore(classifier, drawn(few), few, drawn(LABELS, seed=1), LABELS)
    assert score.samples == {0: 40, 1: 40, 2: 40}


def test_a_class_without_pictures_is_named(classifier, score):
    lacks = LABELS[LABELS != 2]
    with pytest.raises(ValueError, match="Of class 2 there are 40 real pictures and 0 other ones; at least 2"):
        ClassScore(classifier, drawn(LABELS), LABELS, drawn(lacks), lacks)
    one = np.append(lacks, 2)
    with pytest.raises(ValueError, match="Of class 2 there are 1 real pictures and 40 other ones"):
        ClassScore(classifier, drawn(one), one, drawn(LABELS), LABELS)
    with pytest.raises(ValueError, match="Of class 2 0 pictures came; at least 30 were expected"):
        score(drawn(lacks), lacks)
    strange = np.where(LABELS == 2, 3, LABELS)
    with pytest.raises(ValueError, match="Class 3 was asked for, but there are no real pictures of it"):
        score(drawn(strange), strange)


def test_labels_that_cannot_be(classifier, score):
    with pytest.raises(ValueError, match="Label 4 at position 5 of the asked labels is out of range: expected 0 to 3"):
        score(drawn(LABELS), np.where(np.arange(120) == 5, 4, LABELS))
    with pytest.raises(ValueError, match="whole numbers, got float64"):
        score(drawn(LABELS), LABELS.astype(float))
    with pytest.raises(ValueError, match="120 pictures came with 119 labels"):
        score(drawn(LABELS), LABELS[:-1])
    with pytest.raises(ValueError, match="per_class is 1; at least 2"):
        ClassScore(classifier, drawn(LABELS), LABELS, drawn(LABELS), LABELS, per_class=1)
    with pytest.raises(ValueError, match="look the same to the classifier"):
        same = np.zeros((120, 4, 4, 1), "float32")
        ClassScore(classifier, same, LABELS, same, LABELS)(same, LABELS)
