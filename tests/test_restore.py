"""restoring: any picture goes through the network and comes out the same size, however it was cut into tiles."""

import errno
import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

import imagecodecs
import keras
import numpy as np
import pytest
from PIL import Image, ImageCms
from scipy import ndimage
from skimage import restoration

import gan_lib
from gan_lib import __main__ as command_line
from gan_lib import datasets, images, restoring, weights
from gan_lib.networks.denoiser import denoiser
from gan_lib.restoring import Region, Restorer, SettingsError, noise, tiles
from gan_lib.restoring.noise import estimate_sigma

ADOBE = imagecodecs.cms_profile("adobergb")
CARDED = {  # the released ones, whatever else the tests put in their place
    "inpaint": weights.FOLDER / "inpainter.weights.h5",
    "super-resolution": weights.FOLDER / "upscaler_x4.weights.h5",
}


def release(folder, name, *, change=0.05, **card):
    """A small denoiser with weights that change a picture visibly, or not at all, and its card."""
    model = denoiser(channels=8, blocks=1)
    random = np.random.default_rng(5)
    for variable in model.trainable_variables:
        variable.assign(random.normal(0, 0.3, variable.shape))
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    last.kernel.assign(random.normal(0, change, last.kernel.shape) if change else np.zeros(last.kernel.shape))
    last.bias.assign(np.zeros(last.bias.shape))
    told = {field: "said here" for field in weights.CARD_FIELDS if field not in ("name", "parameters")}
    builder = {"function": "denoiser.denoiser", "arguments": {"channels": 8, "blocks": 1}}
    return weights.save_released(model, name, told | {"builder": builder, "trained_sigma": [0, 55]} | card, folder)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    release(folder, "denoiser")
    release(folder, "denoiser_sharp", change=0.02)
    release(folder, "still", change=0)
    return folder


@pytest.fixture(autouse=True)
def _our_weights(released, monkeypatch):
    monkeypatch.setattr(weights, "FOLDER", released)


@pytest.fixture(scope="module")
def restorer(released):
    return Restorer(weights_file=released / "denoiser.weights.h5")


@pytest.fixture(scope="module")
def still(released):
    """A network that gives back what it gets."""
    return Restorer(weights_file=released / "still.weights.h5")


def noisy(height, width, channels=3, sigma=20.0, dtype=np.uint8):
    random = np.random.default_rng(height * width + channels)
    rows, columns = np.mgrid[0:height, 0:width]
    ramp = (rows[..., None] * 2 + columns[..., None] * 3 + np.arange(channels) * 40) % 200 + 28
    values = np.clip((ramp + random.normal(0, sigma, ramp.shape)) / 255, 0, 1)
    return images.to_uint8(values) if dtype == np.uint8 else values.astype(dtype)


@pytest.fixture
def photograph(tmp_path):
    def write(name="photo.png", **options):
        return images.save_image(tmp_path / name, noisy(40, 60, **options))

    return write


# --- tiles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width", "margin"), [(1, 1, 5), (3, 2, 9), (1, 30, 4), (20, 20, 3)])
def test_a_cut_out_is_what_symmetric_padding_gives(height, width, margin):
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    padded = np.pad(picture, ((margin, margin + 8), (margin, margin + 8), (0, 0)), mode="symmetric")
    cut = tiles.cut_out(picture, Region(0, 0, height + 8, width + 8), margin)
    np.testing.assert_array_equal(cut, padded)


@pytest.mark.parametrize("region", [Region(0, 0, 1, 1), Region(0, 0, 1000, 37), Region(13, 7, 301, 200)])
@pytest.mark.parametrize("multiple", [2, 8])
def test_tiles_cover_a_region_once_and_begin_at_multiples(region, multiple):
    seen = np.zeros((region.height, region.width), int)
    cut = tiles.tiles(region, 100, multiple)
    for tile in cut:
        assert tile.top % multiple == tile.left % multiple == tile.height % multiple == tile.width % multiple == 0
        assert max(tile.height, tile.width) <= 104
        inside, core = tiles.overlap(tile, region)
        seen[inside] += 1
        assert seen[inside].shape == np.empty((tile.height, tile.width))[core].shape
    assert (seen == 1).all()
    assert len({tile[2:] for tile in cut}) == 1


def test_weights_of_another_task_are_named(tmp_path):
    path = release(tmp_path, "odd")
    card = json.loads((tmp_path / "odd.json").read_text())
    del card["trained_sigma"]
    (tmp_path / "odd.json").write_text(json.dumps(card))
    with pytest.raises(weights.WeightsError, match='card of odd lacks "trained_sigma".* Weights of a denoiser were'):
        Restorer(weights_file=path)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_result_does_not_depend_on_the_tiles(restorer, dtype):
    picture = noisy(231, 307, dtype=dtype)
    whole = restorer(picture, sigma=20, tile=1000)
    assert np.abs(whole.astype(np.float32) - picture).max() > (20 if dtype == np.uint8 else 0.08)
    for tile in (32, 64, 99, 200):
        other = restorer(picture, sigma=20, tile=tile)
        difference = np.abs(other.astype(np.float32) - whole).max()
        assert difference <= (1 if dtype == np.uint8 else 1e-5)


def test_tiles_equal_the_network_on_the_whole_padded_picture(restorer):
    picture = noisy(50, 70)
    padded = np.pad(picture, ((32, 32), (32, 32), (0, 0)), mode="symmetric")
    level = np.full((1, *padded.shape[:2], 1), 20 / 255, np.float32)
    straight = restorer.model([images.to_network(padded)[None], level], training=False).numpy()[0, 32:-32, 32:-32]
    ours = restorer(picture, sigma=20, tile=32)
    np.testing.assert_allclose(ours, images.from_network(straight) * 255, atol=0.51)


def test_a_region_is_what_it_is_within_the_whole(restorer):
    picture = noisy(90, 120)
    whole = restorer(picture, sigma=20)
    for region in (Region(0, 0, 30, 40), Region(31, 17, 33, 81), Region(89, 119, 1, 1)):
        part = restorer(picture, sigma=20, region=region, tile=32)
        expected = whole[region.top : region.top + region.height, region.left : region.left + region.width]
        np.testing.assert_allclose(part, expected, atol=1)


# --- any picture ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5000, 3), (7, 5, 1), (33, 20, 2), (20, 33, 4), (21, 9)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_shape_dtype_and_alpha_stay(shape, dtype):
    picture = noisy(*shape[:2], shape[2] if len(shape) > 2 else 1, dtype=dtype).reshape(shape)
    restored = gan_lib.restore(picture, sigma=30)
    assert (restored.shape, restored.dtype) == (shape, dtype)
    assert (restored != picture).any()
    if shape[-1] in (2, 4):
        np.testing.assert_array_equal(restored[..., -1], picture[..., -1])
        assert (restored[..., 0] != picture[..., 0]).any()


