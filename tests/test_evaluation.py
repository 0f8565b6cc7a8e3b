"""evaluation: the protocol "denoise" against scikit-image, networks as methods, and the command."""

import json
import time

import keras
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from gan_lib import __main__ as command_line
from gan_lib import evaluation, images, weights
from gan_lib.datasets import DataError, bundled_photographs, held_out_names
from gan_lib.evaluation import add_noise, evaluate_denoising, network_denoiser, running
from gan_lib.evaluation.pictures import sources
from gan_lib.networks.denoiser import denoiser
from gan_lib.networks.features import judging_features
from gan_lib.restoring import SettingsError
from gan_lib.weights import WeightsError, save_released

CARD = dict.fromkeys(("purpose", "network", "data", "training", "measures", "limits", "licence"), "made up")
SMALL = {"channels": 8, "blocks": 2}


@pytest.fixture(scope="module")
def crops():
    """Three crops of training photographs of odd and even sizes, uint8; their order by name is theirs here."""
    coffee, flower = (bundled_photographs("train")[name] for name in ("coffee", "flower"))
    return {"a": coffee[100:148, 240:304], "b": flower[50:103, 200:241], "c": coffee[200:240, 300:350]}


@pytest.fixture
def folder(crops, tmp_path):
    for name, picture in crops.items():
        images.save_image(tmp_path / "pictures" / f"{name}.png", picture)
    return tmp_path / "pictures"


@pytest.fixture(autouse=True)
def released(tmp_path, monkeypatch):
    """A folder of released weights of our own: at first there are none."""
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "released")
    return tmp_path / "released"


def small_denoiser(seed=1):
    """A denoiser that has learnt nothing but whose last layer is not zero."""
    keras.utils.set_random_seed(seed)
    model = denoiser(**SMALL)
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    last.set_weights([np.random.default_rng(seed).normal(0, 0.02, value.shape) for value in last.get_weights()])
    return model


def save(model, name, folder, **more):
    builder = {"function": "denoiser.denoiser", "arguments": SMALL}
    return save_released(model, name, CARD | {"builder": builder, "trained_sigma": [0, 55]} | more, folder)


def quiet(line):
    del line


def to_8_bit(picture):
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


# --- the noise --------------------------------------------------------------------------------------------------------


def test_the_noise_is_that_of_the_protocol():
    clean = np.full((256, 256, 3), 250, np.uint8)
    noise = add_noise(clean, 25, seed=0, index=3) * 255 - 250
    assert noise.dtype == np.float32
    assert -10 * np.log10(np.mean((noise / 255) ** 2)) == pytest.approx(20.17, abs=0.05)
    assert noise.max() > 80  # far beyond white: not clipped
    np.testing.assert_array_equal(add_noise(clean, 25, seed=0, index=3), add_noise(clean, 25, seed=0, index=3))
    for other in ({"seed": 1, "index": 3}, {"seed": 0, "index": 4}, {"seed": 3, "index": 0}):
        assert abs(np.corrcoef(noise.ravel(), (add_noise(clean, 25, **other) * 255 - 250).ravel())[0, 1]) < 0.02
    # Written down here, since every published figure hangs on it.
    pinned = add_noise(np.zeros((1, 2, 3), np.uint8), 25, seed=0, index=3) * 255 / 25
    np.testing.assert_allclose(pinned.ravel()[:3], [-0.88372725, 2.8859067, 0.55808496], rtol=1e-5)
    # Twice the strength is the same noise twice as strong.
    np.testing.assert_allclose(add_noise(clean, 50, seed=0, index=3) * 255 - 250, 2 * noise, atol=1e-3)


def seen_by_a_method(pictures, **options):
    """Name of a picture -> what a method was given for it."""
    seen = []

    def method(noisy, sigma):
        seen.append(noisy)
        return noisy

    names = evaluate_denoising(pictures, methods={"mine": method}, tell=quiet, **options).by_picture["mine"]
    return dict(zip(names, seen[1:], strict=True))  # the first call is the trial run


def test_methods_get_the_noise_unclipped(crops):
    seen = seen_by_a_method(crops, sigma=40)
    for index, (name, clean) in enumerate(crops.items()):
        np.testing.assert_array_equal(seen[name], add_noise(clean, 40, seed=0, index=index))
    assert min(noisy.min() for noisy in seen.values()) < -0.1
    assert max(noisy.max() for noisy in seen.values()) > 1.1


