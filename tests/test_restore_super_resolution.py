"""restore --task super-resolution: any picture becomes larger, however it was cut into tiles, and says how."""

import json
import re

import imagecodecs
import keras
import numpy as np
import pytest
from PIL import Image

import gan_lib
from gan_lib import __main__ as command_line
from gan_lib import datasets, images, metrics, restoring, weights
from gan_lib.networks.upscaler import upscaler
from gan_lib.restoring import Enlarger, Region, SettingsError
from gan_lib.restoring.enlarging import bicubic

ADOBE = imagecodecs.cms_profile("adobergb")
EXIF, WIDTH, HEIGHT = 0x8769, 0xA002, 0xA003


def release(folder, name, scale=4, *, change=0.02, **card):
    """A small upscaler whose weights change a picture visibly, or leave it to bicubic interpolation, and its card."""
    arguments = {"scale": scale, "channels": 8, "blocks": 1}
    model = upscaler(**arguments)
    random = np.random.default_rng(scale)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(random.normal(0, 0.2, layer.kernel.shape))
            last = layer
    last.kernel.assign(random.normal(0, 1, last.kernel.shape) * change)
    told = {field: "said here" for field in weights.CARD_FIELDS if field not in ("name", "parameters")}
    builder = {"function": "upscaler.upscaler", "arguments": arguments}
    return weights.save_released(model, name, told | {"builder": builder, "scale": scale} | card, folder)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    release(folder, "upscaler_x4")
    release(folder, "upscaler_x2", 2)
    release(folder, "upscaler_x4_sharp", change=0.05)
    release(folder, "plain", change=0)
    return folder


@pytest.fixture(autouse=True)
def _our_weights(released, monkeypatch):
    monkeypatch.setattr(weights, "FOLDER", released)


@pytest.fixture(scope="module")
def enlarger(released):
    return Enlarger(weights_file=released / "upscaler_x4.weights.h5")


@pytest.fixture(scope="module")
def plain(released):
    """An untrained network: bicubic interpolation."""
    return Enlarger(weights_file=released / "plain.weights.h5")


def picture(height=24, width=36, channels=3, dtype=np.uint8):
    """Waves with some noise, in the middle of the range."""
    rows, columns = np.mgrid[:height, :width]
    waves = [0.5 + 0.2 * np.sin(rows / 3 + shift) * np.cos(columns / 4) for shift in range(channels)]
    values = np.stack(waves, axis=-1) + np.random.default_rng(height).normal(0, 0.03, (height, width, channels))
    values = np.clip(values, 0, 1).astype(np.float32)
    return images.to_uint8(values) if dtype == np.uint8 else values.astype(dtype)


# --- enlarging --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_result_does_not_depend_on_the_tiles(enlarger, dtype):
    small = picture(101, 135, dtype=dtype)
    whole = enlarger(small, tile=1000)
    assert (whole.shape, whole.dtype) == ((404, 540, 3), dtype)
    assert np.abs(whole.astype(np.float32) - bicubic(small, 4)).max() > (20 if dtype == np.uint8 else 0.08)
    for tile in (32, 47, 64, 100):
        difference = np.abs(enlarger(small, tile=tile).astype(np.float32) - whole).max()
        assert difference <= (1 if dtype == np.uint8 else 1e-5)


def test_tiles_equal_the_network_on_the_mirrored_picture(enlarger):
    small = picture(40, 50)
    padded = np.pad(small, ((20, 20), (20, 20), (0, 0)), mode="symmetric")
    straight = enlarger.model(images.to_network(padded)[None], training=False).numpy()[0, 80:-80, 80:-80]
    np.testing.assert_allclose(enlarger(small, tile=32), images.from_network(straight) * 255, atol=0.51)


