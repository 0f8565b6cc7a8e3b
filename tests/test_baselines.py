"""baselines: they remove noise, take unclipped pictures as they are, and are no straw men."""

import numpy as np
import pytest
import tune_baselines
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

from gan_lib import baselines
from gan_lib.baselines import DENOISERS, denoising, inpainting
from gan_lib.datasets import bundled_photographs

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@pytest.fixture(scope="module")
def clean():
    """A crop of a training photograph, float32 (112, 120, 3) in [0, 1]."""
    return np.float32(bundled_photographs("train")["coffee"][100:212, 240:360] / 255)


def with_noise(clean, sigma, seed=0):
    return clean + np.random.default_rng(seed).standard_normal(clean.shape, np.float32) * np.float32(sigma / 255)


def psnr(restored, clean):
    return -10 * np.log10(np.mean((np.float64(restored) - clean) ** 2))


def in_channels(clean, channels):
    return clean if channels == 3 else (clean @ LUMA)[..., None]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [15, 25, 50])
@pytest.mark.parametrize("name", DENOISERS)
def test_they_remove_noise(name, sigma, channels, clean):
    clean = in_channels(clean, channels)
    noisy = with_noise(clean, sigma)
    restored = DENOISERS[name](noisy, sigma)
    assert restored.shape == clean.shape
    assert restored.dtype == np.float32
    assert restored.min() >= 0
    assert restored.max() <= 1
    gained = psnr(restored, clean) - psnr(np.clip(noisy, 0, 1), clean)
    assert gained > {"median": 3.0}.get(name, 6.0)


@pytest.mark.parametrize(
    "options", [{"sigma": 0}, {"sigma": 0.0}, {"sigma": 1e-9, "strength": 1.0}], ids=["0", "0.0", "nearly 0"]
)
@pytest.mark.parametrize("name", ["non_local_means", "total_variation", "wavelets"])
def test_without_noise_nothing_changes(name, options, clean):
    np.testing.assert_allclose(DENOISERS[name](clean, **options), clean, atol=1e-5)


def test_the_median_too_leaves_clean_pictures_alone(clean):
    np.testing.assert_array_equal(DENOISERS["median"](clean, 0), clean)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", DENOISERS)
def test_noise_beyond_white_is_not_cut_off(name, channels):
    # Had the noise been clipped before, white would have come out darker by 0.4 of sigma, 0.08.
    white = np.ones((64, 64, channels), np.float32)
    restored = DENOISERS[name](with_noise(white, 50), 50)
    assert restored.mean() > 0.97
    black = DENOISERS[name](with_noise(0 * white, 50), 50)
    assert black.mean() < 0.03


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("non_local_means", {"strength": 0.6, "patch": 5, "reach": 5}),
        ("total_variation", {"strength": 0.6, "colour_strength": 0.9}),
        ("wavelets", {"strength": 1.0, "levels": 3}),
        ("median", {"width": 3}),
    ],
)
def test_no_range_is_guessed(name, options, channels, clean):
    # Half the contrast with half the noise must give half the contrast of the result, wherever the values lie.
    noisy = with_noise(0.4 + 0.2 * in_channels(clean, channels), 10)
    whole = DENOISERS[name](noisy, 10, **options)
    half = DENOISERS[name](0.5 * noisy + 0.1, 5, **options)
    np.testing.assert_allclose(half, 0.5 * whole + 0.1, atol=2e-3)


@pytest.mark.parametrize("name", DENOISERS)
def test_more_noise_more_smoothing(name, clean):
    noisy = with_noise(clean, 25)
    unrest = [np.abs(np.diff(DENOISERS[name](noisy, sigma), axis=0)).mean() for sigma in (5, 15, 25, 50, 75)]
    assert all(after <= before for before, after in zip(unrest, unrest[1:], strict=False))
    assert unrest[-1] < unrest[0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 60), (60, 1), (3, 5), (13, 14), (17, 40)])
@pytest.mark.parametrize("name", DENOISERS)
def test_any_size(name, size, channels, clean):
    noisy = with_noise(in_channels(clean, channels)[: size[0], : size[1]], 25)
    restored = DENOISERS[name](noisy, 25)
    assert restored.shape == (*size, channels)
    assert np.isfinite(restored).all()


@pytest.mark.parametrize("name", DENOISERS)
def test_what_comes_in_stays_as_it_is(name, clean):
    noisy = with_noise(clean, 25)
    before = noisy.copy()
    DENOISERS[name](noisy, 25)
    np.testing.assert_array_equal(noisy, before)


# What scikit-image's documentation advises: a baseline must not be weaker than that, or beating it proves little.
ADVICE = {
    "non_local_means": lambda noisy, level: denoise_nl_means(
        noisy, patch_size=5, patch_distance=6, h=0.8 * level, sigma=level, channel_axis=-1
    ),
    "total_variation": lambda noisy, level: denoise_tv_chambolle(noisy, weight=0.1, channel_axis=-1),
    "wavelets": lambda noisy, level: denoise_wavelet(
        noisy, sigma=level, convert2ycbcr=True, rescale_sigma=True, channel_axis=-1
    ),
}