def test_grey_is_the_mean_of_three_equal_channels(restorer):
    picture = noisy(24, 30, 1, dtype=np.float32)
    three = restorer(np.repeat(picture, 3, axis=-1), sigma=20)
    np.testing.assert_allclose(restorer(picture, sigma=20), three.mean(axis=-1, keepdims=True), atol=2e-3)


def test_strength_blends_and_then_tells_of_more_noise(restorer):
    picture = noisy(24, 30, dtype=np.float32) * np.float32(0.5) + np.float32(0.25)
    full = restorer(picture, sigma=20)
    np.testing.assert_array_equal(restorer(picture, sigma=20, strength=0), picture)
    np.testing.assert_allclose(restorer(picture, sigma=20, strength=0.25), picture + 0.25 * (full - picture), atol=1e-6)
    np.testing.assert_array_equal(restorer(picture, sigma=20, strength=1.5), restorer(picture, sigma=30))
    np.testing.assert_array_equal(restorer(picture, sigma=40, strength=2), restorer(picture, sigma=55))
    assert np.abs(restorer(picture, sigma=30) - full).max() > 1e-3


def test_the_cap_is_told():
    told = []
    gan_lib.restore(noisy(8, 8), sigma=40, strength=2, tell=told.append)
    assert told == ["The network was told sigma 55, the most that it knows."]


def test_half_precision_for_training_does_not_reach_it(precision, restorer, released):
    picture = noisy(24, 30, dtype=np.float32)
    precision("mixed_bfloat16")
    again = Restorer(weights_file=released / "denoiser.weights.h5")
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    np.testing.assert_allclose(again(picture, sigma=20), restorer(picture, sigma=20), atol=1e-6)


def test_sharp_and_other_weights_are_other_networks(released):
    picture = noisy(16, 16)
    faithful, sharp = gan_lib.restore(picture, sigma=20), gan_lib.restore(picture, sigma=20, sharp=True)
    assert (faithful != sharp).any()
    np.testing.assert_array_equal(
        sharp, gan_lib.restore(picture, sigma=20, weights=released / "denoiser_sharp.weights.h5")
    )


def test_new_weights_under_an_old_name_are_seen(tmp_path):
    release(tmp_path, "mine", change=0)
    picture = noisy(16, 16)
    np.testing.assert_array_equal(gan_lib.restore(picture, sigma=20, weights=tmp_path / "mine.weights.h5"), picture)
    release(tmp_path, "mine")
    assert (gan_lib.restore(picture, sigma=20, weights=tmp_path / "mine.weights.h5") != picture).any()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sigma": -1}, "Sigma is -1; 0 to 55 was expected"),
        ({"sigma": 56}, "Sigma is 56; 0 to 55 was expected"),
        ({"sigma": float("nan")}, "Sigma is nan"),
        ({"strength": -0.1}, "strength is -0.1; 0 .* to 2"),
        ({"strength": 2.5}, "strength is 2.5"),
        ({"tile": 8}, "at least 32"),
        ({"task": "colourise"}, "one of denoise"),
    ],
)
def test_settings_out_of_range_say_the_range(settings, says):
    with pytest.raises(SettingsError, match=says):
        gan_lib.restore(noisy(8, 8), **settings)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match=r"batch\[0\]"):
        gan_lib.restore(np.zeros((2, 8, 8, 3), np.uint8), sigma=5)
    with pytest.raises(TypeError, match="got int64"):
        gan_lib.restore(np.zeros((8, 8, 3), np.int64), sigma=5)
    with pytest.raises(AttributeError, match="no attribute 'renovate'"):
        _ = gan_lib.renovate


# --- noise ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [10, 25, 50])
def test_sigma_is_estimated_within_a_tenth(sigma):
    picture = datasets.bundled_photographs("train")["coffee"].astype(np.float32) / 255
    picture = picture * 0.4 + 0.3  # clipping would take some of the noise away
    degraded = picture + np.random.default_rng(0).normal(0, sigma / 255, picture.shape).astype(np.float32)
    assert estimate_sigma(np.clip(degraded, 0, 1)) == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("sigma", [10, 20])
def test_noise_that_a_scanner_has_smoothed_is_found_too(sigma):
    picture = datasets.bundled_photographs("train")["coffee"].astype(np.float32) / 255 * 0.4 + 0.3
    grain = ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 1, picture.shape), (1, 1, 0))
    degraded = picture + (grain * sigma / 255 / grain.std()).astype(np.float32)
    wavelets_alone = restoration.estimate_sigma(degraded, average_sigmas=True, channel_axis=-1) * 255
    assert wavelets_alone < 0.35 * sigma
    assert 0.6 * sigma < estimate_sigma(degraded) < 1.1 * sigma


def test_slopes_are_no_noise_and_clipped_places_tell_nothing():
    slope = np.linspace(0.1, 0.9, 200, dtype=np.float32)[None, :, None].repeat(200, axis=0)
    assert estimate_sigma(slope) == pytest.approx(0, abs=0.05)
    degraded = np.clip(slope + np.random.default_rng(0).normal(0, 20 / 255, slope.shape).astype(np.float32), 0, 1)
    degraded[:100] = 0  # half of it black, without noise
    assert estimate_sigma(degraded) == pytest.approx(20, rel=0.2)


def test_a_large_picture_is_looked_at_in_squares(monkeypatch):
    seen = []
    monkeypatch.setattr(noise, "_LARGE", 20_000)
    monkeypatch.setattr(noise, "_SIDE", 50)
    picture = noisy(300, 400, sigma=12)
    assert estimate_sigma(picture, lambda part: seen.append(part.shape) or part) == pytest.approx(12, rel=0.15)
    assert seen == [(50, 50, 3)] * 25


def test_black_places_of_a_large_picture_do_not_hide_the_noise_of_the_others(monkeypatch):
    monkeypatch.setattr(noise, "_LARGE", 20_000)
    monkeypatch.setattr(noise, "_SIDE", 50)
    picture = noisy(300, 400, sigma=12)
    picture[:80] = 0  # the upper edge of a scan
    picture[200:, 300:, 2] = 0  # and a corner without blue
    by_wavelets = restoration.estimate_sigma(noisy(300, 400, sigma=12), average_sigmas=True, channel_axis=-1)
    assert estimate_sigma(picture) == pytest.approx(by_wavelets, rel=0.05)


def test_too_small_or_too_noisy_to_tell(restorer):
    assert restorer.estimate(noisy(1, 1)) == pytest.approx(0, abs=0.01)
    assert restorer.estimate(np.full((40, 40, 3), 7, np.uint8)) == pytest.approx(0, abs=0.01)
    assert restorer.estimate(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)) == 55


def test_the_estimate_is_told():
    told = []
    gan_lib.restore(noisy(64, 64), tell=told.append)
    assert told[0].startswith("Estimated noise: sigma ")


# --- files ------------------------------------------------------------------------------------------------------


