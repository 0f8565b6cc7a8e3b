"""restore: grey pictures stay grey, however they are stored, and what a file's profile means reaches the network."""

import json

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from test_restore import noisy
from test_restore import release as release_denoiser
from test_restore_super_resolution import release as release_upscaler

from gan_lib import images
from gan_lib.restoring import Enlarger, Region, Restorer, enlarge_file, restore_file, sheets
from gan_lib.restoring.files import Opened

ADOBE = imagecodecs.cms_profile("adobergb")
LINEAR = images.ColourProfile(imagecodecs.cms_profile("gray", gamma=1.0), 1)


@pytest.fixture(scope="module")
def denoise(tmp_path_factory):
    restorer = Restorer(weights_file=release_denoiser(tmp_path_factory.mktemp("weights"), "denoiser"))
    return lambda picture, **options: restorer(picture, sigma=20, **options)


@pytest.fixture(scope="module")
def enlarge(tmp_path_factory):
    return Enlarger(2, weights_file=release_upscaler(tmp_path_factory.mktemp("weights"), "upscaler_x2", 2))


@pytest.fixture(params=["denoise", "enlarge"])
def work(request):
    return request.getfixturevalue(request.param)


def spread(picture):
    """How far apart red, green and blue are, at the most."""
    return np.ptp(picture[..., :3].astype(float), axis=-1).max()


# --- grey that is stored in colour ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_grey_stored_as_rgb_gets_no_specks_of_colour(work, dtype):
    one = noisy(90, 70, 1, dtype=dtype)
    three = one.repeat(3, axis=-1)
    restored = work(three, tile=32)
    assert spread(restored) == 0
    # The same as of a file with one channel.
    np.testing.assert_allclose(restored[..., :1].astype(float), work(one), atol=1 if dtype == np.uint8 else 1e-5)
    coloured = three.copy()
    coloured[0, 0, 0] = 1  # one pixel with a colour, and the picture is no longer grey
    assert spread(work(coloured, tile=32)[40:]) > (2 if dtype == np.uint8 else 0.01)


def test_whether_it_is_grey_is_asked_of_the_picture_not_of_a_part(work):
    coloured = noisy(90, 70, 1).repeat(3, axis=-1)
    coloured[0, 0, 0] ^= 128
    part = work(coloured, region=Region(50, 10, 30, 40), tile=32)
    assert spread(part) > 2  # as within the whole picture
    grey = noisy(90, 70, 1).repeat(3, axis=-1)
    assert spread(work(grey, region=Region(50, 10, 30, 40))) == 0


def test_grey_with_alpha_and_in_another_profile(work):
    alpha = noisy(40, 50, 1)
    assert spread(work(np.dstack([noisy(40, 50, 1)] * 3 + [alpha]))) == 0
    assert spread(work(noisy(40, 50, 1).repeat(3, axis=-1), profile=images.ColourProfile(ADOBE))) == 0


def test_grey_at_half_strength(denoise):
    assert spread(denoise(noisy(40, 50, 1, dtype=np.float32).repeat(3, axis=-1), strength=0.5)) == 0


# --- grey profiles ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
def test_the_network_sees_srgb_whatever_the_curve_of_grey_is(work, channels):
    shown = noisy(40, 50, 1, dtype=np.float32) * 0.4 + 0.3
    alpha = [np.full((40, 50, 1), 0.5, np.float32)] * (channels - 1)
    stored = np.dstack([LINEAR.from_srgb(shown), *alpha])
    expected, restored = work(shown), work(stored, profile=LINEAR)
    assert restored.shape[-1] == channels
    clear = (expected > 0.05) & (expected < 0.95)  # what neither clips
    assert clear.mean() > 0.5
    np.testing.assert_allclose(LINEAR.to_srgb(restored[..., :1])[clear], expected[clear], atol=2e-3)
    assert np.abs(work(stored)[..., :1] - restored[..., :1]).max() > 0.02  # what ignoring it would give


def test_a_profile_for_another_number_of_channels_is_not_used(work):
    for channels, profile in ((1, images.ColourProfile(ADOBE)), (3, LINEAR)):
        picture = noisy(40, 50, channels)
        np.testing.assert_array_equal(work(picture, profile=profile), work(picture))


def test_the_estimate_looks_at_srgb_too(tmp_path):
    restorer = Restorer(weights_file=release_denoiser(tmp_path, "denoiser"))
    shown = np.clip(np.random.default_rng(0).normal(0.3, 0.05, (200, 200, 1)), 0, 1).astype(np.float32)
    stored = LINEAR.from_srgb(shown)
    assert restorer.estimate(stored, LINEAR) == pytest.approx(restorer.estimate(shown), rel=0.01)
    assert restorer.estimate(stored) < 0.7 * restorer.estimate(shown)


@pytest.mark.parametrize("corner", [(0, 0), (600, 0), (660, 660)])
def test_the_part_at_100_percent_of_a_sheet_shows_the_hole(corner):
    missing = np.zeros((700, 700), bool)
    missing[corner[0] : corner[0] + 40, corner[1] : corner[1] + 40] = True
    top, left = sheets._around_a_hole(missing)
    assert missing[top : top + 512, left : left + 512].sum() == 1_600
    assert max(top, left) <= 188


