"""The protocol "super-resolution", its baselines and its measures."""

import json

import numpy as np
import pytest
import skimage.metrics
import tensorflow as tf
from PIL import Image

from gan_lib import __main__ as command_line
from gan_lib import baselines, evaluation, images, metrics, restoring, weights
from gan_lib.datasets import bundled_photographs
from gan_lib.networks.denoiser import denoiser
from gan_lib.networks.upscaler import upscaler

SMALL = {"channels": 8, "blocks": 1}


@pytest.fixture(scope="module")
def pictures():
    bundled = bundled_photographs("train")
    return {"astronaut": bundled["astronaut"][:130, 150:280], "coffee": bundled["coffee"][100:228, 200:331]}


@pytest.fixture
def save(tmp_path):
    def one(scale, name="mine"):
        card = {field: "of a test" for field in weights.CARD_FIELDS if field not in ("name", "parameters")}
        card |= {"builder": {"function": "upscaler.upscaler", "arguments": SMALL | {"scale": scale}}, "scale": scale}
        return weights.save_released(upscaler(scale, **SMALL), name, card, tmp_path)

    return one


@pytest.mark.parametrize("name, decibels", [("chelsea", 31.47), ("rocket", 30.00)])
def test_bicubic_gives_the_known_figures(name, decibels):
    measured = evaluation.evaluate_super_resolution({name: bundled_photographs("held-out")[name]}, methods=["bicubic"])
    assert measured.report["rows"][0]["psnr"] == pytest.approx(decibels, abs=0.01)


def test_luma_of_white_black_and_grey():
    colours = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    luma = metrics.studio_luma(colours).numpy().ravel()
    np.testing.assert_allclose(luma, [235, 16, 81.481, 144.553, 40.966], atol=1e-3)
    grey = np.full((4, 4, 1), 100, np.uint8)
    np.testing.assert_allclose(metrics.studio_luma(grey), metrics.studio_luma(grey.repeat(3, axis=-1)), atol=1e-4)


def test_measures_agree_with_scikit_image(pictures):
    clean = pictures["coffee"]
    restored = np.clip(clean + np.random.default_rng(0).normal(0, 9, clean.shape), 0, 255).astype(np.uint8)
    luma = [metrics.studio_luma(picture).numpy()[5:-5, 5:-5, 0].astype(np.float64) for picture in (restored, clean)]
    expected = skimage.metrics.peak_signal_noise_ratio(*luma, data_range=255)
    assert float(metrics.psnr_y(restored, clean, crop=5)[0]) == pytest.approx(expected, abs=1e-3)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    expected = skimage.metrics.structural_similarity(*luma, **options)
    assert float(metrics.ssim_y(restored, clean, crop=5)[0]) == pytest.approx(expected, abs=1e-3)


def test_psnr_of_the_luma_by_hand():
    clean = np.full((9, 9, 3), 100, np.uint8)
    restored = clean.copy()
    restored[..., 1] += 10  # green counts 128.553 of 255
    expected = 20 * np.log10(255 / (10 / 255 * 128.553))
    assert float(metrics.psnr_y(restored, clean, crop=2)[0]) == pytest.approx(expected, abs=1e-3)
    almost = restored / np.float32(255) + np.float32(0.4 / 255)  # rounded to 8 bit first
    assert float(metrics.psnr_y(almost, clean, crop=2)[0]) == pytest.approx(expected, abs=1e-3)


def test_what_lies_at_the_border_does_not_count(pictures):
    clean = pictures["coffee"]
    restored = clean.copy()
    restored[:4] = restored[-4:] = 0
    assert np.isinf(metrics.psnr_y(restored, clean, crop=4)[0]) and metrics.psnr_y(restored, clean, crop=3)[0] < 40
    with pytest.raises(ValueError, match="64 are to be cut off at each border; at least 1x1"):
        metrics.psnr_y(restored, clean, crop=64)


def test_a_shift_by_one_pixel_costs_more_than_half_a_decibel(pictures):
    clean, small = evaluation.scaled_down(pictures["coffee"], 4)
    large = baselines.bicubic(small / np.float32(255), 4)
    at_home, shifted = (
        metrics.psnr_y(large, clean, crop=4)[0],
        metrics.psnr_y(np.roll(large, 1, axis=1), clean, crop=4)[0],
    )
    assert at_home > shifted + 0.5


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", baselines.UPSCALERS)
def test_baselines_keep_shape_and_range(name, channels, pictures):
    small = pictures["coffee"][:20, :23, :channels] / np.float32(255)
    large = baselines.UPSCALERS[name](small, 3)
    assert large.shape == (60, 69, channels) and large.dtype == np.float32
    assert large.min() >= 0 and large.max() <= 1
    with pytest.raises(ValueError, match="Divide uint8 by 255"):
        baselines.UPSCALERS[name](pictures["coffee"], 2)
    with pytest.raises(ValueError, match="The scale is 0"):
        baselines.UPSCALERS[name](small, 0)