def test_a_file_gets_its_result_beside_it(photograph, restorer):
    path = photograph()
    (job,) = restoring.plan([path])
    done = restoring.restore_file(restorer, job.source, job.target, sigma=20, tile=64)
    assert done.path == path.with_name("photo_restored.png")
    np.testing.assert_array_equal(images.load_image(done.path), restorer(images.load_image(path), sigma=20))
    told = json.loads(path.with_name("photo_restored.json").read_text())
    assert told["parameters"] == {
        "sigma": 20,
        "sigma_estimated": False,
        "sigma_told_to_the_network": 20,
        "strength": 1.0,
        "sharp": False,
        "tile": 64,
        "crop": None,
    }
    assert told["weights"] == {"name": "denoiser", "sha256": restorer.card["sha256"]}
    assert (told["software"], told["version"], told["task"]) == ("gan_lib", gan_lib.__version__, "denoise")
    assert told["input"]["file"] == "photo.png"
    assert len(told["input"]["sha256"]) == 64
    assert "generated the pixels of photo_restored.png" in told["generated"]


def test_sharp_weights_are_called_sharp_when_named_by_their_file_too(photograph, released):
    worker = Restorer(weights_file=released / "denoiser_sharp.weights.h5")
    (job,) = restoring.plan([photograph()])
    restoring.restore_file(worker, job.source, job.target, sigma=20)
    assert json.loads(job.target.with_suffix(".json").read_text())["parameters"]["sharp"] is True


def test_strength_0_changes_no_bit_and_says_so(photograph, restorer, tmp_path):
    path = images.save_image(tmp_path / "a.tif", noisy(20, 30, dtype=np.float32), bits=16)
    done = restoring.restore_file(restorer, path, tmp_path / "b.tif", strength=0)
    np.testing.assert_array_equal(images.load_image(done.path), images.load_image(path))
    assert "those of the original" in json.loads((tmp_path / "b.json").read_text())["generated"]


def test_strength_0_promises_no_more_than_the_format_holds(photograph, restorer, tmp_path):
    for name, says in (("b.jpg", ".jpg stores with loss"), ("b.WEBP", ".webp stores with loss"), ("b.png", None)):
        done = restoring.restore_file(restorer, photograph(), tmp_path / name, strength=0, overwrite=True)
        generated = json.loads((tmp_path / "b.json").read_text())["generated"]
        assert generated.startswith("Strength 0: no pixel was generated.")
        assert ("those of the original" in generated) == (says is None)
        assert [note[: len(says or "")] for note in done.notes] == ([says] if says else [])
    # Where every pixel is generated anyway, it makes no difference.
    assert restoring.restore_file(restorer, photograph(), tmp_path / "c.jpg", sigma=5).notes == []


def test_16_bit_stays_16_bit_without_bands(restorer, still, tmp_path):
    ramp = np.linspace(0.2, 0.8, 4096, dtype=np.float32).reshape(64, 64, 1).repeat(3, axis=-1)
    path = images.save_image(tmp_path / "ramp.png", ramp, bits=16)
    done = restoring.restore_file(restorer, path, tmp_path / "out.png", sigma=10)
    assert images.read_header(done.path).bits == 16
    assert len(np.unique(images.load_image(done.path)[..., 0])) > 2000
    kept = restoring.restore_file(still, path, tmp_path / "still.tif", sigma=10)
    np.testing.assert_allclose(images.load_image(kept.path), images.load_image(path), atol=0.6 / 65535)
    small = restoring.restore_file(restorer, path, tmp_path / "small.webp", sigma=10)
    assert small.notes == ["16 bit became 8: .webp holds no more."]


def test_a_turned_picture_becomes_upright_and_keeps_what_it_tells(restorer, tmp_path):
    tags = Image.Exif()
    tags[0x010F], tags[0x0112] = "Lichtwerk", 6
    Image.fromarray(noisy(40, 60)).save(tmp_path / "a.jpg", exif=tags, dpi=(300, 300), quality=95)
    done = restoring.restore_file(restorer, tmp_path / "a.jpg", tmp_path / "b.png", sigma=20)
    with Image.open(done.path) as opened:
        assert opened.size == (40, 60)
        assert (opened.getexif()[0x010F], opened.getexif()[0x0112]) == ("Lichtwerk", 1)
        assert opened.info["dpi"] == pytest.approx((300, 300), abs=0.02)
    assert gan_lib.restore(tmp_path / "a.jpg", sigma=20).shape == (60, 40, 3)


@pytest.mark.parametrize("bits", [8, 16])
def test_another_profile_is_there_and_back_the_same(still, tmp_path, bits):
    picture = noisy(40, 60, dtype=np.float32)
    path = images.save_image(tmp_path / "a.png", picture, bits=bits, metadata=images.Metadata(profile=ADOBE))
    done = restoring.restore_file(still, path, tmp_path / "b.png", sigma=20)
    np.testing.assert_allclose(images.load_image(done.path), images.load_image(path), atol=(1e-9, 2 / 65535)[bits > 8])
    assert images.read_metadata(done.path).profile == ADOBE
    assert images.read_header(done.path).bits == bits


def test_the_network_sees_srgb_whatever_the_file_is_in(restorer, tmp_path):
    inside = noisy(40, 60, dtype=np.float32) * 0.2 + 0.4  # colours that both can show
    profile = images.ColourProfile(ADOBE)
    path = images.save_image(
        tmp_path / "a.png", profile.from_srgb(inside), bits=16, metadata=images.Metadata(b"", ADOBE)
    )
    restored = gan_lib.restore(path, sigma=20)
    expected = restorer(inside.astype(np.float32), sigma=20)
    shown = ((expected > 0.02) & (expected < 0.98)).all(axis=-1)  # what neither clips
    assert shown.mean() > 0.5
    np.testing.assert_allclose(profile.to_srgb(restored)[shown], expected[shown], atol=2e-3)
    assert np.abs(restored - restorer(images.load_image(path), sigma=20)).max() > 5e-3  # what ignoring it would give


def test_a_damaged_profile_is_a_note_and_stays(restorer, tmp_path):
    damaged = ADOBE[:200] + bytes(len(ADOBE) - 200)
    path = images.save_image(tmp_path / "a.png", noisy(20, 30), metadata=images.Metadata(profile=damaged))
    done = restoring.restore_file(restorer, path, tmp_path / "b.png", sigma=20)
    assert "taken as sRGB: the profile is damaged" in done.notes[0]
    assert images.read_metadata(done.path).profile == damaged
    np.testing.assert_array_equal(images.load_image(done.path), restorer(images.load_image(path), sigma=20))


def test_a_grey_picture_keeps_its_grey_profile(restorer, tmp_path):
    grey = imagecodecs.cms_profile("gray", gamma=1.8)
    path = images.save_image(tmp_path / "a.png", noisy(20, 30, 1), metadata=images.Metadata(profile=grey))
    done = restoring.restore_file(restorer, path, tmp_path / "b.png", sigma=20)
    assert done.notes == []
    assert images.read_metadata(done.path).profile == grey
    assert images.load_image(done.path, mode="as-is").shape == (20, 30, 1)


