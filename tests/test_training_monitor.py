"""callbacks.TrainingMonitor: each kind of trouble, brought about on purpose, and silence where all is well."""

import keras
import numpy as np
import pytest
import small_restorations
import tensorflow as tf
from keras import layers
from small_gans import (
    LATENT,
    NaiveGAN,
    adam,
    assert_same,
    batches,
    discriminator,
    fit,
    gan,
    generator,
    moments,
    pictures,
    weights,
)
from test_training_gan import conditional, with_labels

from gan_lib import images, losses
from gan_lib.callbacks import Limits, TrainingBackup, TrainingMonitor, signals, verdicts
from gan_lib.networks.gan import ring_discriminator, ring_generator
from gan_lib.training import GAN

REAL = pictures(200, seed=1)


def kinds(monitor):
    return [finding.kind for finding in monitor.findings]


def watched(model, *, real=REAL, epochs=3, steps=2, data=None, **kwargs):
    """The monitor after some epochs of training under its eyes."""
    monitor = TrainingMonitor(real, **({"after_steps": 0, "tell": None} | kwargs))
    fit(model, epochs=epochs, steps=steps, data=data, callbacks=[monitor])
    return monitor


def still(**kwargs):
    """A GAN whose generator stays as it is, without a graph: for epochs of a step or two."""
    return gan(**{"optimizers": rates(generator=0.0), "run_eagerly": True} | kwargs)


def networks(last=None, judge=None):
    """Networks of which one can be changed: the generator's last layer, or the whole discriminator."""
    first = generator(normalised=False)
    if last is not None:
        last(first.layers[-2])
    return lambda: (first, judge or discriminator(normalised=False))


def rates(generator=2e-3, discriminator=2e-3):
    return lambda: {
        "generator": keras.optimizers.Adam(generator, beta_1=0.5),
        "discriminator": keras.optimizers.Adam(discriminator, beta_1=0.5),
    }


def pair(name):
    return {f"{side}_loss": getattr(losses, f"{name}_{side}_loss") for side in ("discriminator", "generator")}


# --- nothing is wrong


@pytest.mark.long
@pytest.mark.slow
def test_a_healthy_training_is_left_in_peace():
    model, eight_bit = gan(), images.to_uint8(images.from_network(REAL))
    monitors = [TrainingMonitor(real, after_steps=0, tell=None) for real in (REAL, eight_bit, None)]
    fit(model, epochs=5, steps=40, callbacks=monitors)
    assert [monitor.findings for monitor in monitors] == [[], [], []]
    np.testing.assert_allclose(monitors[0].real, monitors[1].real, atol=1 / 255)


@pytest.mark.parametrize("name", ["least_squares", "hinge", "wasserstein"])
@pytest.mark.long
@pytest.mark.slow
def test_no_loss_is_sick_by_itself(name):
    penalty = {"penalty": losses.gradient_penalty} if name == "wasserstein" else {}
    made = gan(networks=networks(), optimizers=rates(), **pair(name), **penalty)
    assert watched(made, epochs=4, steps=40).findings == []


def test_training_is_the_same_with_and_without_it():
    alone, seen = gan(run_eagerly=True), gan(run_eagerly=True)
    fit(alone, epochs=2)
    watched(seen, epochs=2, steps=2)
    assert_same(weights(alone), weights(seen))


# --- the discriminator


def smoothed(real, fake):
    return losses.non_saturating_discriminator_loss(real, fake, real_target=0.9)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("loss", [losses.non_saturating_discriminator_loss, smoothed], ids=["plain", "smoothed"])
def test_a_discriminator_that_always_wins(loss):
    made = gan(networks=networks(), optimizers=rates(generator=0.0, discriminator=0.02), discriminator_loss=loss)
    monitor = watched(made, epochs=5, steps=60)
    assert kinds(monitor) == ["discriminator_too_strong"]  # it stays so, and is told once
    assert monitor.findings[0].epoch >= 2
    assert "lower learning rate for the discriminator" in monitor.findings[0].sentence


