"""The protocol "inpaint"."""

import json
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gan_lib import __main__ as command_line
from gan_lib import baselines, degradations, evaluation, images, metrics, restoring, weights
from gan_lib.datasets import bundled_photographs
from gan_lib.networks.denoiser import denoiser
from gan_lib.networks.inpainter import inpainter

SMALL = {"widths": [8, 8, 8], "dilations": [1]}


@pytest.fixture(scope="module")
def pictures():
    bundled = bundled_photographs("train")
    return {name: bundled[name] for name in ("astronaut", "coffee")}


@pytest.fixture
def saved(tmp_path):
    card = {name: "of a test" for name in weights.CARD_FIELDS if name not in ("name", "parameters")}
    card |= {
        "builder": {"function": "inpainter.inpainter", "arguments": SMALL},
        "trained_side": 128,
        "trained_hole": 64,
    }
    return weights.save_released(inpainter(**SMALL), "mine", card, tmp_path)


def test_the_scene_is_what_pillow_makes_of_the_whole_picture(pictures):
    picture = pictures["coffee"]  # 400 x 600
    scene = evaluation.small_square(picture)
    expected = np.asarray(Image.fromarray(picture).resize((192, 128), Image.Resampling.BICUBIC))[:, 32:160]
    assert np.array_equal(scene, expected)
    assert evaluation.small_square(picture[:20, :30, :1]).shape == (128, 128, 1)


def test_rows_are_the_means_of_what_the_measures_say(pictures):
    measured = evaluation.evaluate_inpainting(pictures, mask="free-form", methods=["telea", "mean_fill"], worst=1)
    report = measured.report
    assert report["task"] == "inpaint" and report["images"] == 2 and report["mask"] == "free-form"
    assert [row["method"] for row in report["rows"]] == ["telea", "mean_fill"]
    expected = []
    for index, name in enumerate(sorted(pictures)):
        scene, hole = evaluation.small_square(pictures[name]), degradations.free_form(128, 128, index)
        filled = baselines.telea(scene / np.float32(255), hole)
        expected.append([float(m(filled, scene, hole)[0]) for m in (metrics.hole_psnr, metrics.hole_ssim)])
        expected[-1] += [float(metrics.psnr(filled, scene)[0]), float(metrics.ssim(filled, scene)[0])]
    row = report["rows"][0]
    found = [row[key] for key in ("hole_psnr", "hole_ssim", "psnr", "ssim")]
    assert found == pytest.approx(np.mean(expected, axis=0).tolist(), abs=1e-3)
    assert list(row) == ["method", "hole_psnr", "hole_ssim", "psnr", "ssim", "perceptual", "seconds_per_megapixel"]
    assert row["perceptual"] > 0 and row["hole_psnr"] > report["rows"][1]["hole_psnr"]
    worst = measured.worst["telea"][0]
    assert worst.psnr == pytest.approx(min(each[0] for each in expected), abs=1e-3)


def test_the_whole_picture_is_six_decibels_above_a_centre_hole(pictures):
    row = evaluation.evaluate_inpainting(pictures, methods=["mean_fill"]).report["rows"][0]
    assert row["psnr"] - row["hole_psnr"] == pytest.approx(10 * np.log10(4), abs=1e-3)


def test_what_a_method_does_to_known_pixels_is_undone(pictures):
    def careless(degraded, mask):
        return np.where(mask > 0, baselines.mean_fill(degraded, mask), np.float32(0))

    methods = {"careless": careless, "careful": baselines.mean_fill}
    careless_row, careful_row = evaluation.evaluate_inpainting(pictures, methods=methods).report["rows"]
    assert [careless_row[key] for key in ("hole_psnr", "psnr")] == [careful_row[key] for key in ("hole_psnr", "psnr")]


def test_the_seed_draws_other_strokes(pictures):
    first, same, other = (
        evaluation.evaluate_inpainting(pictures, mask="free-form", methods=["mean_fill"], seed=seed).report
        for seed in (0, 0, 1)
    )
    assert first["rows"][0]["hole_psnr"] == same["rows"][0]["hole_psnr"] != other["rows"][0]["hole_psnr"]
    assert "seed 1" in other["protocol"]


def test_a_network_never_sees_what_is_missing_and_gives_back_what_is_known():
    model = inpainter(**SMALL)
    model.set_weights([np.random.default_rng(2).normal(0, 0.1, w.shape) for w in model.get_weights()])
    method, mask = evaluation.network_inpainter(model), degradations.centre_hole(64, 64)
    clean = np.random.default_rng(0).random((64, 64, 3), np.float32)
    filled = method(np.where(mask > 0, np.float32(0.5), clean), mask)
    assert np.array_equal(filled, method(clean, mask))
    assert np.array_equal(filled[mask[..., 0] == 0], clean[mask[..., 0] == 0])
    inputs = [degradations.remove(images.to_network(clean)[None], mask[None]), tf.constant(mask[None])]
    np.testing.assert_allclose(
        filled[mask[..., 0] == 1], images.from_network(model(inputs))[0].numpy()[mask[..., 0] == 1], atol=1e-5
    )
    assert method(clean[..., :1], mask).shape == (64, 64, 1)


def test_own_weights_are_measured_as_gan_lib(pictures, saved):
    report = evaluation.evaluate_inpainting(pictures, methods=["gan_lib"], weights=saved).report
    assert [row["method"] for row in report["rows"]] == ["gan_lib"] and report["rows"][0]["hole_psnr"] > 10