def test_nothing_is_overwritten_unless_told(photograph, restorer):
    path = photograph()
    target, note = path.with_name("photo_restored.png"), path.with_name("photo_restored.json")
    for standing in (target, note):
        standing.write_text("mine")
        with pytest.raises(FileExistsError, match=f"{standing.name} is there already.* Add --overwrite"):
            restoring.restore_file(restorer, path, target, sigma=20)
        assert standing.read_text() == "mine"
        if standing is target:
            standing.unlink()
    restoring.restore_file(restorer, path, target, sigma=20, overwrite=True)
    assert json.loads(note.read_text())["output"] == "photo_restored.png"
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="is the original, which is never replaced"):
        restoring.restore_file(restorer, path, path, sigma=20, overwrite=True)
    assert path.read_bytes() == before


def test_alpha_into_jpeg_is_refused_before_the_work(photograph, restorer, tmp_path):
    with pytest.raises(images.PictureError, match="has alpha: JPEG cannot hold alpha"):
        restoring.restore_file(restorer, photograph(channels=4), tmp_path / "out.jpg", sigma=20)


# --- plans ------------------------------------------------------------------------------------------------------


def test_a_tree_keeps_its_structure_and_names_stay_apart(photograph, tmp_path):
    for name in ("in/a.png", "in/a.JPG", "in/deep/b.png", "in/old_restored.png", "in/old_compare.png"):
        photograph(name)
    report = restoring.Report()
    jobs = restoring.plan([tmp_path / "in"], tmp_path / "out", compare=True, report=report)
    assert [job.target.relative_to(tmp_path / "out").as_posix() for job in jobs] == [
        "a_JPG_restored.png",
        "a_png_restored.png",
        "deep/b_restored.png",
    ]
    assert [path.name for path, _ in report.skipped] == ["old_compare.png", "old_restored.png"]
    assert jobs[2].sheet == tmp_path / "out" / "deep" / "b_compare.png"
    beside = restoring.plan([tmp_path / "in"])
    assert beside[2].target == tmp_path / "in" / "deep" / "b_restored.png"


def test_names_are_found_for_all_that_would_become_one_file(photograph, tmp_path):
    pictures = [photograph(f"in/{name}") for name in ("a.jpg", "a.png", "a_jpg.png", "Foto.JPG", "foto.png")]
    jobs = restoring.plan([tmp_path / "in"], tmp_path / "out")
    names = {job.source.name: job.target.name for job in jobs}
    assert names == {
        "Foto.JPG": "Foto_JPG_restored.png",
        "a.jpg": "a_jpg_2_restored.png",  # a_jpg.png keeps its own name
        "a.png": "a_png_restored.png",
        "a_jpg.png": "a_jpg_restored.png",
        "foto.png": "foto_png_restored.png",
    }
    # The order in which they are named changes nothing.
    assert {job.source.name: job.target.name for job in restoring.plan(pictures[::-1], tmp_path / "out")} == names


def test_names_that_differ_in_capitals_only_are_one_file_to_windows_and_macos(tmp_path):
    one, other = tmp_path / "Foto.png", tmp_path / "foto.PNG"
    assert [job.target.name for job in restoring.plan([one, other])] == [
        "Foto_png_restored.png",
        "foto_PNG_2_restored.png",
    ]
    with pytest.raises(SettingsError, match="would become"):
        restoring.plan([tmp_path / "a" / "x.png", tmp_path / "b" / "x.png"], tmp_path / "out")


def test_an_output_is_a_file_or_a_folder(photograph, tmp_path):
    path = photograph()
    assert restoring.plan([path], tmp_path / "new")[0].target == tmp_path / "new" / "photo_restored.png"
    assert restoring.plan([path], tmp_path / "x.tif")[0].target == tmp_path / "x.tif"
    assert restoring.plan([path], crop=True)[0].target.name == "photo_crop_restored.png"
    with pytest.raises(SettingsError, match="one file; for several pictures name a folder"):
        restoring.plan([path, path], tmp_path / "x.png")
    with pytest.raises(SettingsError, match=r"ends in .*\.png.* make it first"):
        restoring.plan([path], tmp_path / "x.psd")


@pytest.mark.parametrize("other", ["a_compare.png", "a_restored.png"])
def test_a_result_that_would_be_another_picture_is_refused(photograph, command, tmp_path, monkeypatch, other):
    monkeypatch.chdir(tmp_path)
    photograph("a.png"), photograph(other)
    before = Path(other).read_bytes()
    status, _, error = command("a.png", tmp_path / other, "--sigma", 5, "--compare", "--overwrite")
    assert status == 2 and f"{other}, which is itself a picture to restore" in error
    assert Path(other).read_bytes() == before and len(list(tmp_path.iterdir())) == 2
    assert command("a.png", other, "--sigma", 5, "--compare", "--overwrite", "-o", "out")[0] == 0


def test_two_pictures_that_would_become_one_file_are_refused(photograph, tmp_path):
    one, other = photograph("a/x.png"), photograph("b/x.png")
    with pytest.raises(SettingsError, match=r"would become .*out.x_restored.png: .*a.x.png and .*b.x.png. "):
        restoring.plan([one, other], tmp_path / "out")
    assert [job.target for job in restoring.plan([one, other])] == [one.with_name("x_restored.png")] + [
        other.with_name("x_restored.png")
    ]
    # Named by itself and in its folder, it is one picture.
    assert [job.target.name for job in restoring.plan([tmp_path / "a", one], tmp_path / "out")] == ["x_restored.png"]


def test_pictures_of_refused_masks_are_no_input(photograph, tmp_path):
    for name in ("a.png", "a_restored_mask_as_read.png", "a_crop_restored_mask_as_read.png"):
        photograph(f"in/{name}")
    report = restoring.Report()
    assert [job.source.name for job in restoring.plan([tmp_path / "in"], report=report)] == ["a.png"]
    assert len(report.skipped) == 2


def test_home_is_understood_in_an_output(photograph, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    path = photograph("in/a.png")
    expected = tmp_path / "home" / "out" / "a_restored.png"
    assert restoring.plan([path], "~/out")[0].target == expected
    assert restoring.plan([path.parent], "~/out")[0].target == expected
    assert restoring.plan([path], "~/b.tif")[0].target == tmp_path / "home" / "b.tif"


# --- the command ------------------------------------------------------------------------------------------------


@pytest.fixture
def command(capsys):
    def run(*arguments):
        status = command_line.main(["restore", *map(str, arguments)])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return status, told.out, told.err

    return run


def test_one_picture(command, photograph, monkeypatch):
    path, restore, told = photograph(), Restorer.__call__, []
    with monkeypatch.context() as watched:
        watched.setattr(Restorer, "__call__", lambda *a, **k: told.append(k["sigma"]) or restore(*a, **k))
        status, out, _ = command(path, "--compare")
    assert status == 0
    assert told[1:] == pytest.approx([0.5 * told[0], 1.5 * told[0]])  # estimates err: the sheet has three
    assert f"{path} -> {path.with_name('photo_restored.png')} (estimated sigma" in out
    sheet = images.load_image(path.with_name("photo_compare.png"))
    assert sheet.shape[1] > 4 * 280  # as it was, and three strengths
    status, out, _ = command(path)
    assert status == 1
    assert "is there already. Add --overwrite" in out
    assert command(path, "--overwrite", "--sigma", 5)[0] == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000)])