def test_the_sheet_of_an_estimate_stays_within_what_the_network_knows():
    """Half of the estimated sigma and 1.5 times it are shown too, and weights may know a single one."""
    asked = []

    class KnowsOne:
        limits = (25.0, 25.0)

        def __call__(self, pixels, *, sigma, **_):
            asked.append(sigma)
            return pixels

    shown = np.full((40, 50, 3), 0.5, np.float32)
    opened = Opened(shown, 16, images.Metadata(), None, [], 16)
    sheets.compare(KnowsOne(), opened, shown, 25.0, True, 1.0, None, tile=32, profile=None)
    assert set(asked) == {25.0}


@pytest.mark.parametrize("size", [(40, 50), (600, 700)])
def test_a_sheet_shows_grey_as_srgb_does(size):
    """A sheet is in colour, and a profile for grey is left out of it: its pixels must be those of sRGB."""
    shown = np.full((*size, 1), 0.5, np.float32)
    stored = LINEAR.from_srgb(shown)
    opened = Opened(stored, 16, images.Metadata(), LINEAR, [], 16)
    sheet = sheets.compare(None, opened, stored, 20.0, False, 1.0, None, tile=32, profile=LINEAR)
    assert (sheet == 128).all(axis=-1).sum() >= 2 * 40 * 50
    assert (sheet == images.to_uint8(stored)[0, 0, 0]).all(axis=-1).sum() < 100  # in the letters of its titles


@pytest.mark.parametrize("size", [(40, 50), (600, 700)])
def test_so_do_the_sheets_of_the_other_tasks(size):
    small = LINEAR.from_srgb(np.full((*size, 1), 0.5, np.float32))
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    missing = np.zeros(size, bool)
    missing[10:20, 10:20] = True
    for sheet in (
        sheets.compare_filled(small, missing, small, LINEAR),
        sheets.compare_enlarged(small, large, 2, None, LINEAR),
    ):
        assert (sheet == 128).all(axis=-1).sum() >= 3 * 40 * 50
        assert (sheet == images.to_uint8(small)[0, 0, 0]).all(axis=-1).sum() < 100


# --- files ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def restorer(tmp_path_factory):
    return Restorer(weights_file=release_denoiser(tmp_path_factory.mktemp("weights"), "denoiser"))


def test_a_file_of_linear_grey_is_restored_as_its_srgb_is(restorer, enlarge, tmp_path):
    shown = noisy(40, 50, 1, dtype=np.float32) * 0.4 + 0.3
    metadata = images.Metadata(profile=imagecodecs.cms_profile("gray", gamma=1.0))
    path = images.save_image(tmp_path / "a.tif", LINEAR.from_srgb(shown), bits=16, metadata=metadata)
    sheet = tmp_path / "sheet.png"
    done = [restore_file(restorer, path, tmp_path / "b.tif", sigma=20, sheet=sheet)]
    done.append(enlarge_file(enlarge, path, tmp_path / "c.tif"))
    for result, expected in zip(done, (restorer(shown, sigma=20), enlarge(shown)), strict=True):
        assert result.notes == [] and images.read_metadata(result.path).profile == metadata.profile
        clear = (expected > 0.05) & (expected < 0.95)
        found = LINEAR.to_srgb(images.load_image(result.path, mode="as-is"))
        np.testing.assert_allclose(found[clear], expected[clear], atol=3e-3)
    assert images.read_metadata(sheet).profile == b""  # PNG forbids it in colour


def test_a_profile_that_does_not_fit_is_left_out_and_told(restorer, tmp_path):
    Image.fromarray(noisy(40, 50, 1)[..., 0]).save(tmp_path / "a.jpg", icc_profile=ADOBE)
    done = restore_file(restorer, tmp_path / "a.jpg", tmp_path / "b.png", sigma=20)
    says = "taken as sRGB: the profile is for RGB; one for grey was expected. The profile itself was left out."
    assert [note.endswith(says) for note in done.notes] == [True]
    assert images.read_metadata(done.path).profile == b""


def test_what_is_lost_is_said_beside_the_result(restorer, enlarge, tmp_path):
    picture = noisy(40, 50)
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "ink.jpg")
    Image.fromarray(picture).save(
        tmp_path / "moving.gif", save_all=True, append_images=[Image.fromarray(255 - picture)]
    )
    tifffile.imwrite(tmp_path / "pages.tif", np.stack([picture] * 2), photometric="rgb")
    says = {"ink.jpg": "CMYK became RGB", "moving.gif": "Only the first picture", "pages.tif": "Only the first page"}
    for name, start in says.items():
        target = (tmp_path / name).with_suffix(".png")
        (note,) = restore_file(restorer, tmp_path / name, target, sigma=20).notes
        assert note.startswith(start)
        assert json.loads(target.with_suffix(".json").read_text())["notes"] == [note]
        assert enlarge_file(enlarge, tmp_path / name, target, overwrite=True).notes == [note]