@pytest.mark.long
@pytest.mark.slow
def test_a_penalty_is_no_doubt():
    def constant(judge, real, fake, seed):
        return tf.constant(1.0)

    made = gan(networks=networks(), optimizers=rates(generator=0.0, discriminator=0.02), penalty=constant)
    monitor = TrainingMonitor(REAL, after_steps=0, tell=None)
    history = fit(made, epochs=5, steps=60, callbacks=[monitor]).history
    assert history["d_penalty"] == pytest.approx([10.0] * 5)
    assert history["d_loss"][-1] > 10.0
    assert kinds(monitor) == ["discriminator_too_strong"]


def test_labels_of_pictures_want_pictures():
    with pytest.raises(ValueError, match="real_labels came without real pictures. Give both"):
        TrainingMonitor(real_labels=np.zeros(20, np.int32))


def test_only_classes_that_are_drawn_are_compared():
    labels = np.arange(len(REAL)) % 4
    monitor = TrainingMonitor(REAL, real_labels=labels, labels=np.array([1, 3]), count=16)
    assert set(monitor.real_labels) == set(monitor.labels) == {1, 3}


@pytest.mark.parametrize(
    ("name", "chance", "floor"),
    [
        ("minimax", 2 * np.log(2), 0),
        ("non_saturating", 2 * np.log(2), 0),
        ("least_squares", 0.25, 0),
        ("hinge", 2, 0),
        ("wasserstein", 0, None),
    ],
)
def test_the_ends_of_each_loss(name, chance, floor):
    scale = signals.scale_of(getattr(losses, f"{name}_discriminator_loss"))
    assert scale.chance == pytest.approx(chance, abs=1e-6)
    assert scale.floor == (None if floor is None else pytest.approx(floor, abs=1e-6))
    strong = verdicts.too_strong(0.04 * chance, scale, Limits())
    assert (strong is None) is (floor is None)
    assert verdicts.too_strong(0.06 * chance, scale, Limits()) is None


@pytest.mark.parametrize("real", [REAL, None], ids=["real", "alone"])
def test_a_discriminator_that_stands_still(real):
    monitor = watched(still(optimizers=rates(discriminator=0.0)), real=real)
    finding = next(each for each in monitor.findings if each.kind == "discriminator_too_weak")
    assert finding.epoch == 2
    assert "none of its weights moved" in finding.sentence


def blind():
    """A discriminator with weights that move, and no sight of the picture."""
    picture = keras.Input((4, 4, 1))
    x = layers.Flatten()(layers.Rescaling(0.0)(picture))
    return keras.Model(picture, layers.Dense(1)(x))


def test_a_discriminator_that_cannot_tell_pictures_that_differ():
    made = still(networks=networks(judge=blind()))
    made.discriminator.layers[-1].bias.assign([0.3])
    monitor = watched(made)
    assert kinds(monitor) == ["discriminator_too_weak"]
    assert "do not tell them apart" in monitor.findings[0].sentence


def test_whether_the_pictures_differ_is_not_known_without_real_ones():
    """In the good games of lessons 02b and 02c the mean logits tell nothing from the first epoch on."""
    made = still(networks=networks(judge=blind()))
    made.discriminator.layers[-1].bias.assign([0.3])
    assert watched(made, real=None).findings == []


def test_one_that_cannot_tell_good_pictures_is_no_finding():
    made = still(networks=networks(judge=blind()))
    made.discriminator.layers[-1].bias.assign([0.3])
    drawn = made.generator(tf.random.normal([200, LATENT], seed=1), training=False).numpy()
    assert watched(made, real=drawn).findings == []


# --- the samples


def constant(layer):
    layer.kernel.assign(tf.zeros_like(layer.kernel))
    layer.bias.assign(tf.linspace(-0.5, 0.5, 16))


def test_one_picture_whatever_the_latent():
    made = still(networks=networks(constant))
    finding = next(each for each in watched(made).findings if each.kind == "collapse")
    assert "samples differ from each other 0% as much as real pictures" in finding.sentence
    assert finding.epoch == 2