def test_files_of_odd_sizes(command, tmp_path, shape):
    path = images.save_image(tmp_path / "odd.png", noisy(*shape))
    status, out, _ = command(path, "--compare")
    assert status == 0 and "(estimated sigma " in out
    assert images.load_image(tmp_path / "odd_restored.png").shape == (*shape, 3)
    assert json.loads((tmp_path / "odd_restored.json").read_text())["parameters"]["sigma"] >= 0
    assert images.load_image(tmp_path / "odd_compare.png").shape[-1] == 3


@pytest.mark.parametrize("arguments", [["restore", "--sigma", "5"], ["restore", "--estimate"], ["evaluate", "denoise"]])
def test_a_lack_of_memory_is_told_in_a_sentence(capsys, tmp_path, monkeypatch, arguments):
    def lacking(*arguments, **options):
        raise MemoryError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(restoring, "network", lacking)
    monkeypatch.setattr("gan_lib.evaluation.evaluate_denoising", lacking)
    assert command_line.main(arguments) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: The memory does not suffice. Close other ")


def test_without_a_picture_it_shows_what_it_does(command, tmp_path):
    status, out, _ = command("-o", tmp_path, "--sigma", 25)
    assert status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "chelsea_noisy.png",
        "chelsea_noisy_restored.json",
        "chelsea_noisy_restored.png",
    ]
    assert "PSNR 20.2" in out
    assert command("-o", tmp_path)[0] == 1  # nothing is overwritten


def test_the_demonstration_understands_home(command, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert command("-o", "~/out", "--sigma", 25, "--crop", "0,0,40,40")[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "chelsea_noisy_crop_restored.png").is_file()


def test_one_picture_too_small_for_the_part_does_not_stop_the_others(command, photograph, tmp_path):
    for name in ("a", "c"):
        photograph(f"in/{name}.png")
    images.save_image(tmp_path / "in" / "b.png", noisy(10, 10))
    status, out, _ = command(tmp_path / "in", "--sigma", 10, "--crop", "10,5,30,20", "-o", tmp_path / "out")
    assert status == 1
    assert "b.png: The part 10,5,30,20 (X,Y,WIDTH,HEIGHT) does not lie inside" in out
    assert out.endswith("2 restored, 0 skipped, 1 failed.\n")
    assert command(tmp_path / "in" / "b.png", "--sigma", 10, "--crop", "10,5,30,20")[0] == 2


def test_one_broken_picture_in_ten(command, photograph, tmp_path):
    for number in range(9):
        photograph(f"in/{number}.png")
    (tmp_path / "in" / "broken.jpg").write_text("no picture")
    status, out, _ = command(tmp_path / "in", "--sigma", 10, "-o", tmp_path / "out")
    assert status == 1
    assert len(list((tmp_path / "out").glob("*_restored.png"))) == 9
    assert "broken.jpg is no picture" in out
    assert out.endswith("9 restored, 0 skipped, 1 failed.\n")
    status, out, _ = command(tmp_path / "in", "--sigma", 10, "-o", tmp_path / "out")
    assert out.endswith("0 restored, 9 skipped, 1 failed.\n")


def test_a_part_is_previewed(command, photograph):
    path = photograph()
    assert command(path, "--sigma", 20, "--crop", "10,5,30,20")[0] == 0
    part = images.load_image(path.with_name("photo_crop_restored.png"))
    np.testing.assert_allclose(part, gan_lib.restore(path, sigma=20)[5:25, 10:40], atol=1)
    status, _, err = command(path, "--crop", "50,5,30,20", "--overwrite")
    assert status == 2
    assert "does not lie inside the picture, which is 60 wide and 40 high" in err


def test_minutes_and_memory_are_told_and_nothing_is_written(command, photograph, tmp_path):
    status, out, _ = command(photograph(), "--estimate")
    assert status == 0
    assert out.startswith("1 picture, 0.0 megapixels: about 1 seconds and ")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_an_estimate_refuses_what_the_run_would(command, photograph, tmp_path):
    small, large = photograph("a.png"), images.save_image(tmp_path / "b.png", noisy(60, 60))
    status, out, _ = command(small, large, "--estimate", "--max-pixels", 3000)
    first, refused = out.splitlines()
    assert status == 0
    assert first.startswith("1 picture, 0.0 megapixels: about")
    assert refused.startswith("cannot be restored: ")
    assert refused.removeprefix("cannot be restored: ") in command(large, "--max-pixels", 3000)[1]
    assert command(small, "--estimate", "--max-pixels", 100)[0] == 1
    status, out, _ = command(small, "--estimate", "--crop", "55,0,10,10")
    assert status == 1
    assert "a.png: The part 55,0,10,10 (X,Y,WIDTH,HEIGHT) does not lie inside" in out


def test_the_estimate_of_a_part_is_that_of_the_part(restorer, tmp_path, monkeypatch):
    monkeypatch.setattr(restoring.costs, "_seconds_a_pixel", lambda *arguments: 1.0)
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.fromarray(noisy(400, 600)).save(tmp_path / "turned.jpg", exif=tags)
    paths = [tmp_path / "turned.jpg"]
    whole = restoring.estimate_cost(restorer, paths, tile=64)
    assert whole.megapixels == pytest.approx(0.24)
    assert whole.seconds == pytest.approx(restorer.work(400, 600, 64), rel=1e-3)
    part = restoring.estimate_cost(restorer, paths, tile=64, crop=Region(500, 0, 100, 50))  # only upright it is inside
    assert (part.refused, part.megapixels) == ((), pytest.approx(0.005))
    assert part.seconds == pytest.approx(restorer.work(100, 50, 64), rel=1e-3)
    assert len(restoring.estimate_cost(restorer, paths, crop=Region(0, 500, 50, 100)).refused) == 1


def test_the_estimate_of_a_small_picture_times_no_large_tile(restorer, photograph, monkeypatch):
    restore, sides = Restorer.__call__, []

    def watched(self, picture, **options):
        sides.append(picture.shape[0])
        return restore(self, picture, **options)

    monkeypatch.setattr(Restorer, "__call__", watched)
    restoring.estimate_cost(restorer, [photograph()], tile=512)
    assert max(sides) <= 64


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--sigma", -3], 2, "Sigma is -3; 0 to 55 was expected"),
        (["--sigma", 70], 2, "Sigma is 70; 0 to 55 was expected"),
        (["--strength", 3], 2, "strength is 3"),
        (["--task", "paint"], 2, "one of denoise, inpaint, super-resolution was expected"),
        (["-o", "x.psd"], 2, "ends in .png"),
        (["--weights", "nowhere.weights.h5"], 1, "There is no file nowhere.weights.h5"),
        (["--max-pixels", 100], 1, "2,400 pixels"),
    ],
)
def test_bad_input_is_one_sentence(command, photograph, arguments, status, says):
    found, out, err = command(photograph(), *arguments)
    assert found == status
    assert says.replace("2,400 pixels", "--max-pixels 2400") in out + err


