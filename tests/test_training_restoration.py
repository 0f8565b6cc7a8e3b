"""training: `Restoration`: its terms and their weights, masks, validation, backup, XLA and half precision."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_gans import assert_same, differ, moments, weights
from small_restorations import (
    BATCH,
    SIDE,
    adversarial,
    degrade,
    discriminator,
    generator,
    one_step,
    pairs,
    perceptual,
    regression,
    with_hole,
)

from gan_lib import losses
from gan_lib.callbacks import TrainingBackup
from gan_lib.networks.denoiser import denoiser
from gan_lib.training import Restoration

PIXEL_LOGS = {"g_loss", "g_pixel", "pixel_weight", "psnr"}
ADVERSARIAL_LOGS = PIXEL_LOGS | {"d_loss", "d_real", "d_fake", "g_adv", "adversarial_weight"}
ALL_LOGS = ADVERSARIAL_LOGS | {"g_perceptual", "perceptual_weight", "g_checkerboard", "checkerboard_weight"}


def batch(what=degrade):
    return next(iter(pairs(what)))


def fit(model, epochs=1, steps=3, data=None, **kwargs):
    return model.fit(pairs() if data is None else data, epochs=epochs, steps_per_epoch=steps, verbose=0, **kwargs)


def evaluated(model, data):
    """Numbers, also on Keras 3.13, which returns tensors."""
    return {key: float(value) for key, value in model.evaluate(data, return_dict=True, verbose=0).items()}


def state(model):
    parts = weights(model)
    for name in model.network_names:
        parts += moments(getattr(model, f"{name}_optimizer"))
    return parts


def trainable(network):
    return [variable.numpy() for variable in network.trainable_variables]


# --- terms, weights, logs


def test_each_term_is_logged_with_its_weight_and_the_total_is_their_sum():
    chosen = {"pixel_weight": 3.0, "adversarial_weight": 0.2, "perceptual_weight": 0.7, "checkerboard_weight": 50.0}
    further = {"perceptual_loss": perceptual, "checkerboard_loss": losses.checkerboard_loss(2, blocks=2)}
    logs = one_step(adversarial(**further, **chosen), batch())
    assert set(logs) == ALL_LOGS
    assert {key: logs[key] for key in chosen} == pytest.approx(chosen)
    assert min(logs["g_pixel"], logs["g_adv"], logs["g_perceptual"]) > 0.01
    total = 3.0 * logs["g_pixel"] + 0.2 * logs["g_adv"] + 0.7 * logs["g_perceptual"] + 50 * logs["g_checkerboard"]
    assert 50 * logs["g_checkerboard"] > 0.01
    assert logs["g_loss"] == pytest.approx(total, rel=1e-5)


def test_the_terms_are_those_of_the_networks():
    model, (inputs, clean) = adversarial(perceptual_loss=perceptual, perceptual_weight=1.0), batch()
    restored = model.generator(inputs, training=True)
    judged = [model.discriminator([inputs[0], picture], training=True) for picture in (clean, restored)]
    expected = {
        "d_loss": losses.non_saturating_discriminator_loss(*judged),
        "d_real": tf.reduce_mean(judged[0]),
        "d_fake": tf.reduce_mean(judged[1]),
        "g_pixel": tf.reduce_mean(tf.abs(restored - clean)),
        "g_perceptual": perceptual(restored, clean),
    }
    logs = one_step(model, (inputs, clean))
    for key, value in expected.items():
        assert logs[key] == pytest.approx(float(value), rel=1e-4), key


def test_a_penalty_is_added_to_the_discriminators_loss_and_logged():
    settings = {"penalty": losses.r1_penalty, "penalty_weight": 0.5}
    model, (inputs, clean) = adversarial(**settings), batch()
    slope = losses.r1_penalty(lambda pictures: model.discriminator([inputs[0], pictures], training=True), clean)
    plain = one_step(adversarial(), (inputs, clean))
    logs = one_step(model, (inputs, clean))
    assert set(logs) == set(plain) | {"d_penalty"}
    assert logs["d_penalty"] == pytest.approx(0.5 * float(slope), rel=1e-4) and float(slope) > 1e-3
    assert logs["d_loss"] == pytest.approx(plain["d_loss"] + logs["d_penalty"], rel=1e-4)
    assert "d_penalty" not in one_step(regression(**settings), (inputs, clean))


def test_without_a_discriminator_there_are_pixel_terms_only():
    model = regression()
    assert not model.adversarial
    logs = one_step(model, batch())
    assert set(logs) == PIXEL_LOGS
    assert logs["g_loss"] == pytest.approx(logs["g_pixel"])
    with_perception = regression(perceptual_loss=perceptual, perceptual_weight=0.5)
    assert set(one_step(with_perception, batch())) == PIXEL_LOGS | {"g_perceptual", "perceptual_weight"}
    # A perceptual loss of weight 0 is left out, and costs nothing.
    assert set(one_step(regression(perceptual_loss=perceptual), batch())) == PIXEL_LOGS


def test_the_chosen_pixel_loss_counts():
    inputs, clean = batch()
    squared = one_step(regression(pixel_loss=losses.mean_squared_error), (inputs, clean))
    restored = regression().generator(inputs)
    assert squared["g_pixel"] == pytest.approx(float(tf.reduce_mean(tf.square(restored - clean))), rel=1e-5)


@pytest.mark.slow
def test_fit_logs_means_of_the_epoch_and_validation_has_its_own_keys():
    model = adversarial()
    history = fit(model, epochs=2, validation_data=pairs(seed=9), validation_steps=2).history
    assert set(history) == ADVERSARIAL_LOGS | {"val_g_pixel", "val_psnr", "val_ssim"}
    assert all(np.isfinite(values).all() and len(values) == 2 for values in history.values())
    assert int(model.iteration.numpy()) == 6


def test_the_adversarial_term_waits_while_the_discriminator_learns():
    inputs, clean = batch()
    waiting, alone = adversarial(adversarial_weight=0.5, adversarial_from=2), regression()
    assert_same(weights(waiting.generator), weights(alone.generator))
    before = trainable(waiting.discriminator)
    logs = [one_step(waiting, (inputs, clean)) for _ in range(2)]
    for _ in range(2):
        one_step(alone, (inputs, clean))
    assert [step["adversarial_weight"] for step in logs] == [0, 0]
    assert all(step["g_loss"] == pytest.approx(step["g_pixel"]) and step["g_adv"] > 0.01 for step in logs)
    assert all((new != old).any() for new, old in zip(trainable(waiting.discriminator), before, strict=True))
    # So far this generator has heard nothing of it.
    assert_same(weights(waiting.generator), weights(alone.generator), atol=1e-6)
    logs = one_step(waiting, (inputs, clean))
    one_step(alone, (inputs, clean))
    assert logs["adversarial_weight"] == 0.5
    assert logs["g_loss"] == pytest.approx(logs["g_pixel"] + 0.5 * logs["g_adv"], rel=1e-5)
    apart = zip(weights(waiting.generator), weights(alone.generator), strict=True)
    assert max(np.abs(one - other).max() for one, other in apart) > 1e-4


@pytest.mark.parametrize("still, moves", [("generator", "discriminator"), ("discriminator", "generator")])
def test_each_update_moves_its_own_network_only(still, moves):
    model = adversarial()
    getattr(model, f"{still}_optimizer").learning_rate = 0.0
    before = {name: trainable(getattr(model, name)) for name in (still, moves)}
    one_step(model, batch())
    assert_same(trainable(getattr(model, still)), before[still])
    assert all((new != old).any() for new, old in zip(trainable(getattr(model, moves)), before[moves], strict=True))


def test_the_discriminator_is_conditional_if_it_has_two_inputs():
    inputs, clean = batch()
    other = (inputs[0] * 0.5, inputs[1])
    for conditional in (True, False):
        model = adversarial(conditional=conditional)
        assert model.conditional is conditional
        assert set(one_step(model, (inputs, clean))) == ADVERSARIAL_LOGS
        judged = [model._judge(degraded, clean).numpy() for degraded in (inputs, other)]
        assert bool(np.abs(judged[0] - judged[1]).max() > 1e-4) is conditional


def test_a_generator_of_one_input():
    def plain(clean, seed):
        (noisy, _), clean = degrade(clean, seed)
        return noisy, clean

    model = adversarial(level=False)
    assert set(fit(model, data=pairs(plain)).history) == ADVERSARIAL_LOGS
    noisy, _ = batch(plain)
    np.testing.assert_array_equal(model(noisy), model.generator(noisy))


def test_the_average_follows_the_generator():
    model = regression(average_decay=0.9)
    fit(model, steps=3)
    inputs, _ = batch()
    sampler = model.sampling_generator()
    assert float(tf.reduce_max(tf.abs(sampler(inputs) - model(inputs)))) > 1e-5
    assert sampler.count_params() == model.generator.count_params()


# --- masks


def test_known_pixels_are_the_degraded_pictures_own_bit_by_bit():
    model, (degraded, clean, mask) = regression(level=False), batch(with_hole)
    restored = model.restore(degraded, mask)
    missing = np.broadcast_to(mask.numpy() > 0, clean.shape)
    np.testing.assert_array_equal(restored.numpy()[~missing], degraded.numpy()[~missing])
    np.testing.assert_array_equal(restored.numpy()[missing], model.generator(degraded).numpy()[missing])
    assert differ([restored.numpy()[missing]], [degraded.numpy()[missing]])
    # Without the mask they would be the generator's.
    assert differ([model.restore(degraded).numpy()[~missing]], [degraded.numpy()[~missing]])


def test_the_pixel_term_counts_missing_pixels_only():
    model, (degraded, clean, mask) = regression(level=False), batch(with_hole)
    missing = np.broadcast_to(mask.numpy() > 0, clean.shape)
    expected = np.abs(model.generator(degraded).numpy() - clean.numpy())[missing].mean()
    # Whatever lies where pixels are known cannot matter.
    elsewhere = tf.where(mask > 0.5, clean, 5.0 * clean)
    assert one_step(model, (degraded, elsewhere, mask))["g_pixel"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_with_a_mask_everything_else_sees_the_pasted_picture():
    def seen(model, data):
        shown = []
        judge = model.discriminator.call
        model.discriminator.call = lambda inputs, **kwargs: (shown.append(inputs[1]), judge(inputs, **kwargs))[1]
        one_step(model, data)
        return shown

    model, (degraded, clean, mask) = adversarial(level=False), batch(with_hole)
    pasted = model.restore(degraded, mask).numpy()
    real, fake, again = seen(model, (degraded, clean, mask))
    np.testing.assert_array_equal(real, clean)
    np.testing.assert_allclose(fake, pasted, atol=1e-6)
    np.testing.assert_allclose(again, pasted, atol=1e-6)
    history = fit(model, data=pairs(with_hole), validation_data=pairs(with_hole), validation_steps=1).history
    assert np.isfinite(history["val_psnr"][0])


def test_a_mask_without_a_hole_gives_finite_numbers():
    model, (_, clean, mask) = regression(level=False), batch(with_hole)
    before = weights(model.generator)
    logs = one_step(model, (clean, clean, tf.zeros_like(mask)))
    assert logs["g_pixel"] == 0
    assert logs["psnr"] == 100
    assert_same(weights(model.generator), before)


# --- learning, validation, checkpoints


def test_it_overfits_one_batch():
    inputs, clean = batch()
    model = regression(optimizer=keras.optimizers.Adam(0.02))
    history = fit(model, epochs=6, steps=10, data=tf.data.Dataset.from_tensors((inputs, clean)).repeat()).history
    assert history["g_pixel"][-1] < 0.5 * history["g_pixel"][0]
    assert history["psnr"][-1] > history["psnr"][0] + 3


def test_validation_is_computed_in_inference_mode_and_changes_nothing():
    model = regression(dropout=0.5)
    data = tf.data.Dataset.from_tensors(batch())
    before = weights(model)
    first, second = (evaluated(model, data) for _ in range(2))
    assert first == second
    assert set(first) == {"g_pixel", "psnr", "ssim"}
    assert_same(weights(model), before)
    inputs, clean = batch()
    error = np.square(np.round(np.clip(model(inputs) * 0.5 + 0.5, 0, 1) * 255) / 255 - (clean.numpy() * 0.5 + 0.5))
    expected = np.mean(-10 * np.log10(error.mean(axis=(1, 2, 3))))
    assert first["psnr"] == pytest.approx(expected, abs=0.02)  # the truth is rounded to 8 bit as well
    assert 0 < first["ssim"] < 1


@pytest.mark.slow
def test_the_best_weights_by_val_psnr_are_kept(tmp_path):
    path = tmp_path / "best.weights.h5"
    best = keras.callbacks.ModelCheckpoint(
        path, monitor="val_psnr", mode="max", save_best_only=True, save_weights_only=True
    )
    model = regression()

    def spoil(epoch, logs):
        if epoch == 2:
            model.generator.layers[-2].kernel.assign_add(tf.ones_like(model.generator.layers[-2].kernel))

    spoiling = keras.callbacks.LambdaCallback(on_epoch_begin=spoil)
    held_out = tf.data.Dataset.from_tensors(batch())
    history = fit(model, epochs=3, validation_data=held_out, callbacks=[spoiling, best]).history
    assert np.argmax(history["val_psnr"]) == 1
    assert history["val_psnr"][2] < history["val_psnr"][0]
    fresh = regression(start=8)
    fresh.load_weights(path)
    restored = evaluated(fresh, held_out)
    assert restored["psnr"] == pytest.approx(history["val_psnr"][1], abs=1e-3)


def test_a_perfect_picture_does_not_make_the_mean_infinite():
    model = Restoration(denoiser(channels=4, blocks=1))
    model.compile({"generator": keras.optimizers.Adam(1e-3)})
    (noisy, level), clean = batch()
    half_perfect = tf.concat([clean[:2], noisy[2:]], axis=0)
    found = evaluated(model, tf.data.Dataset.from_tensors(((half_perfect, level), clean)))
    assert 50 < found["psnr"] < 70
    assert one_step(model, ((clean, level), clean))["psnr"] == 100


KINDS = {
    "regression, Dropout": lambda **kwargs: regression(dropout=0.5, **kwargs),
    "adversarial, averages": lambda **kwargs: adversarial(average_decay=0.9, adversarial_from=4, **kwargs),
}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(kind, tmp_path):
    make, path = KINDS[kind], tmp_path / "backup.weights.h5"
    straight = make(run_eagerly=True)
    whole = fit(straight, epochs=2).history

    fit(make(run_eagerly=True), callbacks=[TrainingBackup(path)])
    resumed, backup = make(start=99, run_eagerly=True), TrainingBackup(path)
    done = backup.restore(resumed)
    assert done == 1
    fit(resumed, epochs=2, initial_epoch=done, data=pairs(first_epoch=done), callbacks=[backup])
    assert_same(state(resumed), state(straight))
    assert backup.history == pytest.approx({key: pytest.approx(values) for key, values in whole.items()})
    # And the second epoch's batches are others than the first one's.
    again = make(start=99, run_eagerly=True)
    TrainingBackup(path).restore(again)  # holds both epochs by now
    assert int(again.iteration.numpy()) == 6
    first, second = (next(iter(pairs(first_epoch=epoch)))[1].numpy() for epoch in (0, 1))
    assert (first != second).any()


# --- XLA and half precision


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [regression, adversarial, partial(adversarial, penalty=losses.r1_penalty, penalty_every=2)],
    ids=["L1 only", "adversarial", "lazy R1"],
)
def test_xla_ends_at_the_same_weights(make):
    plain, compiled = (make(jit_compile=jit) for jit in (False, True))
    assert (plain.jit_compile, compiled.jit_compile) == (False, True)
    start = weights(plain.generator)
    logs = [fit(model, steps=2).history for model in (plain, compiled)]
    assert_same(weights(compiled.generator), weights(plain.generator), rtol=1e-3, atol=2e-4)
    assert differ(weights(plain.generator), start)
    for key, values in logs[0].items():
        assert logs[1][key] == pytest.approx(values, rel=1e-3, abs=1e-4), key


@pytest.mark.long
@pytest.mark.slow
def test_xla_compiles_masks_and_the_further_terms():
    further = {"perceptual_loss": perceptual, "checkerboard_loss": losses.checkerboard_loss(2, blocks=2)}
    weights_of = {"perceptual_weight": 1.0, "checkerboard_weight": 1.0}
    model = adversarial(level=False, jit_compile=True, **further, **weights_of)
    assert model.jit_compile
    history = fit(model, data=pairs(with_hole), validation_data=pairs(with_hole), validation_steps=1).history
    assert set(history) >= ALL_LOGS | {"val_psnr"}
    assert all(np.isfinite(values).all() for values in history.values())


@pytest.mark.slow
def test_both_optimizers_are_wrapped_for_float16(precision):
    precision("mixed_float16")
    model = adversarial(perceptual_loss=perceptual, perceptual_weight=0.1)
    for name in ("generator", "discriminator"):
        assert isinstance(getattr(model, f"{name}_optimizer"), keras.optimizers.LossScaleOptimizer)
    before = {name: trainable(getattr(model, name)) for name in model.network_names}
    history = fit(model, epochs=2).history
    assert all(np.isfinite(values).all() for values in history.values())
    for name in model.network_names:
        after = trainable(getattr(model, name))
        assert all((new != old).any() for new, old in zip(after, before[name], strict=True))
        assert all(np.isfinite(weight).all() for weight in after)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("make", [regression, adversarial])
def test_bfloat16_is_finite_and_needs_no_scaling(make, precision):
    precision("mixed_bfloat16")
    model = make()
    assert not isinstance(model.generator_optimizer, keras.optimizers.LossScaleOptimizer)
    history = fit(model, epochs=2, validation_data=pairs(), validation_steps=1).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert model(batch()[0]).dtype == tf.float32


# --- bad arguments


@pytest.mark.parametrize("name", ["pixel_weight", "adversarial_weight", "perceptual_weight", "checkerboard_weight"])
def test_weights_of_terms_are_not_negative(name):
    with pytest.raises(ValueError, match=f"{name} is -0.1; 0 .* or more was expected"):
        adversarial(**{name: -0.1})


@pytest.mark.parametrize("name", ["perceptual", "checkerboard"])
def test_a_weight_asks_for_its_loss(name):
    with pytest.raises(ValueError, match=f"{name}_weight is 0.5, but no {name}_loss came"):
        regression(**{f"{name}_weight": 0.5})


def test_optimizers_are_named_like_the_networks():
    with pytest.raises(ValueError, match=r"the networks are \['generator'\]"):
        Restoration(generator()).compile({n: keras.optimizers.Adam(1e-3) for n in ("generator", "discriminator")})
    with pytest.raises(ValueError, match=r"the networks are \['discriminator', 'generator'\]"):
        Restoration(generator(), discriminator()).compile({"generator": keras.optimizers.Adam(1e-3)})


# --- two replicas

REPLICAS = """
import json
import tensorflow as tf