def test_a_region_is_what_it_is_within_the_whole(enlarger):
    small = np.dstack([picture(60, 90), np.random.default_rng(1).integers(0, 256, (60, 90), np.uint8)])
    whole = enlarger(small)
    for region in (Region(0, 0, 20, 30), Region(31, 17, 28, 71), Region(59, 89, 1, 1)):
        part = enlarger(small, region=region, tile=32).astype(int)
        expected = whole[4 * region.top :, 4 * region.left :][: 4 * region.height, : 4 * region.width]
        assert np.abs(part - expected).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_untrained_it_is_bicubic_as_pillow_has_it(plain, dtype):
    small = picture(dtype=dtype)
    edge = slice(12, -12)  # Pillow has no mirror image beyond the edges
    difference = np.abs(plain(small).astype(np.float32) - bicubic(small, 4))[edge, edge]
    assert difference.max() <= (1 if dtype == np.uint8 else 1e-5)


@pytest.mark.parametrize("shape", [(4, 5, 3), (4, 700, 3), (17, 9, 1), (20, 16, 2), (16, 20, 4), (18, 19)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_shape_dtype_and_alpha(shape, dtype):
    small = picture(*shape[:2], shape[2] if len(shape) > 2 else 1, dtype=dtype).reshape(shape)
    large = gan_lib.restore(small, task="super-resolution", scale=4, tell=lambda line: None)
    assert (large.shape, large.dtype) == ((4 * shape[0], 4 * shape[1], *shape[2:]), dtype)
    if shape[-1] in (2, 4):
        whole = 255 if dtype == np.uint8 else 1
        alpha = Image.fromarray(small[..., -1]).resize(large.shape[1::-1], Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(large[..., -1], np.clip(np.asarray(alpha), 0, whole))
        assert (large[..., 0] != large[..., -1]).any()


def test_alpha_that_overshoots_is_clipped(enlarger):
    small = picture(16, 16, 4, np.float32)
    small[..., 3] = np.arange(16) % 8 > 3
    alpha = enlarger(small)[..., 3]
    assert alpha.min() == 0 and alpha.max() == 1


def test_grey_is_the_mean_of_three_equal_channels(enlarger):
    small = picture(channels=1, dtype=np.float32)
    three = enlarger(np.repeat(small, 3, axis=-1))
    np.testing.assert_allclose(enlarger(small).repeat(3, axis=-1), three, atol=1e-6)
    straight = enlarger.model(images.to_network(np.repeat(small, 3, axis=-1))[None], training=False).numpy()
    assert np.ptp(straight, axis=-1).max() > 0.01  # the network by itself would give it specks of colour


def test_the_network_sees_srgb_whatever_the_file_is_in(enlarger, tmp_path):
    inside = picture(dtype=np.float32) * 0.3 + 0.35  # colours that both can show
    profile = images.ColourProfile(ADOBE)
    path = images.save_image(
        tmp_path / "a.png", profile.from_srgb(inside), bits=16, metadata=images.Metadata(b"", ADOBE)
    )
    large, expected = gan_lib.restore(path, task="super-resolution"), enlarger(inside)
    shown = ((expected > 0.02) & (expected < 0.98)).all(axis=-1)  # what neither clips
    assert shown.mean() > 0.5
    np.testing.assert_allclose(profile.to_srgb(large)[shown], expected[shown], atol=2e-3)
    assert np.abs(large - enlarger(images.load_image(path))).max() > 5e-3  # what ignoring it would give


def test_half_precision_for_training_does_not_reach_it(precision, enlarger, released):
    small = picture(dtype=np.float32)
    precision("mixed_bfloat16")
    again = Enlarger(weights_file=released / "upscaler_x4.weights.h5")
    np.testing.assert_allclose(again(small), enlarger(small), atol=1e-6)


def test_scale_and_sharp_choose_the_weights(released):
    small = picture()
    ways = {"upscaler_x4": {}, "upscaler_x2": {"scale": 2}, "upscaler_x4_sharp": {"scale": 4, "sharp": True}}
    results = {}
    for name, way in ways.items():
        scale = way.get("scale", 4)
        results[name] = gan_lib.restore(small, task="super-resolution", **way)
        expected = Enlarger(scale, weights_file=released / f"{name}.weights.h5")(small)
        np.testing.assert_array_equal(results[name], expected)
    assert results["upscaler_x2"].shape == (48, 72, 3)
    assert (results["upscaler_x4"] != results["upscaler_x4_sharp"]).any()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"scale": 3}, "The scale is 3; 2 or 4 was expected"),
        ({"scale": "4"}, "The scale is '4'; 2 or 4 was expected"),
        (
            {"scale": 2, "sharp": True},
            "no sharp weights for scale 2; there are faithful ones for 2 and 4 and sharp .* 4",
        ),
        ({"tile": 16}, "at least 32"),
        ({"sigma": 0.0}, "Sigma or strength came, which is not for the task super-resolution"),
        ({"mask_alpha": True}, "A mask came, which is not for the task super-resolution"),
    ],
)
def test_settings_that_cannot_be_say_what_can(settings, says):
    with pytest.raises(SettingsError, match=says):
        gan_lib.restore(picture(), task="super-resolution", **settings)


