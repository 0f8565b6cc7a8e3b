"""callbacks: sample grids, scores and TensorBoard beside a training."""

import keras
import numpy as np
import pytest
from PIL import Image
from small_gans import LATENT, batches, fit, gan, generator, pictures
from test_training_gan import conditional, with_labels

from gan_lib import images
from gan_lib.callbacks import SampleGrid, ScoreEachEpoch, draw_pictures
from gan_lib.training import draw_latent


def eager(**kwargs):
    return gan(run_eagerly=True, **kwargs)


def test_drawn_pictures_follow_their_seed():
    network = generator()
    drawn = draw_pictures(network, 5, seed=4)
    assert drawn.shape == (5, 4, 4, 1)
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn, draw_pictures(network, 5, seed=4))
    assert (drawn != draw_pictures(network, 5, seed=5)).any()
    made = network(draw_latent(5, LATENT, seed=4), training=False).numpy()
    np.testing.assert_array_equal(drawn, images.to_uint8(images.from_network(made)))


def test_many_pictures_are_drawn_in_parts():
    network = generator()
    drawn = draw_pictures(network, 1003)
    assert len(drawn) == 1003
    made = network(draw_latent(1003, LATENT, seed=0), training=False).numpy()
    np.testing.assert_allclose(drawn, images.to_uint8(images.from_network(made)), atol=1)


def test_labels_choose_what_is_drawn():
    network = conditional()[0]
    first, second = (draw_pictures(network, 3, labels=np.full(3, label)) for label in (0, 1))
    assert (first != second).any()


def test_a_cut_of_keras_epochs_does_not_cut_a_drawing(monkeypatch):
    monkeypatch.setenv("KERAS_MAX_STEPS_PER_EPOCH", "1")  # it would cut predict() short
    assert len(draw_pictures(generator(), 700)) == 700


@pytest.mark.slow
def test_a_grid_after_each_epoch_from_the_same_latents(tmp_path):
    def run(folder):
        model, samples = eager(), SampleGrid(6, seed=2, folder=folder)
        untrained = images.tile(draw_pictures(model.sampling_generator(), 6, seed=2))
        fit(model, epochs=3, callbacks=[samples])
        return model, samples.frames, untrained

    model, frames, untrained = run(tmp_path / "a" / "b")
    assert len(frames) == 4
    assert frames[0].shape == (2 * 4, 3 * 4, 1)
    np.testing.assert_array_equal(frames[0], untrained)
    np.testing.assert_array_equal(frames[3], images.tile(draw_pictures(model.sampling_generator(), 6, seed=2)))
    assert (frames[1] != frames[3]).any()
    for one, other in zip(frames, run(None)[1], strict=True):
        np.testing.assert_array_equal(one, other)
    files = sorted((tmp_path / "a" / "b").iterdir())
    assert [path.name for path in files] == [f"epoch_{number:03d}.png" for number in range(4)]
    for path, frame in zip(files, frames, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), frame[..., 0])


def test_a_grid_shows_the_averaged_generator():
    model, samples = eager(average_decay=0.99), SampleGrid(4)
    fit(model, callbacks=[samples])
    averaged, trained = (
        images.tile(draw_pictures(network, 4)) for network in (model.sampling_generator(), model.generator)
    )
    np.testing.assert_array_equal(samples.frames[-1], averaged)
    assert (averaged != trained).any()


def test_a_grid_now_and_then():
    samples = SampleGrid(4, every=2)
    fit(eager(), epochs=5, steps=1, callbacks=[samples])
    assert len(samples.frames) == 3  # untrained, after 2, after 4


def test_a_resumed_run_keeps_the_picture_of_the_untrained_generator(tmp_path):
    model = eager()
    fit(model, callbacks=[SampleGrid(4, folder=tmp_path)])
    first = (tmp_path / "epoch_000.png").read_bytes()
    samples = SampleGrid(4, folder=tmp_path)  # as in a new session
    fit(model, epochs=2, initial_epoch=1, callbacks=[samples])
    assert (tmp_path / "epoch_000.png").read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch_000.png", "epoch_001.png", "epoch_002.png"]
    assert len(samples.frames) == 1


def test_a_grid_of_asked_labels():
    samples = SampleGrid(3, labels=np.arange(3))
    fit(eager(networks=conditional), data=with_labels(), callbacks=[samples])
    assert len(samples.frames) == 2


def brightness(drawn):
    return {"brightness": float(drawn.mean()), "count": len(drawn)}


def test_a_score_lands_in_the_logs_before_other_callbacks_and_in_the_history(tmp_path):
    model, seen = eager(), []
    reader = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = fit(model, epochs=2, callbacks=[ScoreEachEpoch(brightness, 10, seed=3), reader, log]).history
    assert history["count"] == [10, 10]
    assert [logs["brightness"] for logs in seen] == history["brightness"]
    assert history["brightness"][0] != history["brightness"][1]
    assert history["brightness"][1] == brightness(draw_pictures(model.sampling_generator(), 10, seed=3))["brightness"]
    assert "brightness" in (tmp_path / "log.csv").read_text().splitlines()[0]


def test_a_score_can_be_watched(tmp_path):
    path = tmp_path / "best.weights.h5"
    watching = keras.callbacks.ModelCheckpoint(
        path, monitor="brightness", mode="max", save_best_only=True, save_weights_only=True
    )
    history = fit(eager(), epochs=2, callbacks=[ScoreEachEpoch(brightness, 4), watching]).history
    assert path.exists()
    assert watching.best == pytest.approx(max(history["brightness"]))


@pytest.mark.slow
def test_tensorboard_is_an_ordinary_callback(tmp_path):
    callbacks = [ScoreEachEpoch(brightness, 4), keras.callbacks.TensorBoard(tmp_path)]
    held_out = batches().take(1)
    fit(gan(), epochs=2, callbacks=callbacks, validation_data=held_out)
    events = list(tmp_path.rglob("events.out.tfevents.*"))
    assert {path.parent.name for path in events} == {"train", "validation"}
    text = b"".join(path.read_bytes() for path in events)
    for name in (b"epoch_d_loss", b"epoch_brightness"):
        assert name in text


def test_what_the_pictures_of_these_tests_are():
    assert pictures(3).shape == (3, 4, 4, 1)
    assert np.abs(pictures(64)).max() <= 1.0