def test_a_part_that_is_no_rectangle(photograph, capsys):
    with pytest.raises(SystemExit) as caught:
        command_line.main(["restore", str(photograph()), "--crop", "1,2,3"])
    assert caught.value.code == 2
    assert "X,Y,WIDTH,HEIGHT in pixels was expected" in capsys.readouterr().err


def test_weights_that_are_not_the_ones_of_the_card(command, photograph, tmp_path):
    path = release(tmp_path, "denoiser")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    status, _, err = command(photograph(), "--weights", path)
    assert status == 1
    assert "has sha256" in err


def test_a_text_and_a_place_that_cannot_be_written(command, photograph, tmp_path):
    (tmp_path / "text.jpg").write_text("Dear reader")
    status, out, _ = command(tmp_path / "text.jpg")
    assert status == 1
    assert "text.jpg is no picture" in out
    status, _, err = command(photograph(), "--sigma", 5, "-o", tmp_path / "text.jpg" / "below")
    assert status == 1
    assert "a file stands where a folder is needed" in err


def test_a_place_that_cannot_be_written_is_told_before_the_work(command, photograph, tmp_path, monkeypatch):
    for name in ("a", "b"):
        photograph(f"in/{name}.png")

    def nowhere(*arguments, **options):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(tempfile, "mkdtemp", nowhere)
    monkeypatch.setattr(Restorer, "__call__", lambda *arguments, **options: pytest.fail("the network ran"))
    status, out, err = command(tmp_path / "in", "--sigma", 5, "-o", tmp_path / "out")
    assert (status, out) == (1, "")
    assert err == (
        f"error: {tmp_path / 'out'} could not be written: there is no such folder, and none can be made there. Choose "
        "another folder. Nothing was changed.\n"
    )
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    assert command(tmp_path / "typo" / "a.png")[0] == 1
    assert not (tmp_path / "typo").exists()  # nothing is made for a picture that is not there


def test_results_that_are_there_need_no_place_to_write(command, photograph, tmp_path, monkeypatch):
    for name in ("a", "b"):
        photograph(f"in/{name}.png")
    assert command(tmp_path / "in", "--sigma", 5)[0] == 0
    monkeypatch.setattr(tempfile, "mkdtemp", lambda *arguments, **options: pytest.fail("tried to write"))
    status, out, _ = command(tmp_path / "in", "--sigma", 5)
    assert status == 0
    assert out.endswith("0 restored, 4 skipped, 0 failed.\n")