def test_weights_of_another_scale_or_kind_are_refused(released, tmp_path):
    with pytest.raises(SettingsError, match=r"The scale is 2, and the weights upscaler_x4 have 4. Take --scale 4"):
        Enlarger(2, weights_file=released / "upscaler_x4.weights.h5")
    path = release(tmp_path, "odd")
    card = json.loads((tmp_path / "odd.json").read_text())
    del card["scale"]
    (tmp_path / "odd.json").write_text(json.dumps(card))
    with pytest.raises(weights.WeightsError, match='The card of odd lacks "scale"'):
        Enlarger(weights_file=path)
    with pytest.raises(SettingsError, match="larger than the picture; use Enlarger"):
        restoring.Restorer("super-resolution")
    with pytest.raises(SettingsError, match="A scale came, which is not for the task denoise"):
        gan_lib.restore(picture(), scale=4)


def test_a_picture_smaller_than_a_patch_gets_a_note_and_a_tiny_one_is_refused():
    told = []
    assert gan_lib.restore(picture(23, 40), task="super-resolution", tell=told.append).shape == (92, 160, 3)
    assert "40 x 23 pixels only" in told[0]
    gan_lib.restore(picture(24, 24), task="super-resolution", tell=told.append)
    assert len(told) == 1
    with pytest.raises(images.PictureError, match="40 x 3 pixels came.* at least 4 x 4 were expected"):
        gan_lib.restore(picture(3, 40), task="super-resolution")


def test_the_cap_counts_pixels_of_the_result():
    small = picture(20, 30)
    assert gan_lib.restore(small, task="super-resolution", max_pixels=9600).shape == (80, 120, 3)
    with pytest.raises(images.PictureError, match=r"120 x 80, 9,600 in all.* GB of memory; the cap is 9,599.*=9600"):
        gan_lib.restore(small, task="super-resolution", max_pixels=9599)


# --- files ------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_file(tmp_path):
    return images.save_image(tmp_path / "small.png", picture())


@pytest.fixture
def command(capsys):
    def run(*arguments, task="super-resolution"):
        status = command_line.main(["restore", "--task", task, *map(str, arguments)])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return status, told.out, told.err

    return run