@pytest.fixture
def broken_opencv(tmp_path, monkeypatch):
    """An OpenCV that is there and does not load, as without the libraries of a desktop."""
    (tmp_path / "site" / "cv2").mkdir(parents=True)
    reason = "libGL.so.1: cannot open shared object file"
    (tmp_path / "site" / "cv2" / "__init__.py").write_text(f"raise ImportError({reason!r})")
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.syspath_prepend(tmp_path / "site")


def test_with_an_opencv_that_does_not_load_its_two_methods_are_left_out(broken_opencv):
    told = []
    found = evaluation.inpainting_methods(tell=told.append)
    assert "telea" not in found and "biharmonic" in found
    (line,) = (line for line in told if "telea and navier_stokes" in line)
    assert "cannot be imported (libGL.so.1: cannot open shared object file). Run: " in line


def test_what_cannot_be_is_refused(pictures):
    with pytest.raises(restoring.SettingsError, match="The mask is 'round'; one of centre, free-form"):
        evaluation.evaluate_inpainting(pictures, mask="round")
    with pytest.raises(restoring.SettingsError, match="There is no method noisy; known are mean_fill, telea"):
        evaluation.evaluate_inpainting(pictures, methods=["noisy"])
    with pytest.raises(restoring.SettingsError, match="The seed is -1; a whole number from 0 up"):
        evaluation.evaluate_inpainting(pictures, seed=-1)


@pytest.mark.slow
def test_the_command_writes_the_table(tmp_path, capsys, saved):
    for number in range(2):
        picture = np.random.default_rng(number).integers(0, 256, (140, 150, 3)).astype(np.uint8)
        images.save_image(tmp_path / "pictures" / f"{number}.png", picture)
    report = tmp_path / "report.json"
    arguments = ["evaluate", "inpaint", "--images", str(tmp_path / "pictures"), "--mask", "centre"]
    assert command_line.main([*arguments, "--json", str(report), "--weights", str(saved)]) == 0
    assert "PSNR in the hole, dB" in capsys.readouterr().out
    rows = json.loads(report.read_text())["rows"]
    assert {"mean_fill", "telea", "navier_stokes", "biharmonic", "gan_lib"} <= {row["method"] for row in rows}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inpaint", "--sigma", "25"], "--sigma came, which is not for the task inpaint"),
        (["inpaint", "--grey"], "--grey came, which is not for the task inpaint"),
        (["denoise", "--mask", "centre"], "--mask came, which is not for the task denoise"),
    ],
)
def test_options_of_the_other_task_are_refused(arguments, words, capsys):
    assert command_line.main(["evaluate", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_weights_for_another_task_are_refused(tmp_path, pictures, saved):
    card = {name: "of a test" for name in weights.CARD_FIELDS if name not in ("name", "parameters")}
    arguments = {"channels": 8, "blocks": 1}
    card |= {"builder": {"function": "denoiser.denoiser", "arguments": arguments}}
    other = weights.save_released(denoiser(**arguments), "other", card, tmp_path)
    with pytest.raises(restoring.SettingsError, match="takes noisy and noise_level; one that takes mask was expected"):
        evaluation.evaluate_inpainting(pictures, methods=["gan_lib"], weights=other)
    with pytest.raises(restoring.SettingsError, match="takes degraded and mask; one that takes noise_level was"):
        evaluation.evaluate_denoising(pictures, methods=["gan_lib"], weights=saved)


@pytest.mark.parametrize("measure", [evaluation.evaluate_denoising, evaluation.evaluate_inpainting])
def test_no_methods_are_not_all_methods(measure, pictures):
    with pytest.raises(restoring.SettingsError, match="No methods came"):
        measure(pictures, methods=[])


def test_strokes_follow_the_index_among_all_files_and_known_pixels_are_exact(tmp_path, pictures):
    # "a" cannot be read; the next two keep the strokes that they had beside it.
    (tmp_path / "a.png").write_text("no picture")
    for name, picture in zip("bc", pictures.values(), strict=True):
        images.save_image(tmp_path / f"{name}.png", picture)
    seen = []

    def method(degraded, mask):
        seen.append((degraded, mask))
        return degraded

    told = []
    report = evaluation.evaluate_inpainting(
        tmp_path, mask="free-form", methods={"mine": method}, tell=told.append
    ).report
    assert report["images"] == 2 and list(report["skipped"]) == ["a.png"] and any("a.png" in line for line in told)
    for index, picture, (degraded, mask) in zip((1, 2), pictures.values(), seen[1:], strict=True):
        assert np.array_equal(mask, degradations.free_form(128, 128, index))
        scene, known = evaluation.small_square(picture) / np.float32(255), mask[..., 0] == 0
        assert np.array_equal(degraded[known], scene[known])
        mean = np.broadcast_to(scene[known].mean(axis=0), degraded[~known].shape)
        np.testing.assert_allclose(degraded[~known], mean, atol=1e-5)


@pytest.mark.slow
def test_the_worst_pictures_are_drawn(tmp_path, pictures, saved, capsys):
    images.save_image(tmp_path / "pictures" / "coffee.png", pictures["coffee"])
    arguments = ["evaluate", "inpaint", "--images", tmp_path / "pictures", "--weights", saved, "--seed", 3]
    status = command_line.main([*map(str, arguments), "--mask", "free-form", "--worst", str(tmp_path / "worst")])
    assert status == 0 and "drawn from seed 3 and the picture's index" in capsys.readouterr().out
    # Of the networks, not of the formulas; whether there is a sharp one depends on what is released.
    names = sorted(path.name for path in (tmp_path / "worst").iterdir())
    assert "gan_lib_worst_1.png" in names and set(names) <= {"gan_lib_sharp_worst_1.png", "gan_lib_worst_1.png"}