parts = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)

import keras
import numpy as np
from small_gans import weights
from small_restorations import discriminator, generator, pairs
from gan_lib.training import Restoration


def run():
    keras.utils.set_random_seed(7)
    model = Restoration(generator(), discriminator(normalised=False), seed=3)
    model.compile({name: keras.optimizers.SGD(0.05) for name in model.network_names}, adversarial_weight=0.5)
    start = weights(model)
    data = pairs().take(2)
    logs = model.fit(data, epochs=1, verbose=0, validation_data=pairs().take(1)).history
    return start, weights(model), logs


def largest(first, second):
    return max(float(np.abs(one - other).max()) for one, other in zip(first, second) if one.shape)


start, single, single_logs = run()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    begin, double, double_logs = run()
print(json.dumps({"start": largest(begin, start), "end": largest(double, single), "moved": largest(single, start),
                  "logs": [single_logs, double_logs]}))
"""


@pytest.mark.long
@pytest.mark.slow
def test_two_replicas_end_where_one_does():
    tests = Path(__file__).resolve().parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)])}
    done = subprocess.run([sys.executable, "-c", REPLICAS], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["start"] == 0
    assert found["moved"] > 1e-3
    assert found["end"] < 1e-5
    single, double = found["logs"]
    for key in ("g_loss", "d_loss", "psnr", "val_psnr"):
        assert double[key] == pytest.approx(single[key], rel=1e-3), key
    assert (BATCH, SIDE) == (4, 16)  # two pictures for each replica