def test_a_few_pictures_whatever_the_latent():
    latent = keras.Input((LATENT,))
    signs = layers.Rescaling(1e6)(latent)  # tanh then gives -1 or 1: 16 pictures for all latents
    x = layers.Dense(16, activation="tanh")(layers.Activation("tanh")(signs))
    few = keras.Model(latent, layers.Reshape((4, 4, 1))(x))
    finding = next(
        each for each in watched(still(networks=lambda: (few, discriminator()))).findings if each.kind == "collapse"
    )
    assert "a near twin, 0% as far away as real pictures" in finding.sentence


def test_without_real_pictures_the_run_is_compared_with_itself():
    made = still(networks=networks(), average_decay=None)  # an average would collapse later
    monitor = TrainingMonitor(after_steps=0, tell=None)

    def collapse(epoch, logs=None):
        if epoch == 3:
            constant(made.generator.layers[-2])

    fit(made, epochs=6, steps=1, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=collapse), monitor])
    found = [(each.epoch, each.sentence) for each in monitor.findings if each.kind == "collapse"]
    assert [epoch for epoch, _ in found] == [5]
    assert "the best samples of this run" in found[0][1]


def ring(count, seed):
    """Points on eight narrow islands, as in lesson 01."""
    random = np.random.default_rng(seed)
    angles = 2 * np.pi * random.integers(8, size=count) / 8
    centres = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (centres + 0.1 * random.normal(size=(count, 2))).astype("float32")


@pytest.mark.long
@pytest.mark.slow
def test_points_that_gather_on_islands_are_left_in_peace():
    made = gan(networks=lambda: (ring_generator(latent_dim=2), ring_discriminator()), optimizers=rates(1e-3, 1e-3))
    points = tf.data.Dataset.from_tensor_slices(ring(256 * 100, seed=1)).batch(256).repeat()
    monitors = [TrainingMonitor(real, tell=None) for real in (None, ring(500, seed=7))]
    twins = []  # the distance to the nearest other sample
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: twins.append(signals.spread(monitors[0]._samples())[1])
    )
    fit(made, epochs=4, steps=250, data=points, callbacks=[*monitors, look])
    assert max(twins[-2:]) < 0.15 * max(twins)  # so that the test can tell
    assert [monitor.findings for monitor in monitors] == [[], []]


def test_points_that_are_all_alike_are_found_without_real_ones():
    made = still(networks=lambda: (ring_generator(latent_dim=2), ring_discriminator()))
    points = tf.data.Dataset.from_tensor_slices(ring(64, seed=1)).batch(16).repeat()
    monitor = TrainingMonitor(after_steps=0, tell=None)

    def gather(epoch, logs=None):
        if epoch == 1:
            made.generator.layers[-1].kernel.assign(0 * made.generator.layers[-1].kernel)

    gathers = keras.callbacks.LambdaCallback(on_epoch_begin=gather)
    fit(made, epochs=4, data=points, callbacks=[monitor, gathers])
    assert kinds(monitor) == ["collapse"]
    assert "samples differ from each other" in monitor.findings[0].sentence


@pytest.mark.long
@pytest.mark.slow
def test_a_young_generator_may_draw_alike():
    made = still(networks=networks(constant))
    assert "collapse" not in kinds(watched(made, epochs=4, after_steps=2))  # until step 10; 8 were made
    assert "collapse" in kinds(watched(made, epochs=4, after_steps=2))


@pytest.mark.long
@pytest.mark.slow
def test_each_class_is_looked_at_by_itself():
    def label_alone():
        first, second = conditional()
        dense = next(layer for layer in first.layers if isinstance(layer, layers.Dense))
        dense.kernel.assign(tf.concat([tf.zeros([LATENT, 8]), 30 * dense.kernel[LATENT:]], axis=0))
        return first, second

    labels = np.arange(200) % 3
    monitor = watched(still(networks=label_alone), data=with_labels(), real_labels=labels)
    finding = next(each for each in monitor.findings if each.kind == "collapse")
    assert "0% as much as real pictures" in finding.sentence
    assert np.unique(monitor.labels, return_counts=True)[1].tolist() == [22, 21, 21]
    samples = monitor._samples()
    assert signals.spread(samples)[0] > 0.5 * signals.spread(REAL)[0]  # over all classes nothing is to be seen