def test_a_broken_file_changes_no_other_pictures_noise(folder, crops):
    before = seen_by_a_method(folder)
    (folder / "a.png").write_text("no picture")
    after = seen_by_a_method(folder)
    assert list(after) == ["b.png", "c.png"]
    np.testing.assert_array_equal(after["b.png"], before["b.png"])


# --- the measures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grey", [False, True])
def test_measures_are_scikit_images_averaged_over_pictures(grey, folder):
    measured = evaluate_denoising(folder, sigma=30, grey=grey, methods=["noisy", "wavelets"], seed=4, tell=quiet)
    expected = []
    for index, path in enumerate(sorted(folder.iterdir())):
        clean = images.load_image(path, mode="grey" if grey else "rgb")
        noisy = to_8_bit(add_noise(clean, 30, seed=4, index=index))
        similarity = structural_similarity(
            clean, noisy, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        expected.append((peak_signal_noise_ratio(clean, noisy), similarity))
        found = measured.by_picture["noisy"][path.name]
        assert (found["psnr"], found["ssim"]) == pytest.approx(expected[-1], abs=2e-3)
    noisy, wavelets = measured.report["rows"]
    assert (noisy["psnr"], noisy["ssim"]) == pytest.approx(tuple(np.mean(expected, axis=0)), abs=2e-3)
    assert wavelets["psnr"] > noisy["psnr"] + 3
    assert wavelets["ssim"] > noisy["ssim"] + 0.05


def test_what_a_method_gives_is_clipped_and_rounded(crops):
    def half_a_level_off(noisy, sigma):
        return crops["a"] / 255 + 0.3 / 255

    def beyond(noisy, sigma):
        return np.where(crops["a"] > 127, 7.0, -7.0)

    black_and_white = {"a": np.where(crops["a"] > 127, 255, 0).astype(np.uint8)}
    one = evaluate_denoising({"a": crops["a"]}, methods={"mine": half_a_level_off}, tell=quiet)
    assert one.report["rows"][0]["psnr"] == np.inf
    other = evaluate_denoising(black_and_white, methods={"mine": beyond}, tell=quiet)
    assert other.report["rows"][0]["psnr"] == np.inf


def test_the_report_is_as_agreed(folder, tmp_path):
    report = evaluate_denoising(folder, methods=["noisy", "median"], tell=quiet).report
    assert report["task"] == "denoise"
    assert "sigma 25" in report["protocol"]
    assert "\n" not in report["protocol"]
    assert report["images"] == 3
    assert [row["method"] for row in report["rows"]] == ["noisy", "median"]
    for row in report["rows"]:
        assert set(row) == {"method", "psnr", "ssim", "perceptual", "seconds_per_megapixel"}
    path = evaluation.save_report(tmp_path / "new" / "report.json", report)
    assert json.loads(path.read_text(encoding="utf-8")) == report
    assert [entry.name for entry in path.parent.iterdir()] == ["report.json"]


def test_infinity_is_no_number_of_json(folder, tmp_path):
    report = evaluate_denoising(folder, sigma=0, methods=["noisy"], tell=quiet).report
    assert report["rows"][0]["psnr"] == np.inf
    text = evaluation.save_report(tmp_path / "report.json", report).read_text(encoding="utf-8")
    assert "Infinity" not in text
    assert json.loads(text)["rows"][0]["psnr"] is None


def test_the_table_is_aligned(crops):
    report = evaluate_denoising(crops, methods=["noisy", "total_variation"], tell=quiet).report
    first, empty, *table = evaluation.as_table(report).splitlines()
    assert first.startswith("denoise, 3 pictures: Gaussian noise of sigma 25")
    assert empty == ""
    assert [line.split()[0] for line in table] == ["method", "noisy", "total_variation"]
    assert len({len(line) for line in table}) == 1
    assert f"{report['rows'][1]['psnr']:.2f}" in table[2]
    assert table[1].split()[-2:] == ["-", "-"]  # the noisy picture takes no time, and there is no judge


def test_time_is_the_methods_own_for_a_megapixel_after_a_trial_run(crops):
    calls = []

    def slow(noisy, sigma):
        calls.append(noisy.shape)
        time.sleep(0.5 if len(calls) == 1 else 0.02)
        return noisy

    row = evaluate_denoising({"a": crops["a"]}, methods={"mine": slow}, tell=quiet).report["rows"][0]
    assert len(calls) == 2
    assert 0.02 / (48 * 64 / 1e6) <= row["seconds_per_megapixel"] < 0.4 / (48 * 64 / 1e6)


def test_the_worst_pictures_come_first(crops):
    measured = evaluate_denoising(crops, methods=["noisy", "total_variation"], worst=2, tell=quiet)
    cases, psnr = measured.worst["total_variation"], measured.by_picture["total_variation"]
    assert [case.name for case in cases] == sorted(psnr, key=lambda name: psnr[name]["psnr"])[:2]
    for case in cases:
        index = list(crops).index(case.name)
        np.testing.assert_array_equal(case.clean, crops[case.name])
        np.testing.assert_array_equal(case.degraded, to_8_bit(add_noise(case.clean, 25, seed=0, index=index)))
        assert peak_signal_noise_ratio(case.clean, case.restored) == pytest.approx(case.psnr, abs=1e-3)
    assert evaluate_denoising(crops, methods=["noisy"], tell=quiet).worst == {"noisy": []}


def test_an_error_shows_its_sign():
    clean = np.full((2, 2, 3), 100, np.uint8)
    restored = clean + np.array([0, 4, 150], np.uint8)
    error = evaluation.error_picture(restored, clean)
    assert error[0, 0].tolist() == [128, 148, 255]
    assert evaluation.error_picture(clean, restored)[0, 0].tolist() == [128, 108, 0]


def test_the_judge_gives_the_perceptual_distance(crops, released):
    card = CARD | {"builder": {"function": "features.judging_features", "arguments": {}}}
    save_released(judging_features(), "judging_features", card, released)
    lines = []
    clean = {"a": crops["a"]}
    methods = {"perfect": lambda noisy, sigma: crops["a"] / 255, "noisy": lambda noisy, sigma: noisy}
    rows = evaluate_denoising(clean, methods=methods, tell=lines.append).report["rows"]
    assert rows[0]["perceptual"] == 0
    assert rows[1]["perceptual"] > 0
    assert lines == []


# --- networks as methods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(48, 64), (37, 51), (16, 90)])
def test_an_untrained_denoiser_gives_back_what_came(size):
    # Its last layer is zero, so whatever is cut, mirrored or clipped on the way would show.
    noisy = np.random.default_rng(0).normal(0.5, 1, (*size, 3)).astype(np.float32)
    np.testing.assert_allclose(network_denoiser(denoiser(**SMALL))(noisy, 25), noisy, atol=1e-5)


def test_a_network_is_told_the_noise_and_gets_its_own_range(crops):
    model = small_denoiser()
    noisy = add_noise(crops["a"], 25, seed=0, index=0)
    margin = 64  # more than it sees
    padded = np.pad(noisy, ((margin, margin), (margin, margin), (0, 0)), "symmetric") * 2 - 1
    level = np.full((1, *padded.shape[:2], 1), 25 / 255, np.float32)
    expected = model([padded[None], level]).numpy()[0, margin:-margin, margin:-margin] * 0.5 + 0.5
    restored = network_denoiser(model)(noisy, 25)
    np.testing.assert_allclose(restored, expected, atol=1e-5)
    assert np.abs(restored - noisy).max() > 0.01
    assert np.abs(restored - network_denoiser(model)(noisy, 50)).max() > 1e-4


def test_tiles_do_not_show(crops):
    model = small_denoiser()
    noisy = add_noise(crops["b"], 25, seed=0, index=0)
    np.testing.assert_allclose(
        network_denoiser(model, tile=16)(noisy, 25), network_denoiser(model)(noisy, 25), atol=1e-5
    )


def test_a_grey_picture_is_shown_to_it_in_three_channels(crops):
    model = small_denoiser()
    noisy = add_noise(crops["a"][..., :1], 25, seed=0, index=0)
    restored = network_denoiser(model)(noisy, 25)
    assert restored.shape == noisy.shape
    expected = network_denoiser(model)(noisy.repeat(3, -1), 25).mean(-1, keepdims=True)
    np.testing.assert_allclose(restored, expected, atol=1e-6)


def test_a_network_without_a_map_will_do(crops):
    noisy = keras.Input((None, None, 3))
    model = keras.Model(noisy, keras.layers.Conv2D(3, 3, padding="same")(noisy))
    restored = network_denoiser(model)(add_noise(crops["b"], 25, seed=0, index=0), 25)
    assert restored.shape == crops["b"].shape


def test_released_networks_are_rows_of_their_own(crops, released):
    save(denoiser(**SMALL), "denoiser", released)
    save(small_denoiser(), "denoiser_sharp", released)
    lines = []
    rows = evaluate_denoising(crops, tell=lines.append).report["rows"]
    assert [row["method"] for row in rows] == list(evaluation.METHODS)
    assert len(lines) == 1  # only the judge is missing
    by_method = {row["method"]: row for row in rows}
    assert by_method["gan_lib"]["psnr"] == pytest.approx(by_method["noisy"]["psnr"], abs=1e-3)
    assert by_method["gan_lib_sharp"]["psnr"] != pytest.approx(by_method["noisy"]["psnr"], abs=1e-2)
    assert by_method["gan_lib"]["seconds_per_megapixel"] > 0


def test_weights_of_ones_own_take_the_place_of_the_released_ones(crops, released, tmp_path):
    save(denoiser(**SMALL), "denoiser", released)
    mine = save(small_denoiser(), "mine", tmp_path / "build")
    options = {"methods": ["gan_lib"], "tell": quiet}
    given = evaluate_denoising(crops, weights=mine, **options).report["rows"]
    assert [row["method"] for row in given] == ["gan_lib"]
    expected = evaluate_denoising(crops, methods={"x": network_denoiser(small_denoiser())}, tell=quiet)
    assert given[0]["psnr"] == pytest.approx(expected.report["rows"][0]["psnr"], abs=1e-3)
    assert given[0]["psnr"] != pytest.approx(evaluate_denoising(crops, **options).report["rows"][0]["psnr"], abs=1e-2)


def test_a_measure_does_not_depend_on_the_precision_policy(released, precision):
    save(small_denoiser(), "denoiser", released)
    precision("mixed_bfloat16")
    noisy = np.random.default_rng(0).normal(0.5, 0.2, (32, 32, 3)).astype(np.float32)
    restored = evaluation.denoising_methods(["gan_lib"])["gan_lib"](noisy, 25)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    precision("float32")
    np.testing.assert_allclose(restored, network_denoiser(small_denoiser())(noisy, 25), atol=1e-5)


def test_what_is_not_there_yet_is_left_out_with_a_line(crops):
    lines = []
    report = evaluate_denoising(crops, tell=lines.append).report
    assert [row["method"] for row in report["rows"]] == list(evaluation.METHODS[:-2])
    assert [line.split(",")[0] for line in lines[:2]] == ["Left out: gan_lib", "Left out: gan_lib_sharp"]
    assert all(row["perceptual"] is None for row in report["rows"])
    with pytest.raises(WeightsError, match="no released weights named 'denoiser'"):
        evaluate_denoising(crops, methods=["gan_lib"], tell=quiet)


def test_noise_that_a_network_never_saw_is_said(crops, released):
    save(denoiser(**SMALL), "denoiser", released, trained_sigma=[0, 30])
    lines = []
    evaluate_denoising(crops, sigma=40, methods=["gan_lib"], tell=lines.append)
    assert "gan_lib was trained for sigma 0 to 30, and is measured here at 40" in lines[0]


# --- which pictures ---------------------------------------------------------------------------------------------------


def test_without_a_folder_the_held_out_pictures_are_taken():
    assert [name for name, _ in sources(None, grey=True)] == list(held_out_names())
    colour = {name: load() for name, load in sources(None, grey=False)}
    assert set(held_out_names()) - set(colour) == {"camera"}
    assert all(picture.shape[-1] == 3 for picture in colour.values())


def test_a_list_of_files_is_measured_in_the_order_of_names(folder):
    paths = sorted(folder.iterdir())
    backwards = evaluate_denoising(paths[::-1], methods=["noisy"], tell=quiet)
    assert list(backwards.by_picture["noisy"]) == [path.as_posix() for path in paths]
    expected = evaluate_denoising(folder, methods=["noisy"], tell=quiet).report["rows"]
    assert backwards.report["rows"] == expected


def test_pictures_in_several_folders_are_said_and_their_names_reported(folder, crops):
    lines = []
    report = evaluate_denoising(folder, methods=["noisy"], tell=lines.append).report
    assert report["pictures"] == ["a.png", "b.png", "c.png"]
    assert not any("folders" in line for line in lines)
    images.save_image(folder / "LR_bicubic" / "X2" / "a.png", crops["a"][::2, ::2])
    (folder / "broken.png").write_text("no picture")
    report = evaluate_denoising(folder, methods=["noisy"], tell=lines.append).report
    assert any(line.startswith("Note: the pictures lie in 2 folders (., LR_bicubic/X2). If some") for line in lines)
    assert report["pictures"] == ["LR_bicubic/X2/a.png", "a.png", "b.png", "c.png"]
    assert (report["images"], list(report["skipped"])) == (4, ["broken.png"])
    named = sorted(path for path in folder.rglob("*.png") if path.name != "broken.png")  # by hand, so no word about it
    lines.clear()
    evaluate_denoising(named, methods=["noisy"], tell=lines.append)
    assert not any("folders" in line for line in lines)


def test_grey_pictures_are_made_by_luma(folder):
    seen = seen_by_a_method(folder, sigma=0, grey=True)
    expected = images.load_image(folder / "a.png") @ np.array([0.299, 0.587, 0.114])
    assert seen["a.png"].shape == (48, 64, 1)
    np.testing.assert_allclose(seen["a.png"][..., 0] * 255, expected, atol=0.51)


def test_grey_pictures_among_those_in_colour_are_counted_and_said(crops):
    pictures = crops | {"b": crops["b"][..., :1].repeat(3, axis=-1)}
    lines = []
    report = evaluate_denoising(pictures, methods=["noisy"], tell=lines.append).report
    assert report["grey_pictures"] == 1
    assert lines[-1].startswith("Note: 1 of 3 pictures are grey. Here each channel got noise of its own")
    assert "those of --grey" in lines[-1]
    lines.clear()
    assert evaluate_denoising(crops, methods=["noisy"], tell=lines.append).report["grey_pictures"] == 0
    grey = {name: picture[..., :1] for name, picture in crops.items()}
    assert evaluate_denoising(grey, grey=True, methods=["noisy"], tell=lines.append).report["grey_pictures"] == 3
    assert not any("are grey" in line for line in lines)


def test_16_bit_files_are_measured_as_8_bit(tmp_path, crops):
    images.save_image(tmp_path / "deep.png", crops["a"] / 255 + 0.2 / 255, bits=16)
    np.testing.assert_array_equal(seen_by_a_method(tmp_path, sigma=0)["deep.png"], np.float32(crops["a"]) / 255)


def test_small_and_broken_pictures_are_named_and_left_out(folder, crops):
    images.save_image(folder / "0small.png", crops["a"][:15, :40])
    (folder / "broken.jpg").write_text("no picture")
    lines = []
    report = evaluate_denoising(folder, methods=["noisy"], tell=lines.append).report
    assert report["images"] == 3
    assert set(report["skipped"]) == {"0small.png", "broken.jpg"}
    assert "0small.png is 40 x 15 pixels; at least 16 x 16" in lines[1]
    assert "broken.jpg is no picture" in lines[2]


def test_arrays_must_have_the_channels_that_are_measured(crops):
    lines = []
    with pytest.raises(evaluation.EvaluationError, match="None of the 3 pictures"):
        evaluate_denoising(crops, grey=True, methods=["noisy"], tell=lines.append)
    assert "(height, width, 1) was expected. Load it with mode 'grey'" in lines[1]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"sigma": -1}, SettingsError, "sigma -1; at least 0"),
        ({"sigma": float("nan")}, SettingsError, "sigma nan"),
        ({"methods": ["bm3d"]}, SettingsError, "no method bm3d; known are noisy, non_local_means"),
        ({"methods": {}}, SettingsError, "No methods came"),
        ({"weights": "nothing.weights.h5", "methods": ["gan_lib"]}, WeightsError, "no file nothing.weights.h5"),
        ({"methods": {"mine": lambda x, s: x[:-1]}}, evaluation.EvaluationError, r"mine on a gave shape \(47, 64, 3\)"),
        ({"methods": {"mine": lambda x, s: x * np.nan}}, evaluation.EvaluationError, "mine on a gave NaN"),
    ],
)
def test_what_cannot_be_measured_is_said_in_words(options, error, words, crops):
    with pytest.raises(error, match=words):
        evaluate_denoising(crops, tell=quiet, **options)