def test_a_file_gets_its_result_a_note_and_a_sheet(command, small_file, enlarger):
    status, out, _ = command(small_file, "--compare", "--tile", 32)
    assert status == 0 and f"{small_file} -> {small_file.with_name('small_restored.png')}" in out
    result = images.load_image(small_file.with_name("small_restored.png"))
    assert np.abs(result.astype(int) - enlarger(picture())).max() <= 1
    told = json.loads(small_file.with_name("small_restored.json").read_text())
    assert told["parameters"] == {"scale": 4, "sharp": False, "tile": 32, "crop": None}
    assert (told["task"], told["weights"]["name"]) == ("super-resolution", "upscaler_x4")
    assert "enlarged a picture 4 times" in told["generated"] and "was invented" in told["generated"]
    sheet = images.load_image(small_file.with_name("small_compare.png"))
    for shown in (picture(), bicubic(picture(), 4), result):
        assert appears(shown, sheet)
    status, out, _ = command(small_file)
    assert status == 1 and "is there already. Add --overwrite" in out
    assert command(small_file, "--overwrite", "--sharp")[0] == 0
    told = json.loads(small_file.with_name("small_restored.json").read_text())
    assert "invents more" in told["generated"] and told["parameters"]["sharp"] is True


def appears(part, sheet):
    """Whether a picture stands somewhere on a sheet, pixel by pixel."""
    height, width = part.shape[:2]
    rows, columns = np.nonzero((sheet[: 1 - height or None, : 1 - width or None] == part[0, 0]).all(axis=-1))
    places = zip(rows, columns, strict=True)
    return any(np.array_equal(sheet[row : row + height, column : column + width], part) for row, column in places)


def test_a_large_one_shows_a_part_of_it(command, tmp_path):
    small = picture(150, 170)
    path = images.save_image(tmp_path / "a.png", small)
    assert command(path, "--compare")[0] == 0
    sheet = images.load_image(tmp_path / "a_compare.png")
    part = Region(11, 21, 128, 128)  # 512 of the result, in the middle
    assert appears(bicubic(small, 4, part), sheet) and appears(small, sheet)
    result = images.load_image(tmp_path / "a_restored.png")
    assert appears(result[44:556, 84:596], sheet)


def test_a_part_is_what_it_is_within_the_whole(command, small_file, enlarger):
    assert command(small_file, "--crop", "10,5,20,15", "--compare")[0] == 0
    part = images.load_image(small_file.with_name("small_crop_restored.png")).astype(int)
    assert np.abs(part - enlarger(picture())[20:80, 40:120]).max() <= 1
    told = json.loads(small_file.with_name("small_crop_restored.json").read_text())
    assert told["parameters"]["crop"] == {"x": 10, "y": 5, "width": 20, "height": 15}
    sheet = images.load_image(small_file.with_name("small_crop_compare.png"))
    assert appears(bicubic(picture(), 4)[20:80, 40:120], sheet) and appears(picture()[5:20, 10:30], sheet)
    status, _, err = command(small_file, "--crop", "30,5,20,15", "--overwrite")
    assert status == 2 and "does not lie inside the picture, which is 36 wide and 24 high" in err


@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_metadata_are_kept_and_tell_the_new_size(command, tmp_path, kind):
    tags = Image.Exif()
    tags[0x010F], tags[0x0112] = "Lichtwerk", 6
    tags[EXIF] = {0x9003: "2024:05:06 07:08:09", WIDTH: 36, HEIGHT: 24}
    Image.fromarray(picture()).save(tmp_path / "a.jpg", exif=tags, dpi=(300, 300), icc_profile=ADOBE)
    assert command(tmp_path / "a.jpg", "-o", tmp_path / f"b.{kind}", "--scale", 2)[0] == 0
    found = images.read_metadata(tmp_path / f"b.{kind}")
    tags = Image.Exif()
    tags.load(found.exif)
    assert tags[0x010F] == "Lichtwerk"
    below = tags.get_ifd(EXIF)
    assert (below[WIDTH], below[HEIGHT], below[0x9003]) == (48, 72, "2024:05:06 07:08:09")
    assert images.load_image(tmp_path / f"b.{kind}").shape == (72, 48, 3)  # upright
    assert found.dpi == pytest.approx((300, 300), abs=0.02) and found.profile == ADOBE