@pytest.mark.long
@pytest.mark.slow
def test_classes_that_vary_are_left_in_peace():
    labels = np.arange(200) % 3
    monitor = watched(gan(networks=conditional), data=with_labels(), real_labels=labels, epochs=3, steps=60)
    assert monitor.findings == []


def test_labels_to_draw_with_can_be_given_alone():
    monitor = watched(still(networks=conditional), data=with_labels(), labels=np.array([2, 0]))
    assert monitor.labels[:3].tolist() == [2, 0, 2]
    assert "collapse" not in kinds(monitor)


def test_pixels_at_the_ends_of_tanh():
    def far(layer):
        layer.bias.assign(tf.where(tf.range(16) % 2 == 0, 20.0, -20.0))

    finding = next(each for each in watched(still(networks=networks(far))).findings if each.kind == "saturation")
    assert "100.0% of its values lie at tanh's limits" in finding.sentence


@pytest.mark.long
@pytest.mark.slow
def test_pictures_that_are_black_and_white_themselves():
    def steep(layer):
        layer.kernel.assign(300 * layer.kernel)

    real = np.where(np.random.default_rng(0).random(REAL.shape) < 0.05, REAL, np.sign(REAL))  # as in a scanned text
    assert "saturation" not in kinds(watched(still(networks=networks(steep)), real=real.astype("float32")))
    assert "saturation" in kinds(watched(still(networks=networks(steep)), real=REAL))


@pytest.mark.parametrize(("name", "expected"), [("minimax", True), ("non_saturating", False)])
def test_a_generator_loss_that_is_flat(name, expected):
    made = still(networks=networks(), **pair(name))
    made.discriminator.layers[-1].bias.assign([-9.0])
    sentences = " ".join(each.sentence for each in watched(made).findings)
    assert ("The generator's loss is saturated: at the mean logit of its pictures, -9" in sentences) is expected


# --- NaN


def exploding(model, after):
    """Multiplies a weight of the generator until it is infinite, after so many batches."""

    def explode(batch, logs=None):
        if int(model.iteration.numpy()) == after:
            weight = model.generator.trainable_weights[0]
            weight.assign(weight * np.float32(np.nan))

    return keras.callbacks.LambdaCallback(on_train_batch_end=explode)


def state(model):
    return [*weights(model), *moments(model.generator_optimizer), *moments(model.discriminator_optimizer)]


@pytest.mark.long
@pytest.mark.slow
def test_nan_stops_the_training_and_the_last_good_state_is_back():
    made, monitor = gan(run_eagerly=True), TrainingMonitor(check_every=2, tell=None)
    history = fit(made, epochs=5, steps=3, data=batches(steps=3), callbacks=[monitor, exploding(made, after=7)])
    assert len(history.epoch) == 3
    assert kinds(monitor) == ["not_finite"]
    assert "d_loss is NaN or infinite" in monitor.findings[0].sentence
    assert "as they were after epoch 2" in monitor.findings[0].sentence
    good = gan(run_eagerly=True)
    fit(good, epochs=2, steps=3, data=batches(steps=3))
    assert_same(state(good), state(made))
    fit(made, epochs=1, steps=3, callbacks=[monitor])  # and it goes on
    assert monitor.findings == []
    assert all(np.isfinite(weight).all() for weight in weights(made))


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False])
def test_a_backup_beside_it_holds_the_good_weights(first, tmp_path):
    made, monitor = gan(run_eagerly=True), TrainingMonitor(check_every=20, tell=None)
    backup = TrainingBackup(tmp_path / "backup.weights.h5", tell=None)
    # After the last batch of epoch 2, so that only the look at the epoch's end finds it.
    watching = [exploding(made, after=6), *([monitor, backup] if first else [backup, monitor])]
    fit(made, epochs=3, steps=3, data=batches(steps=3), callbacks=watching)
    assert [(each.kind, each.epoch) for each in monitor.findings] == [("not_finite", 2)]
    resumed, again = gan(start=8, run_eagerly=True), TrainingBackup(backup.path)
    assert again.restore(resumed) == 1
    assert int(resumed.iteration.numpy()) == 3
    assert [len(values) for values in again.history.values()] == [1] * len(again.history)
    good = gan(run_eagerly=True)
    fit(good, epochs=1, steps=3, data=batches(steps=3))
    assert_same(state(good), state(resumed))