def test_no_pictures():
    with pytest.raises(evaluation.EvaluationError, match="No pictures came"):
        evaluate_denoising({}, tell=quiet)


# --- the command ------------------------------------------------------------------------------------------------------


def run(capsys, *arguments):
    status = command_line.main(["evaluate", "denoise", *map(str, arguments)])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_the_command_prints_and_writes_the_table(folder, released, tmp_path, capsys):
    mine = save(small_denoiser(), "mine", tmp_path / "build")
    target = tmp_path / "out" / "report.json"
    options = ["--images", folder, "--sigma", 15, "--weights", mine, "--json", target, "--worst", tmp_path / "worst"]
    status, out, err = run(capsys, *options)
    assert (status, err) == (0, "")
    report = json.loads(target.read_text(encoding="utf-8"))
    assert [row["method"] for row in report["rows"]] == list(evaluation.METHODS[:-1])
    assert report["sigma"] == 15
    for row in report["rows"]:
        line = next(line for line in out.splitlines() if line.split()[:1] == [row["method"]])
        assert f"{row['psnr']:.2f}" in line
    figures = sorted(path.name for path in (tmp_path / "worst").iterdir())
    assert figures == [f"gan_lib_worst_{rank}.png" for rank in (1, 2, 3)]
    assert min(images.load_image(tmp_path / "worst" / figures[0]).shape[:2]) > 100