def test_a_size_in_exif_that_outgrows_two_bytes():
    tags = Image.Exif()
    tags[EXIF] = {WIDTH: 40_000, HEIGHT: 10}  # short numbers, as Pillow writes them
    raw = tags.tobytes().removeprefix(b"Exif\0\0")
    grown = Image.Exif()
    grown.load(images.Metadata(raw).sized(20, 80_000).exif)
    assert (grown.get_ifd(EXIF)[WIDTH], grown.get_ifd(EXIF)[HEIGHT]) == (80_000, 20)
    for damaged in (b"", b"no EXIF", raw[:20]):
        assert images.Metadata(damaged).sized(20, 30).exif == damaged


def test_16_bit_stay_and_have_no_bands(command, tmp_path):
    ramp = np.linspace(0.3, 0.7, 1024, dtype=np.float32).reshape(32, 32, 1).repeat(3, axis=-1)
    path = images.save_image(tmp_path / "ramp.png", ramp, bits=16)
    assert command(path, "--scale", 2)[0] == 0
    result = tmp_path / "ramp_restored.png"
    assert images.read_header(result).bits == 16
    assert len(np.unique(images.load_image(result)[..., 0])) > 2000
    status, out, _ = command(path, "-o", tmp_path / "small.webp")
    assert status == 0 and "16 bit became 8" in out


def test_a_format_that_ends_too_early_is_told_before_the_work(command, tmp_path, monkeypatch):
    path = images.save_image(tmp_path / "long.png", picture(4, 4097))
    monkeypatch.setattr(Enlarger, "__call__", None)
    status, out, _ = command(path, "-o", tmp_path / "long.webp")
    assert status == 1 and "16,388 pixels long, and .webp ends at 16,383; take .png" in out


# --- the command ------------------------------------------------------------------------------------------------