def test_it_stops_within_so_many_batches():
    made, monitor, seen = gan(run_eagerly=True), TrainingMonitor(check_every=3, tell=None), []
    counter = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    fit(made, epochs=1, steps=40, callbacks=[counter, exploding(made, after=4), monitor])
    assert len(seen) == 6  # spoiled after 4, in the logs after 5, looked for after 3, 6, 9 ...


def test_a_learning_rate_out_of_all_reason():
    made = gan(
        optimizers=lambda: {name: keras.optimizers.SGD(1e30) for name in ("generator", "discriminator")},
        run_eagerly=True,
    )
    before = weights(made)
    assert kinds(watched(made)) == ["not_finite"]
    assert_same(before, weights(made))


def test_a_weight_that_no_loss_has_met_yet():
    made, monitor = gan(run_eagerly=True), TrainingMonitor(tell=None)
    fit(made, epochs=1, steps=2, callbacks=[exploding(made, after=2), monitor])
    assert "A weight is NaN" in monitor.findings[0].sentence
    assert "as they were before the training" in monitor.findings[0].sentence
    assert all(np.isfinite(weight).all() for weight in weights(made))


# --- float16


def test_large_numbers_in_a_float16_discriminator(precision):
    def large():
        precision("mixed_float16")
        first, second = generator(normalised=False), discriminator(normalised=False)
        second.layers[-1].kernel.assign(3e4 * second.layers[-1].kernel)
        return first, second

    monitor = watched(still(networks=large, optimizers=rates(0.0, 1e-9)), epochs=1)
    assert kinds(monitor) == ["near_float16_limit"]
    assert "Compute in bfloat16 or float32" in monitor.findings[0].sentence


def test_they_are_no_trouble_in_float32():
    made = still(networks=networks(), optimizers=rates(0.0, 1e-9))
    made.discriminator.layers[-1].kernel.assign(3e4 * made.discriminator.layers[-1].kernel)
    assert "near_float16_limit" not in kinds(watched(made, epochs=2))


def test_usual_numbers_are_no_trouble_in_float16(precision):
    precision("mixed_float16")
    assert "near_float16_limit" not in kinds(watched(gan(run_eagerly=True)))


# --- restoration


def restored(model, epochs=3, **kwargs):
    monitor = TrainingMonitor(**({"after_steps": 0, "tell": None} | kwargs))
    model.fit(small_restorations.pairs(), epochs=epochs, steps_per_epoch=2, verbose=0, callbacks=[monitor])
    return monitor


@pytest.mark.long
@pytest.mark.slow
def test_restoration_with_and_without_a_discriminator():
    assert restored(small_restorations.regression(run_eagerly=True)).findings == []
    assert restored(small_restorations.adversarial(run_eagerly=True)).findings == []


def test_nan_in_a_restoration_without_a_discriminator():
    made = small_restorations.regression(optimizer=keras.optimizers.SGD(1e38), run_eagerly=True)
    before = weights(made)
    assert kinds(restored(made)) == ["not_finite"]
    assert_same(before, weights(made))


@pytest.mark.long
@pytest.mark.slow
def test_a_discriminator_of_restoration_that_always_wins_has_longer():
    def findings(**kwargs):
        model = small_restorations.adversarial(run_eagerly=True, **kwargs)
        constant = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(d_loss=0.01))
        monitor = TrainingMonitor(after_steps=0, tell=None)
        model.fit(small_restorations.pairs(), epochs=5, steps_per_epoch=1, verbose=0, callbacks=[constant, monitor])
        return [(each.kind, each.epoch) for each in monitor.findings]

    assert findings() == [("discriminator_too_strong", 4)]
    assert findings(adversarial_weight=0.0) == []  # nobody listens to it