def test_bicubic_is_pillows(pictures):
    expected = Image.fromarray(pictures["coffee"][:20, :23]).resize((92, 80), Image.Resampling.BICUBIC)
    assert np.array_equal(
        images.to_uint8(baselines.bicubic(pictures["coffee"][:20, :23] / np.float32(255), 4)), expected
    )


def test_back_projection_agrees_with_the_small_picture(pictures):
    small = evaluation.scaled_down(pictures["coffee"], 4)[1]
    errors = [
        metrics.downscaled_error(f(small / np.float32(255), 4), small, scale=4)[0] for f in baselines.UPSCALERS.values()
    ]
    assert errors[2] < 0.1 < errors[1] < errors[0]
    large = images.to_uint8(baselines.bicubic(small / np.float32(255), 4.0))
    as_tensors = metrics.downscaled_error(tf.constant(large), tf.constant(small), scale=4)
    assert as_tensors[0] == metrics.downscaled_error(large, small, scale=4)[0]
    noise = np.random.default_rng(0).uniform(0, 1, (128, 128, 3)).astype(np.float32)
    agreeing = baselines.back_projection(small / np.float32(255), 4, steps=40, start=noise)
    before, after = (metrics.downscaled_error(large, small, scale=4)[0] for large in (noise, agreeing))
    assert after < 1 < before  # it agrees, and is still far from the truth
    assert metrics.psnr(agreeing, evaluation.scaled_down(pictures["coffee"], 4)[0])[0] < 20
    with pytest.raises(ValueError, match="The start has shape"):
        baselines.back_projection(small / np.float32(255), 4, start=noise[:100])
    with pytest.raises(ValueError, match="4 times as large as the small pictures"):
        metrics.downscaled_error(small, small, scale=4)


def test_rows_are_means_over_the_pictures_and_the_report_says_how(pictures, save):
    measured = evaluation.evaluate_super_resolution(
        pictures, scale=2, weights=save(2), methods=["bicubic", "gan_lib"], worst=1
    )
    report = measured.report
    assert report["task"] == "super-resolution" and report["scale"] == 2 and report["images"] == 2
    assert list(report["rows"][0]) == [
        "method", "psnr", "ssim", "psnr_rgb", "perceptual", "downscaled_error", "seconds_per_megapixel",
    ]  # fmt: skip
    clean, small = evaluation.scaled_down(pictures["coffee"], 2)
    assert clean.shape == (128, 130, 3) and small.shape == (64, 65, 3)
    by_hand = baselines.bicubic(small / np.float32(255), 2)
    row = measured.by_picture["bicubic"]["coffee"]
    assert row["psnr"] == pytest.approx(float(metrics.psnr_y(by_hand, clean, crop=2)[0]))
    assert row["psnr_rgb"] == pytest.approx(float(metrics.psnr(by_hand[2:-2, 2:-2], clean[2:-2, 2:-2])[0]))
    assert row["ssim"] == pytest.approx(float(metrics.ssim_y(by_hand, clean, crop=2)[0]))
    assert row["downscaled_error"] == pytest.approx(float(metrics.downscaled_error(by_hand, small, scale=2)[0]))
    bicubic, untrained = report["rows"]
    assert bicubic["psnr"] == pytest.approx(np.mean([row["psnr"] for row in measured.by_picture["bicubic"].values()]))
    assert untrained["psnr"] == pytest.approx(bicubic["psnr"], abs=0.1)  # untrained it is bicubic, but for the border
    worst = measured.worst["bicubic"][0]
    assert worst.degraded.shape == worst.clean.shape and np.array_equal(worst.degraded[0, 0], worst.degraded[1, 1])


@pytest.mark.parametrize("channels", [1, 3])
def test_tiles_change_nothing(channels, pictures):
    model = upscaler(4, **SMALL)
    random = np.random.default_rng(0)
    model.set_weights([random.normal(0, 0.2, weight.shape) for weight in model.get_weights()])
    small = pictures["astronaut"][:50, :61, :channels] / np.float32(255)
    whole, parts = (evaluation.network_upscaler(model, tile=tile)(small, 4) for tile in (256, 16))
    assert whole.shape == (200, 244, channels)
    np.testing.assert_allclose(parts, whole, atol=1e-4)
    with pytest.raises(ValueError, match="The scale is 2; the network enlarges 4 times"):
        evaluation.network_upscaler(model)(small, 2)