def test_without_a_picture_a_bundled_one_is_made_small(command, tmp_path):
    status, out, _ = command("-o", tmp_path, "--weights", weights.FOLDER / "plain.weights.h5")
    assert status == 0
    clean = datasets.bundled_photographs("held-out")["chelsea"][:300, :448]
    small = Image.fromarray(clean).resize((112, 75), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(images.load_image(tmp_path / "chelsea_small.png"), small)
    expected = float(metrics.psnr(np.asarray(small.resize((448, 300), Image.Resampling.BICUBIC)), clean)[0])
    assert f"PSNR (RGB) {expected:.2f} dB of bicubic interpolation" in out
    of_network = re.search(r"interpolation, ([\d.]+) dB of the network", out)
    assert float(of_network[1]) == pytest.approx(expected, abs=0.1)
    assert images.load_image(tmp_path / "chelsea_small_restored.png").shape == clean.shape
    status, out, err = command("-o", tmp_path)
    assert status == 1 and "is there already" in err  # nothing is overwritten


def test_a_folder_goes_on_after_a_broken_picture_and_can_be_taken_up_again(command, tmp_path):
    for number in range(3):
        images.save_image(tmp_path / "in" / f"{number}.png", picture())
    (tmp_path / "in" / "broken.jpg").write_text("no picture")
    images.save_image(tmp_path / "in" / "tiny.png", picture(2, 2))
    status, out, _ = command(tmp_path / "in", "-o", tmp_path / "out", "--scale", 2)
    assert status == 1 and "broken.jpg is no picture" in out and "A picture of 2 x 2 pixels" in out
    assert out.endswith("3 restored, 0 skipped, 2 failed.\n")
    assert images.load_image(tmp_path / "out" / "1_restored.png").shape == (48, 72, 3)
    assert command(tmp_path / "in", "-o", tmp_path / "out")[1].endswith("0 restored, 3 skipped, 2 failed.\n")


def test_ctrl_c_leaves_whole_files(command, tmp_path, monkeypatch):
    for number in range(3):
        images.save_image(tmp_path / "in" / f"{number}.png", picture())
    enlarge, calls = Enlarger.__call__, []

    def stopped(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return enlarge(self, *arguments, **options)

    monkeypatch.setattr(Enlarger, "__call__", stopped)
    status, _, err = command(tmp_path / "in", "-o", tmp_path / "out")
    assert status == 130 and "Pictures finished: 1; nothing half-written is left." in err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0_restored.json", "0_restored.png"]


def test_minutes_and_memory_are_told_and_nothing_is_written(command, tmp_path):
    path = images.save_image(tmp_path / "a.png", picture(1000, 1000))
    status, out, _ = command(path, "--estimate", "--tile", 64)
    assert status == 0 and "1 picture, 1.0 megapixels that become 16.0: about" in out
    of_the_bundled_one = command("--estimate", "--tile", 64, "-o", tmp_path)[1]
    assert of_the_bundled_one.startswith("1 picture, 0.0 megapixels that become 0.1: about")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_result_above_the_cap_says_what_it_would_take(command, small_file, monkeypatch):
    loaded = []
    monkeypatch.setattr(images, "load_image", lambda *arguments, **options: loaded.append(1))
    status, out, _ = command(small_file, "--max-pixels", 13_000)
    assert status == 1 and loaded == []  # told from the header
    assert "144 x 96, 13,824 in all" in out and "the cap is 13,000" in out
    for way in ("--max-pixels 13824", "--crop", "--scale 2"):
        assert way in out


def test_an_estimate_knows_the_cap_and_the_part(command, small_file):
    status, out, _ = command(small_file, "--estimate", "--max-pixels", 13_000)
    assert status == 1 and out.startswith("cannot be restored: ") and "144 x 96, 13,824 in all" in out
    cap = ["--estimate", "--max-pixels", 5_000, "--crop"]
    status, out, _ = command(small_file, *cap, "0,0,16,16")
    assert status == 0 and out.startswith("1 picture, 0.0 megapixels that become 0.0: about")
    status, out, _ = command(small_file, *cap, "0,0,20,20")
    assert status == 1 and "The part of" in out and "a smaller part" in out


def test_a_part_below_the_cap_is_enlarged(command, small_file):
    cap = ["--max-pixels", 5_000, "--crop"]
    assert command(small_file, *cap, "0,0,16,16")[0] == 0
    status, out, _ = command(small_file, *cap, "0,0,20,20", "--overwrite")
    assert status == 1 and "The part of" in out and "a smaller part" in out
    assert "--scale 2" not in command(small_file, "--scale", 2, "--max-pixels", 3_000)[1]


@pytest.mark.parametrize(
    ("arguments", "task", "status", "says"),
    [
        (["--scale", 3], "super-resolution", 2, "The scale is 3; 2 or 4 was expected"),
        (["--scale", 2, "--sharp"], "super-resolution", 2, "There are no sharp weights for scale 2"),
        (["--tile", 8], "super-resolution", 2, "at least 32"),
        (["--sigma", 0], "super-resolution", 2, "--sigma came, which is not for the task super-resolution"),
        (["--strength", 1], "super-resolution", 2, "--strength came"),
        (["--mask", "m.png"], "super-resolution", 2, "--mask came"),
        (["--scale", 4], "denoise", 2, "--scale came, which is not for the task denoise"),
        (["--scale", 4, "--mask-alpha"], "inpaint", 2, "--scale came, which is not for the task inpaint"),
    ],
)
def test_options_that_cannot_be_are_one_sentence(command, small_file, arguments, task, status, says):
    found, _, err = command(small_file, *arguments, task=task)
    assert found == status and says in err and err.count("\n") == 1


def test_weights_of_another_scale_are_refused_on_the_command_line(command, small_file):
    status, _, err = command(small_file, "--weights", weights.FOLDER / "upscaler_x2.weights.h5")
    assert status == 2 and "The scale is 4, and the weights upscaler_x2 have 2. Take --scale 2" in err