def test_the_command_measures_grey_with_another_seed(folder, tmp_path, capsys):
    status, out, _ = run(capsys, "--images", folder, "--grey", "--seed", 3)
    assert status == 0
    assert "seed 3, not clipped; grey" in out


def test_a_broken_file_among_good_ones_is_named(folder, capsys):
    (folder / "broken.jpg").write_text("no picture")
    status, out, _ = run(capsys, "--images", folder)
    assert status == 0
    assert "Skipped:" in out
    assert "broken.jpg is no picture" in out
    assert "denoise, 3 pictures" in out


def test_what_goes_wrong_is_a_sentence_and_a_status(tmp_path, folder, capsys):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "one.png").write_text("no picture")
    (tmp_path / "empty").mkdir()
    for status, words, options in [
        (2, "sigma -5; at least 0 was expected", ["--images", folder, "--sigma", -5]),
        (1, "does not exist", ["--images", tmp_path / "nowhere"]),
        (1, "No picture in", ["--images", tmp_path / "empty"]),
        (1, "None of the 1 pictures could be measured", ["--images", tmp_path / "broken"]),
        (1, "There is no file", ["--images", folder, "--weights", tmp_path / "no.weights.h5"]),
        (2, "The seed is -1; a whole number from 0 up was expected", ["--images", folder, "--seed", -1]),
        (1, "a file stands where a folder is needed", ["--images", folder, "--json", folder / "a.png" / "report.json"]),
        (1, "a folder has that name", ["--images", folder, "--json", tmp_path / "empty"]),
        (1, "a file stands where a folder is needed", ["--images", folder, "--worst", tmp_path / "broken" / "one.png"]),
        (2, "among the pictures; name a folder elsewhere", ["--images", folder, "--worst", folder / "worst"]),
        (2, "among the pictures; name a folder elsewhere", ["--images", folder, "--worst", folder]),
    ]:
        found, _, err = run(capsys, *options)
        assert found == status, words
        assert err.startswith("error: ")
        assert words in err
        assert "Traceback" not in err
        assert "[Errno" not in err