def test_ctrl_c_leaves_whole_files(command, photograph, tmp_path, monkeypatch):
    for number in range(3):
        photograph(f"in/{number}.png")
    restore = Restorer.__call__
    calls = []

    def stopped(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return restore(self, *arguments, **options)

    monkeypatch.setattr(Restorer, "__call__", stopped)
    status, _, err = command(tmp_path / "in", "--sigma", 10, "-o", tmp_path / "out")
    assert status == 130
    assert err.endswith("Stopped. Pictures finished: 1; nothing half-written is left.\n")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0_restored.json", "0_restored.png"]
    assert images.load_image(tmp_path / "out" / "0_restored.png").shape == (40, 60, 3)


@pytest.fixture
def ctrl_c():
    """Sends it as a terminal would. Workers of pytest ignore it, so the usual handler is set for the test."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("module", "name", "call", "how", "finished"),
    [
        # What a terminal sends waits until all three files are there: the sheet, the JSON file and the picture.
        (os, "replace", 1, "sent", 1),
        (os, "replace", 5, "sent", 2),
        (tempfile, "mkdtemp", 1, "sent", 0),  # only to see whether a folder can be made
        (tempfile, "mkdtemp", 3, "sent", 1),
        (shutil, "rmtree", 1, "sent", 1),
        (shutil, "rmtree", 6, "sent", 2),
        # What cannot be held back, as in a thread that is stopped, leads back to how it was.
        (os, "replace", 2, "raised before", 0),
        (os, "replace", 2, "raised after", 0),
        (os, "replace", 3, "raised before", 0),
        (os, "replace", 3, "raised after", 1),
        (os, "replace", 5, "raised before", 1),
        (shutil, "rmtree", 1, "raised before", 1),
        (shutil, "rmtree", 5, "raised before", 2),
    ],
)
def test_ctrl_c_leaves_all_files_of_a_picture_or_none(
    command, photograph, tmp_path, monkeypatch, ctrl_c, module, name, call, how, finished
):
    for number in range(3):
        photograph(f"in/{number}.png")
    work, calls = getattr(module, name), []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == call and how == "sent":
            ctrl_c()
        if len(calls) == call and how == "raised before":
            raise KeyboardInterrupt
        done = work(*arguments, **options)
        if len(calls) == call and how == "raised after":
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(module, name, interrupted)
    status, _, err = command(tmp_path / "in", "--sigma", 10, "-o", tmp_path / "out", "--compare")
    assert status == 130
    assert f"Pictures finished: {finished}; nothing half-written is left." in err
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    endings = ("compare.png", "restored.json", "restored.png")
    expected = [f"out/{number}_{ending}" for number in range(finished) for ending in endings]
    assert sorted(left) == [f"in/{number}.png" for number in range(3)] + expected
    assert list(tmp_path.rglob(".*")) == []


def test_ctrl_c_leaves_older_results_as_they_were(command, photograph, tmp_path, monkeypatch):
    arguments = photograph("a.png"), "--sigma", 10, "--compare", "--overwrite"
    assert command(*arguments)[0] == 0
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    replace = os.replace

    def interrupted(source, target):
        if Path(target).name == "a_restored.png":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    status, _, err = command(*arguments, "--strength", 0.5)
    assert status == 130
    assert "Pictures finished: 0;" in err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_run_left_without_its_picture_does_not_keep_it_from_being_restored(command, photograph, tmp_path):
    for name in ("a", "b"):
        photograph(f"in/{name}.png")
    arguments = tmp_path / "in", "--sigma", 10, "-o", tmp_path / "out", "--compare"
    assert command(*arguments)[0] == 0
    (tmp_path / "out" / "a_restored.png").unlink()
    status, out, _ = command(*arguments)
    assert status == 0
    assert out.endswith("1 restored, 1 skipped, 0 failed.\n")
    # Neither is the sheet alone in the way, nor the JSON file alone.
    for gone in ("a_restored.json", "a_compare.png"):
        (tmp_path / "out" / "a_restored.png").unlink()
        (tmp_path / "out" / gone).unlink()
        assert command(*arguments)[1].endswith("1 restored, 1 skipped, 0 failed.\n")
    assert json.loads((tmp_path / "out" / "a_restored.json").read_text())["output"] == "a_restored.png"


@pytest.mark.parametrize("name", ["a_compare.png", "a_restored.json"])
def test_what_is_not_ours_is_neither_replaced_nor_passed_over(command, photograph, tmp_path, name):
    for picture in ("a", "b"):
        photograph(f"in/{picture}.png")
    foreign = photograph(f"out/{name}") if name.endswith(".png") else tmp_path / "out" / name
    foreign.parent.mkdir(exist_ok=True)
    content = foreign.read_bytes() if name.endswith(".png") else b'{"software": "mine"}'
    foreign.write_bytes(content)
    arguments = tmp_path / "in", "--sigma", 10, "-o", tmp_path / "out", "--compare"
    status, out, _ = command(*arguments)
    assert status == 1
    assert f"{name} is there already, and nothing in it says that it is ours. Add --overwrite" in out
    assert out.endswith("1 restored, 0 skipped, 1 failed.\n")
    assert foreign.read_bytes() == content
    assert command(*arguments, "--overwrite")[0] == 0
    assert foreign.read_bytes() != content


@pytest.mark.parametrize("name", ["a_restored.png", "a_restored.json", "a_compare.png"])
def test_a_folder_in_the_way_is_refused_before_anything_is_written(command, photograph, tmp_path, name):
    path = photograph("a.png")
    (tmp_path / name).mkdir()
    status, out, _ = command(path, "--sigma", 10, "--compare", "--overwrite")
    assert status == 1
    assert f"{name} is a folder where a file is to be written. Rename it" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.png", name])


def test_a_name_that_is_no_text_does_not_stop_a_folder(command, photograph, tmp_path):
    for name in ("a", "c", "odd"):
        photograph(f"in/{name}.png")
    try:
        odd = (tmp_path / "in" / "odd.png").rename(tmp_path / "in" / os.fsdecode(b"b\xf6se.png"))
    except (OSError, UnicodeError):
        pytest.skip("names are text on this file system")
    status, out, err = command(tmp_path / "in", "--sigma", 10, "-o", tmp_path / "out", "--compare")
    assert (status, err) == (0, "")
    assert "b\\udcf6se.png -> " in out
    assert out.endswith("3 restored, 0 skipped, 0 failed.\n")
    note = tmp_path / "out" / os.fsdecode(b"b\xf6se_restored.json")
    assert json.loads(note.read_text(encoding="utf-8"))["input"]["file"] == odd.name
    odd.write_text("no picture")
    status, out, _ = command(tmp_path / "in", "--sigma", 10, "-o", tmp_path / "out", "--overwrite")
    assert status == 1
    assert "failed: " in out and "b\\udcf6se.png is no picture" in out


def test_lines_for_others_can_be_written_anywhere(photograph, restorer, tmp_path):
    path = photograph("a.png")
    told, report = [], restoring.Report()
    job = restoring.Job(path, path.with_name("b\udcf6se.png"), None)
    try:
        job.target.touch()
    except (OSError, UnicodeError):
        pytest.skip("names are text on this file system")
    restoring.restore_files(restorer, [job], report, sigma=10, overwrite=True, tell=told.append)
    report.failed.append((job.target, "made up"))
    for line in [*told, report.summary()]:
        assert "b\\udcf6se.png" in line and line.encode()


@pytest.mark.parametrize("error", [ValueError("odd values"), OSError("odd file"), MemoryError()])
def test_what_one_picture_raises_does_not_end_the_others(command, photograph, tmp_path, monkeypatch, error):
    for name in ("a", "b", "c"):
        photograph(f"in/{name}.png")
    restore, calls = Restorer.__call__, []

    def stumbles(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise error
        return restore(self, *arguments, **options)

    monkeypatch.setattr(Restorer, "__call__", stumbles)
    status, out, _ = command(tmp_path / "in", "--sigma", 10, "-o", tmp_path / "out")
    assert status == 1
    assert f"b.png: {str(error) or 'not enough memory'}" in out
    assert out.endswith("2 restored, 0 skipped, 1 failed.\n")


def test_pictures_of_kinds_that_are_not_read_are_named(command, photograph, tmp_path):
    photograph("in/a.png")
    for name in ("IMG_1.HEIC", "deep/b.nef", "c.psd", "notes.txt", "a.json", ".hidden.heic", ".trash/d.cr2"):
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"of another kind")
    status, out, _ = command(tmp_path / "in", "--sigma", 10, "-o", tmp_path / "out")
    assert status == 0  # as for others that are passed over
    assert out.endswith("1 restored, 3 skipped, 0 failed.\n")
    assert [line for line in out.splitlines() if line.startswith("skipped: ")] == [
        f"skipped: {tmp_path / 'in' / name}: files that end in {ending} are not read; export it as PNG, TIFF or JPEG "
        "with another program"
        for name, ending in (("IMG_1.HEIC", ".HEIC"), ("c.psd", ".psd"), ("deep/b.nef", ".nef"))
    ]
    assert "IMG_1.HEIC: files that end in .HEIC are not read" in command(tmp_path / "in", "--estimate")[1]
    (tmp_path / "in" / "a.png").unlink()
    status, _, err = command(tmp_path / "in")
    assert status == 1
    assert "No picture in" in err and "IMG_1.HEIC, one of 3: files that end in .HEIC are not read; export it" in err


def test_names_may_begin_with_a_tilde(command, photograph, tmp_path, monkeypatch):
    for name in ("~photo.png", "~scans/a.png", "~", "plain.png"):
        path = photograph("made.png")
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        path.rename(tmp_path / "in" / name)
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path / "in")
    status, out, err = command(".", "--sigma", 10)
    assert (status, err) == (0, "")
    assert out.endswith("3 restored, 0 skipped, 0 failed.\n")  # the file ~ has no ending
    assert command("~photo.png", "--sigma", 10, "--overwrite")[0] == 0
    assert gan_lib.restore("~", sigma=10).shape == images.load_image("plain.png").shape


def test_a_raw_file_of_a_camera_is_not_restored_as_its_thumbnail(command, tmp_path):
    import tifffile

    for name, flags in (("a.nef", {"subfiletype": 1}), ("b.cr2", {}), ("c.tif", {"subfiletype": 1})):
        tifffile.imwrite(tmp_path / name, noisy(40, 60), **flags)
        status, out, _ = command(tmp_path / name, "--sigma", 10)
        assert status == 1
        assert "xport it as PNG, TIFF or JPEG with another program" in out
    with pytest.raises(images.PictureError, match="end in .nef are not read"):
        gan_lib.restore(tmp_path / "a.nef", sigma=10)
    assert [path.name for path in tmp_path.iterdir() if "restored" in path.name] == []


@pytest.mark.parametrize("name", ["long.webp", "long.jpg"])
def test_a_format_that_cannot_hold_it_is_told_before_the_work(command, tmp_path, monkeypatch, name):
    monkeypatch.setattr(Restorer, "__call__", None)
    wide = images.save_image(tmp_path / "wide.png", noisy(2, 70_000))
    status, out, _ = command(wide, "--sigma", 10, "-o", tmp_path / name)
    assert status == 1 and f"70,000 pixels long, and {Path(name).suffix} ends at" in out


def test_more_exif_than_a_format_holds_is_told_before_the_work(command, tmp_path, monkeypatch):
    tags = Image.Exif()
    tags[0x010F] = "x" * 70_000
    Image.fromarray(noisy(40, 60)).save(tmp_path / "a.png", exif=tags)
    assert command(tmp_path / "a.png", "--sigma", 10)[0] == 0
    monkeypatch.setattr(Restorer, "__call__", None)
    status, out, _ = command(tmp_path / "a.png", "--sigma", 10, "-o", tmp_path / "a.jpg")
    assert status == 1 and "bytes of EXIF, and .jpg holds 65,527; take .png" in out


def test_a_name_that_becomes_too_long_does_not_stop_the_others(command, photograph, tmp_path):
    photograph("in/a.png")
    photograph("in/" + 250 * "b" + ".png")
    status, out, _ = command(tmp_path / "in", "--sigma", 10)
    assert status == 1
    assert out.endswith("1 restored, 0 skipped, 1 failed.\n")
    assert "the name is too long" in out and "[Errno" not in out


def test_an_estimate_leaves_out_what_is_done(command, photograph, tmp_path):
    for name in ("a", "b"):
        photograph(f"in/{name}.png")
    assert command(tmp_path / "in" / "a.png", "--sigma", 10)[0] == 0
    status, out, _ = command(tmp_path / "in", "--estimate")
    assert status == 0
    assert "a.png: " in out and "a_restored.png is there already" in out and "\n1 picture, " in out
    assert "2 pictures, " in command(tmp_path / "in", "--estimate", "--overwrite")[1]
    assert command(tmp_path / "in", "--sigma", 10)[0] == 0
    status, out, _ = command(tmp_path / "in", "--estimate")
    assert (status, out.splitlines()[-1]) == (0, "Nothing is left to do.")


def test_the_demonstration_leaves_nothing_of_an_estimate_or_of_a_wrong_output(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for task in ("denoise", "inpaint", "super-resolution"):
        tasked = ["--task", task] + ([] if task == "denoise" else ["--weights", CARDED[task]])
        status, out, _ = command(*tasked, "--estimate")
        assert status == 0 and out.startswith("1 picture, ")
        assert command(*tasked, "-o", "out.gif")[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_said_to_be_the_originals_where_cmyk_became_rgb(command, tmp_path):
    Image.fromarray(noisy(40, 60)).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    assert command(tmp_path / "print.jpg", "--strength", 0)[0] == 0
    told = json.loads((tmp_path / "print_restored.json").read_text())
    assert told["generated"] == "Strength 0: no pixel was generated."
    assert any("CMYK became RGB" in note for note in told["notes"])


def test_a_bar_is_for_terminals(command, photograph, tmp_path, monkeypatch):
    for name in ("a", "b"):
        photograph(f"in/{name}.png")
    assert command(tmp_path / "in", "--sigma", 10)[2] == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert "2/2" in command(tmp_path / "in", "--sigma", 10, "--overwrite")[2]


@pytest.mark.parametrize("cap", [0, -5])
def test_a_cap_that_no_picture_fits_is_refused(command, photograph, cap):
    for more in ([], ["--estimate"], ["--task", "super-resolution"]):
        status, out, err = command(photograph(), "--max-pixels", cap, *more)
        assert (status, out) == (2, "")
        assert f"The cap is {cap} pixels; at least 1 was expected." in err
    with pytest.raises(SettingsError, match=f"The cap is {cap} pixels"):
        gan_lib.restore(noisy(8, 8), max_pixels=cap)


def test_sharp_and_other_weights_do_not_go_together(command, photograph, released):
    path = released / "denoiser.weights.h5"
    status, out, err = command(photograph(), "--sharp", "--weights", path)
    assert (status, out) == (2, "")
    assert err.startswith("error: --sharp (sharp=True) chooses among the released weights, and --weights (weights=)")
    assert err.endswith("leave one of them out.\n")
    with pytest.raises(SettingsError, match="chooses among the released weights"):
        gan_lib.restore(noisy(8, 8), sharp=True, weights=path)


def test_srgb_profiles_need_no_conversion(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = images.save_image(tmp_path / "a.png", noisy(20, 30), metadata=images.Metadata(profile=srgb))
    assert restoring.open_picture(path).profile is None


def test_memory_that_does_not_suffice_is_a_sentence(released):
    import tensorflow as tf

    def exhausted(*inputs):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    restorer = Restorer(weights_file=released / "denoiser.weights.h5")
    filler, enlarger = (
        restoring.HoleFiller(weights_file=CARDED["inpaint"]),
        restoring.Enlarger(4, weights_file=CARDED["super-resolution"]),
    )
    for worker in (restorer, filler, enlarger):
        vars(worker)["_run"] = exhausted
    for call in (
        lambda: restorer(noisy(40, 60), sigma=10.0),
        lambda: filler(noisy(40, 60), np.eye(40, 60, dtype=bool)),
        lambda: enlarger(noisy(40, 60)),
    ):
        with pytest.raises(MemoryError, match="memory does not suffice"):
            call()


@pytest.mark.parametrize(("bits", "scale", "expected"), [(8, 1, 0.024), (16, 1, 0.060), (8, 4, 0.384)])
def test_the_memory_of_an_estimate_is_the_promised_one(released, tmp_path, monkeypatch, bits, scale, expected):
    from types import SimpleNamespace

    from gan_lib.restoring import costs

    nothing = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=0))
    monkeypatch.setattr(costs.psutil, "Process", lambda: nothing)
    monkeypatch.setattr(costs, "_seconds_a_pixel", lambda *settings: 0.0)
    path = images.save_image(tmp_path / "a.png", np.zeros((1000, 1000, 3), np.float32), bits=bits)
    if scale > 1:
        worker = restoring.Enlarger(scale, weights_file=CARDED["super-resolution"])
    else:
        worker = Restorer(weights_file=released / "denoiser.weights.h5")
    assert restoring.estimate_cost(worker, [path]).memory_gb == pytest.approx(expected)