def test_what_cannot_be_is_refused(pictures, save, tmp_path):
    with pytest.raises(restoring.SettingsError, match="The scale is 3; one of 2, 4"):
        evaluation.evaluate_super_resolution(pictures, scale=3)
    with pytest.raises(restoring.SettingsError, match="no method nearest; known are bicubic"):
        evaluation.evaluate_super_resolution(pictures, methods=["nearest"])
    with pytest.raises(restoring.SettingsError, match="gan_lib_sharp, of which there is none for the scale 2"):
        evaluation.evaluate_super_resolution(pictures, scale=2, methods=["gan_lib_sharp"])
    with pytest.raises(restoring.SettingsError, match="enlarge 2 times, and 4 times was asked for"):
        evaluation.evaluate_super_resolution(pictures, scale=4, methods=["gan_lib"], weights=save(2))
    card = {field: "of a test" for field in weights.CARD_FIELDS if field not in ("name", "parameters")}
    card |= {"builder": {"function": "denoiser.denoiser", "arguments": {"channels": 8, "blocks": 1}}}
    other = weights.save_released(denoiser(channels=8, blocks=1), "other", card, tmp_path)
    with pytest.raises(restoring.SettingsError, match="takes noisy and noise_level; one that takes a small picture"):
        evaluation.evaluate_super_resolution(pictures, methods=["gan_lib"], weights=other)
    for measure in (evaluation.evaluate_denoising, evaluation.evaluate_inpainting):
        with pytest.raises(restoring.SettingsError, match="a network that takes small"):
            measure(pictures, methods=["gan_lib"], weights=save(4))


def test_methods_of_another_scale_or_without_a_scale_are_refused(tmp_path):
    with pytest.raises(restoring.SettingsError, match="The scale is 3; one of 2, 4"):
        evaluation.super_resolution_methods(["bicubic"], scale=3)
    card = {field: "of a test" for field in weights.CARD_FIELDS if field not in ("name", "parameters")}
    card |= {"builder": {"function": "upscaler.upscaler", "arguments": SMALL}}
    nameless = weights.save_released(upscaler(4, **SMALL), "nameless", card, tmp_path)
    with pytest.raises(restoring.SettingsError, match='no "scale", and 4 times was asked for'):
        evaluation.super_resolution_methods(["gan_lib"], weights=nameless)


def test_networks_that_are_not_there_are_left_out_with_a_line_or_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    told = []
    assert list(evaluation.super_resolution_methods(scale=4, tell=told.append)) == list(baselines.UPSCALERS)
    assert [line.split("'")[1] for line in told] == ["upscaler_x4", "upscaler_x4_sharp"]
    told.clear()
    evaluation.super_resolution_methods(scale=2, tell=told.append)
    assert "'upscaler_x2' are not in" in told[0] and "gan_lib_sharp, of which there is none for the scale 2" in told[1]
    with pytest.raises(weights.WeightsError, match="upscaler_x4"):
        evaluation.super_resolution_methods(["gan_lib"], scale=4)


def test_too_small_a_picture_is_left_out(pictures):
    told = []
    some = pictures | {"tiny": pictures["coffee"][:63, :80]}
    report = evaluation.evaluate_super_resolution(some, methods=["bicubic"], tell=told.append).report
    assert report["images"] == 2 and "at least 64 x 64 were expected" in report["skipped"]["tiny"]
    assert any("80 x 63" in line for line in told)


def test_the_command_writes_the_table(tmp_path, pictures, save, capsys):
    images.save_image(tmp_path / "pictures" / "coffee.png", pictures["coffee"])
    given = ["evaluate", "super-resolution", "--images", tmp_path / "pictures", "--scale", 2, "--weights", save(2)]
    given += ["--json", tmp_path / "table.json", "--worst", tmp_path / "worst"]
    assert command_line.main([*map(str, given)]) == 0
    assert "luma channel" in capsys.readouterr().out
    rows = json.loads((tmp_path / "table.json").read_text())["rows"]
    assert [row["method"] for row in rows] == ["bicubic", "lanczos", "back_projection", "gan_lib"]
    assert (tmp_path / "worst" / "gan_lib_worst_1.png").exists()


@pytest.mark.parametrize(
    "given, words",
    [
        (["super-resolution", "--seed", "0"], "--seed came, which is not for the task super-resolution"),
        (["super-resolution", "--sigma", "25"], "--sigma came"),
        (["denoise", "--scale", "4"], "--scale came, which is not for the task denoise"),
        (["inpaint", "--scale", "4"], "--scale came, which is not for the task inpaint"),
    ],
)
def test_options_of_other_tasks_are_refused(given, words, capsys):
    assert command_line.main(["evaluate", *given]) == 2
    assert words in capsys.readouterr().err
