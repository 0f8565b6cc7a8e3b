"""callbacks.TrainingBackup: a run that stops anywhere goes on as if it had not."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from small_gans import LATENT, NAMES, assert_same, batches, differ, discriminator, fit, gan, generator, moments, weights

from gan_lib.callbacks import TrainingBackup

TESTS = Path(__file__).resolve().parent


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "backup.weights.h5"


def state(model):
    parts = weights(model)
    for name in NAMES:
        parts += moments(getattr(model, f"{name}_optimizer"))
    return parts


def with_dropout():
    second = discriminator()
    dropped = keras.layers.Dropout(0.5, seed=11)(second.layers[-2].output)
    return generator(), keras.Model(second.input, second.layers[-1](dropped))


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("networks", [None, with_dropout], ids=["plain", "with Dropout"])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(path, networks):
    straight = gan(networks=networks, run_eagerly=True)
    whole = fit(straight, epochs=2, steps=2).history

    first = TrainingBackup(path)
    assert first.restore(gan(networks=networks)) == 0  # nothing to go on from
    fit(gan(networks=networks, run_eagerly=True), epochs=1, steps=2, callbacks=[first])
    assert os.listdir(path.parent) == [path.name]

    # A new session: another model, which happens to start elsewhere, and another callback.
    resumed, second = gan(networks=networks, start=99, run_eagerly=True), TrainingBackup(path)
    done = second.restore(resumed)
    assert done == 1
    assert int(resumed.iteration.numpy()) == 2
    fit(resumed, epochs=2, steps=2, initial_epoch=done, data=batches().skip(2), callbacks=[second])
    assert_same(state(resumed), state(straight))
    assert second.history == pytest.approx({key: pytest.approx(values) for key, values in whole.items()})
    assert TrainingBackup(path).restore(gan(networks=networks)) == 2


def test_under_loss_scaling(path, precision):
    precision("mixed_float16")
    model, backup = gan(run_eagerly=True), TrainingBackup(path)
    fit(model, callbacks=[backup])
    model.generator_optimizer.dynamic_scale.assign(123.0)
    backup._write(1)
    fresh = gan(start=8)
    backup.restore(fresh)
    assert_same(state(fresh), state(model))
    assert float(fresh.generator_optimizer.dynamic_scale.numpy()) == 123.0


def spoilt(what):
    """Spoils the second epoch of one step: callbacks that come before the backup."""

    def batch_ends(batch, logs):
        if int(model.iteration.numpy()) != 2:
            return
        if what == "weight":
            model.generator.weights[0].assign(np.nan * model.generator.weights[0])
        elif what == "moment":
            model.generator_optimizer.variables[-1].assign(np.inf + model.generator_optimizer.variables[-1])
        elif what == "steps":
            model.iteration.assign(1)

    def epoch_ends(epoch, logs):
        if epoch == 1 and what in logs:
            logs[what] = float("nan")
        logs["of_another_callback"] = float("nan")

    model = gan(run_eagerly=True)
    return model, keras.callbacks.LambdaCallback(on_train_batch_end=batch_ends, on_epoch_end=epoch_ends)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("weight", "a weight or a moment is NaN or infinite"),
        ("moment", "a weight or a moment is NaN or infinite"),
        ("g_loss", "g_loss is NaN or infinite"),
        ("val_d_loss", "val_d_loss is NaN or infinite"),
        ("steps", "its steps were undone"),
    ],
)
@pytest.mark.long
@pytest.mark.slow
def test_an_epoch_that_failed_leaves_the_backup_before(path, what, why):
    (model, spoils), said = spoilt(what), []
    callbacks = [spoils, TrainingBackup(path, tell=said.append)]
    validation = {"validation_data": batches(), "validation_steps": 1} if what.startswith("val_") else {}
    fit(model, epochs=2, steps=1, callbacks=callbacks, **validation)
    assert said == [f"No backup after epoch 2: {why}. backup.weights.h5 is left as it was."]
    resumed, again = gan(start=8), TrainingBackup(path)
    assert again.restore(resumed) == 1
    assert all(len(values) == 1 for values in again.history.values())
    assert all(np.isfinite(part).all() for part in state(resumed))
    assert int(resumed.iteration.numpy()) == 1


@pytest.fixture
def interrupted(path):
    """A backup after one epoch, and the state that it holds."""
    model = gan(run_eagerly=True)
    fit(model, steps=1, callbacks=[TrainingBackup(path)])
    return path, state(model)


def assert_still_whole(path, before):
    fresh = gan(start=8)
    assert TrainingBackup(path).restore(fresh) == 1
    assert_same(state(fresh), before)
    assert os.listdir(path.parent) == [path.name]


def test_a_write_that_is_interrupted_leaves_the_old_backup(interrupted, monkeypatch):
    path, before = interrupted
    whole = keras.Model.save_weights

    def half(self, to, *args, **kwargs):
        whole(self, to, *args, **kwargs)
        Path(to).write_bytes(Path(to).read_bytes()[:2000])
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "save_weights", half)
    with pytest.raises(KeyboardInterrupt):
        fit(gan(run_eagerly=True), steps=1, callbacks=[TrainingBackup(path)])
    monkeypatch.undo()
    assert_still_whole(path, before)


def test_the_backup_of_keras_is_overwritten_in_place(tmp_path, monkeypatch):
    def half(self, filepath, **kwargs):
        Path(filepath).write_bytes(b"half of it")
        raise KeyboardInterrupt

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)

    fit(gan(run_eagerly=True), steps=1, callbacks=[backup()])
    (path,) = tmp_path.rglob("*.weights.h5")
    gan().load_weights(path)  # whole so far
    monkeypatch.setattr(keras.Model, "save_weights", half)
    with pytest.raises(KeyboardInterrupt):
        fit(gan(run_eagerly=True), epochs=2, steps=1, callbacks=[backup()])
    assert path.read_bytes() == b"half of it"


def test_a_disk_that_fills_is_one_sentence(interrupted, monkeypatch):
    path, before = interrupted

    def full(self, to, *args, **kwargs):
        Path(to).write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keras.Model, "save_weights", full)
    with pytest.raises(OSError, match="backup.weights.h5 could not be written: the disk is full. Free some space"):
        fit(gan(run_eagerly=True), steps=1, callbacks=[TrainingBackup(path)])
    monkeypatch.undo()
    assert_still_whole(path, before)


KILLED = """
import os, signal, sys
import keras
from small_gans import fit, gan
from gan_lib.callbacks import TrainingBackup