# --- telling


def test_each_kind_is_told_once_and_again_when_it_comes_back(capsys):
    model, monitor = gan(run_eagerly=True), TrainingMonitor(after_steps=0, patience=1)
    values = iter([0.01, 0.01, 0.7, 0.01, 0.01])
    curve = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(d_loss=next(values)))
    fit(model, epochs=5, steps=1, callbacks=[curve, monitor])
    strong = [each for each in monitor.findings if each.kind == "discriminator_too_strong"]
    assert [each.epoch for each in strong] == [1, 4]
    assert f"Monitor, epoch 4: {strong[1].sentence}" in capsys.readouterr().out.splitlines()


def test_it_waits_for_the_first_steps():
    assert watched(still(optimizers=rates(discriminator=0.0)), after_steps=7).findings == []


@pytest.mark.long
@pytest.mark.slow
def test_limits_can_be_chosen():
    monitor = watched(still(), limits=Limits(too_sure=-9.0))
    assert "discriminator_too_strong" in kinds(monitor)


# --- what cannot be used


def test_a_scheme_that_it_does_not_know():
    model = NaiveGAN(generator(), discriminator())
    model.compile(*adam().values())
    with pytest.raises(TypeError, match=r"came with a NaiveGAN, but it knows training.GAN and training.Restoration"):
        fit(model, callbacks=[TrainingMonitor()])


def test_a_scheme_of_ours_that_logs_less():
    class Quiet(GAN):
        def train_step(self, data):
            return {"d_loss": super().train_step(data)["d_loss"]}

    model = Quiet(generator(), discriminator(), seed=3)
    model.compile(adam(), run_eagerly=True)
    with pytest.raises(
        TypeError, match="needs d_real, d_fake among what a training step logs, but Quiet logs only d_loss"
    ):
        fit(model, callbacks=[TrainingMonitor()])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"real": REAL[:5]}, "at least 16"),
        ({"real": REAL.astype(int)}, "int64 came; uint8, or finite floats"),
        ({"real": np.where(REAL > 0.9, np.nan, REAL)}, "finite floats"),
        ({"real": (REAL + 1) / 2}, "images.to_network"),
        ({"real": REAL, "real_labels": np.zeros(3, int)}, "3 labels came with 200 real pictures"),
        ({"real": REAL, "real_labels": np.zeros(200)}, "dtype float64; whole numbers"),
        ({"real": REAL, "real_labels": np.eye(200, dtype=int)[0]}, "Of class 1 there are 1 real pictures"),
        ({"labels": np.zeros((3, 2), int)}, r"shape \(3, 2\)"),
        ({"labels": np.arange(20), "count": 16}, "16 samples are drawn for 20 classes; at least 2 of each"),
        ({"labels": np.arange(12), "count": 16}, "16 samples are drawn for 12 classes; at least 2 of each"),
        (
            {"real": REAL, "real_labels": np.arange(200) % 3, "labels": np.array([0, 7, 8])},
            "no real pictures of 7, 8 among the classes to draw",
        ),
        ({"count": 3}, "count, patience and check_every are 3, 2 and 20"),
        ({"patience": 0}, "at least 16, 1 and 1"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        TrainingMonitor(**arguments)


def test_pictures_and_labels_must_fit_the_generator():
    with pytest.raises(ValueError, match=r"of shape \(4, 4, 3\), but the generator makes \(4, 4, 1\)"):
        watched(gan(), real=np.repeat(REAL, 3, axis=-1))
    with pytest.raises(ValueError, match="takes labels, but the monitor has none"):
        watched(gan(networks=conditional), data=with_labels())
    with pytest.raises(ValueError, match="this generator takes none"):
        watched(gan(), labels=np.arange(3))