def test_what_cannot_be_written_is_said_before_the_measurement_and_leaves_nothing(
    tmp_path, folder, capsys, monkeypatch
):
    monkeypatch.setattr(evaluation, "evaluate_denoising", None)
    status, out, err = run(capsys, "--images", folder, "--json", folder / "a.png" / "report.json")
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {folder / 'a.png' / 'report.json'} could not be written: ")
    evaluation.check_target(tmp_path / "free" / "report.json")
    assert list((tmp_path / "free").iterdir()) == []


def test_of_times_the_median_counts_and_of_measures_the_mean():
    cases = [{"psnr": value, "ssim": None, "seconds_per_megapixel": value} for value in (1.0, 1.0, 10.0)]
    assert running._summary(cases) == {"psnr": 4.0, "ssim": None, "seconds_per_megapixel": 1.0}


def test_results_of_restore_are_not_measured(folder):
    for name in ("a_restored.png", "a_compare.png", "b_restored_mask_as_read.png"):
        (folder / name).write_bytes((folder / "a.png").read_bytes())
    told = []
    names = [name for name, _ in sources(folder, grey=False, tell=told.append)]
    assert "a.png" in names and not any("restored" in name or "compare" in name for name in names)
    assert told == [f"Passed over: 3 that look like results of restore, such as {folder / 'a_compare.png'}."]


def test_an_empty_folder_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="No picture in"):
        evaluate_denoising(tmp_path, tell=quiet)