@pytest.mark.parametrize("sigma", [15, 25, 50])
@pytest.mark.parametrize("name", ADVICE)
def test_they_are_better_than_the_usual_call(name, sigma):
    gained = []
    for clean in np.float32(np.stack(tune_baselines.training_crops(None)) / 255):
        noisy = with_noise(clean, sigma)
        usual = np.clip(ADVICE[name](noisy, sigma / 255), 0, 1)
        gained.append(psnr(DENOISERS[name](noisy, sigma), clean) - psnr(usual, clean))
    assert np.mean(gained) > 0.2


def test_brightness_and_colour_differences_keep_noise_as_it_is(clean):
    noise = with_noise(0 * clean, 25)
    channels = denoising._apart(noise)
    assert [np.std(channel) * 255 for channel in channels] == pytest.approx([25, 25, 25], rel=0.03)
    assert np.abs(np.corrcoef(np.reshape(channels, (3, -1))) - np.eye(3)).max() < 0.05
    np.testing.assert_allclose(denoising._together(channels), noise, atol=1e-6)


@pytest.mark.parametrize("name", DENOISERS)
@pytest.mark.parametrize(
    ("picture", "sigma", "words"),
    [
        (np.zeros((8, 8, 3), np.uint8), 25, "dtype uint8 .* Divide uint8 by 255"),
        (np.zeros((8, 8), np.float32), 25, r"shape \(8, 8\) came"),
        (np.zeros((8, 8, 4), np.float32), 25, r"shape \(8, 8, 4\) came"),
        (np.zeros((0, 8, 3), np.float32), 25, r"shape \(0, 8, 3\) came"),
        (np.zeros((8, 8, 3), np.float32), -1, "sigma -1; at least 0"),
        (np.zeros((8, 8, 3), np.float32), float("nan"), "sigma nan"),
    ],
)
def test_what_cannot_be_is_refused_in_words(name, picture, sigma, words):
    with pytest.raises(ValueError, match=words):
        DENOISERS[name](picture, sigma)


def test_the_constants_lie_on_the_grid_of_the_tool():
    for name, by_channels in denoising._TUNED.items():
        for options in by_channels.values():
            for option, values in options.items():
                assert set(values) <= set(tune_baselines.GRIDS[name][option]), f"{option} of {name}"


def test_between_the_tuned_values_it_is_interpolated(monkeypatch):
    tuned = {"made_up": {3: {"strength": (1.0, 2.0, 4.0), "width": (3, 5, 7)}}}
    monkeypatch.setattr(denoising, "_TUNED", tuned)
    picture = np.zeros((4, 4, 3), np.float32)

    def chosen(sigma, **given):
        return tuple(denoising._tuned("made_up", picture, sigma, **given).values())

    assert chosen(20) == (pytest.approx(1.5), 5)
    assert chosen(19) == (pytest.approx(1.4), 3)
    assert (chosen(0), chosen(200)) == ((1.0, 3), (4.0, 7))
    assert chosen(25, strength=None, width=9) == (2.0, 9)


def test_the_tool_finds_the_best_of_the_grid(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(tune_baselines, "COLOURFUL", ("coffee",))
    grids = {"total_variation": {"strength": (0.01, 0.6), "colour_strength": (0.9,)}, "median": {"width": (3, 15)}}
    monkeypatch.setattr(tune_baselines, "GRIDS", grids)
    monkeypatch.setattr(baselines, "DENOISERS", {name: DENOISERS[name] for name in grids})
    assert tune_baselines.main(["--sigma", "25", "--markdown", str(tmp_path / "table.md")]) == 0
    told = capsys.readouterr().out
    assert told.count("| total_variation |") == told.count("| strength 0.6") + told.count("strength 0.6, ahead") == 2
    assert told.count("| width 3,") == 2
    assert "2 crops of 128x128" in told
    assert (tmp_path / "table.md").read_text(encoding="utf-8") == told


def test_the_tool_finds_the_best_radius(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(tune_baselines, "COLOURFUL", ("coffee",))
    monkeypatch.setattr(tune_baselines, "RADII", (3.0, 20.0))
    assert tune_baselines.main(["--inpainting", "--markdown", str(tmp_path / "table.md")]) == 0
    table = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert table == capsys.readouterr().out
    rows = [line.split("|")[1:4] for line in table.splitlines()[4:]]
    assert [name.strip() for name, *_ in rows] == ["telea", "telea", "navier_stokes", "navier_stokes"]
    found = [(float(psnr), float(radius)) for _, radius, psnr in rows]
    assert found[0] > found[1] and found[2] >= found[3]
    assert {radius for _, radius in found} == {3, 20}


def test_the_radii_lie_on_the_grid_of_the_tool():
    assert set(inpainting._RADIUS.values()) <= set(tune_baselines.RADII)