def half(self, path, *args, **kwargs):
    path.write_bytes(b"half of it")
    os.kill(os.getpid(), signal.SIGKILL)

keras.Model.save_weights = half
fit(gan(run_eagerly=True), steps=1, callbacks=[TrainingBackup(sys.argv[1])])
"""


@pytest.mark.long
@pytest.mark.slow
def test_a_process_that_is_killed_while_writing_leaves_the_old_backup(interrupted):
    path, before = interrupted
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=environment, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    fresh = gan(start=8)
    assert TrainingBackup(path).restore(fresh) == 1
    assert_same(state(fresh), before)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: b"<html>Sign in</html>",
    ],
    ids=["half", "empty", "not HDF5"],
)
def test_a_damaged_backup_is_one_sentence_and_changes_nothing(interrupted, damage):
    path, _ = interrupted
    path.write_bytes(damage(path.read_bytes()))
    model = gan(start=8)
    before = state(model)
    with pytest.raises(ValueError, match="backup.weights.h5 cannot be resumed from: .*Delete it to start anew"):
        TrainingBackup(path).restore(model)
    assert_same(state(model), before)


def test_a_weights_file_that_is_no_backup(interrupted):
    path, _ = interrupted
    gan().save_weights(path)
    with pytest.raises(ValueError, match="cannot be resumed from"):
        TrainingBackup(path).restore(gan())


@pytest.mark.parametrize(
    "other",
    [
        lambda: gan(networks=lambda: (generator(), discriminator(normalised=False)), start=8),
        lambda: gan(average_decay=None, start=8),
        lambda: gan(optimizers=lambda: {name: keras.optimizers.SGD(0.1) for name in NAMES}, start=8),
    ],
    ids=["networks", "averages", "optimizers"],
)
def test_another_model_is_one_sentence_and_changes_nothing(interrupted, other):
    path, _ = interrupted
    model = other()
    before = state(model)
    with pytest.raises(ValueError, match="networks or optimizers differ"):
        TrainingBackup(path).restore(model)
    assert_same(state(model), before)


def test_a_model_that_is_not_compiled(interrupted):
    from gan_lib.training import GAN

    with pytest.raises(ValueError, match="Compile it before restoring"):
        TrainingBackup(interrupted[0]).restore(GAN(generator(), discriminator()))


def test_the_name_ends_as_keras_asks(tmp_path):
    with pytest.raises(ValueError, match=r"called backup.h5; .* ends in .weights.h5"):
        TrainingBackup(tmp_path / "backup.h5")


def test_the_backup_is_also_a_weights_file(interrupted):
    """Keras reads it and passes over what is ours, so trained weights are never locked in."""
    path, before = interrupted
    model = gan(start=8)
    assert differ(weights(model), before[: len(model.weights)])
    model.load_weights(path)
    assert_same(state(model), before)
    assert model.generator.inputs[0].shape == (None, LATENT)
