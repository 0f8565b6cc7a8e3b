"""Tests of gan_lib.datasets: each rung of the ladders, held-out pictures, and orders that survive a restart."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gan_lib import datasets, downloads, images
from gan_lib.datasets import DataError, batches, load_digits, load_photographs, patches
from gan_lib.datasets import digits as digits_module
from gan_lib.datasets import photographs as photographs_module

LEDGER = Path(__file__).resolve().parent.parent / "data" / "README.md"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Every test has an empty data folder and an empty Keras cache of its own, and no network."""
    monkeypatch.setenv("GAN_LIB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("GAN_LIB_OFFLINE", "1")
    return tmp_path


@pytest.fixture(scope="module")
def bundled():
    return load_digits("bundled")


@pytest.fixture
def few_bundled(monkeypatch):
    """A stand-in for the bundled digits where they only have to be there: making them takes a second or two."""
    made = (np.zeros((4, 28, 28, 1), np.uint8), np.arange(4, dtype=np.int32)) * 2
    monkeypatch.setattr(digits_module, "bundled_digits", lambda: (*made, (4, 4)))


def write_mnist(path, count=30, **changes):
    """A small file laid out as Keras' mnist.npz; ``changes`` replace or (None) remove its arrays."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part in ("train", "test"):
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"y_{part}"] = (np.arange(count) % 10).astype(np.uint8)
    arrays = {key: value for key, value in {**arrays, **changes}.items() if value is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


# --- where data lives -------------------------------------------------------------------------------------------


def test_the_environment_variable_decides_where_data_lives(elsewhere, monkeypatch):
    assert datasets.data_folder() == elsewhere / "data"
    monkeypatch.delenv("GAN_LIB_DATA")
    assert datasets.data_folder() == LEDGER.parent


def test_without_a_checkout_data_lives_in_the_cache(monkeypatch, tmp_path):
    from gan_lib.datasets import places

    monkeypatch.delenv("GAN_LIB_DATA")
    monkeypatch.setattr(places, "_CHECKOUT", tmp_path)
    assert datasets.data_folder() == Path.home() / ".cache" / "gan_lib"


def test_loading_arrays_does_not_load_tensorflow(run_python, elsewhere):
    path = write_mnist(elsewhere / "own.npz")
    code = f"import sys; from gan_lib import datasets; datasets.load_digits({str(path)!r}); "
    code += "datasets.bundled_photographs(); print('tensorflow' in sys.modules)"
    assert run_python(code).splitlines()[-1] == "False"


# --- digits: the ladder -----------------------------------------------------------------------------------------


def test_mnist_in_the_data_folder_is_the_first_rung(elsewhere):
    write_mnist(elsewhere / "data" / "mnist.npz", count=20)
    write_mnist(elsewhere / "keras" / "datasets" / "mnist.npz", count=40)
    loaded = load_digits()
    assert loaded.rung == "mnist"
    assert loaded.train_images.shape == (20, 28, 28, 1)
    assert loaded.train_images.dtype == np.uint8
    assert loaded.train_labels.dtype == np.int32
    np.testing.assert_array_equal(loaded.test_labels, np.arange(20) % 10)
    assert str(elsewhere / "data") in loaded.description


def test_keras_cache_is_the_second_rung(elsewhere, few_bundled, capsys):
    cached = write_mnist(elsewhere / "keras" / "datasets" / "mnist.npz", count=40)
    assert len(load_digits().train_images) == 40
    cached.write_bytes(cached.read_bytes()[:1000])  # Keras was interrupted while it downloaded
    assert load_digits().rung == "bundled-digits"
    assert "Passing over Keras' cache" in capsys.readouterr().out


def test_the_download_is_the_third_rung(elsewhere, monkeypatch):
    def fetch(url, sha256, destination):
        assert (url, sha256) == (digits_module.MNIST_URL, digits_module.MNIST_SHA256)
        assert re.fullmatch("[0-9a-f]{64}", sha256)
        return write_mnist(destination, count=50)

    monkeypatch.setattr(downloads, "download", fetch)
    loaded = load_digits()
    assert (loaded.rung, len(loaded.train_images)) == ("mnist", 50)
    assert os.listdir(elsewhere / "data") == ["mnist.npz"]


def test_without_any_of_them_the_bundled_digits_are_taken_and_that_is_said(elsewhere, few_bundled, capsys):
    loaded = load_digits()
    assert loaded.rung == "bundled-digits"
    assert "could not be downloaded" in loaded.description
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert "GAN_LIB_OFFLINE" in printed
    assert not (elsewhere / "data").exists()
    with pytest.raises(downloads.DownloadError, match="GAN_LIB_OFFLINE"):
        load_digits("mnist")


def test_a_data_folder_that_cannot_be_written_falls_to_the_bundled_digits(elsewhere, few_bundled, monkeypatch, capsys):
    (elsewhere / "data").write_text("a file in the way")
    monkeypatch.delenv("GAN_LIB_OFFLINE")
    assert load_digits().rung == "bundled-digits"
    assert "cannot be written" in capsys.readouterr().out
    assert (elsewhere / "data").read_text() == "a file in the way"


def test_a_file_of_your_own(elsewhere):
    path = write_mnist(elsewhere / "fashion_mnist.npz", x_train=np.zeros((30, 28, 28, 1), np.uint8))
    loaded = load_digits(path)
    assert loaded.rung == "fashion_mnist"
    assert loaded.description.startswith("fashion_mnist.npz, 30 training and 30 test pictures")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"y_test": None}, "lacks y_test"),
        ({"x_train": np.zeros((30, 32, 32), np.uint8)}, r"shape \(30, 32, 32\)"),
        ({"x_train": np.zeros((30, 28, 28))}, "float64"),
        ({"y_train": np.full(30, 10)}, "Label 10 at position 0 of y_train .* is out of range: expected 0 to 9"),
        ({"y_train": np.array([-1] * 30)}, "Label -1"),
        ({"y_train": np.zeros(30)}, "whole numbers, got float64"),
        ({"y_train": np.eye(10)[:3].astype(int)}, "one whole number per picture"),
        ({"y_train": np.zeros(29, int)}, "30 pictures but 29 labels"),
        ({"x_train": np.array([{}] * 30, object)}, "it holds Python objects"),
    ],
)
def test_files_that_are_no_digits_are_refused_by_name(elsewhere, changes, says):
    path = write_mnist(elsewhere / "data" / "mnist.npz", **changes)
    with pytest.raises(DataError, match=says) as caught:
        load_digits()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "but broken"),
        (b"\n<HTML>Quota exceeded</HTML>", "but a web page, often about a quota"),
        (b"PK\3\4" + bytes(100), "but broken"),
    ],
)
def test_broken_files_are_refused_with_a_way_out(elsewhere, content, says):
    path = elsewhere / "data" / "mnist.npz"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"mnist.npz is no .npz file {says}.* Delete that file") as caught:
        load_digits()
    assert "pickle" not in str(caught.value)
    with pytest.raises(DataError, match="is not a file"):
        load_digits("nowhere.npz")


# --- digits: the bundled ones -----------------------------------------------------------------------------------


def test_bundled_digits_have_the_shape_of_mnist(bundled):
    assert bundled.train_images.shape == (12_000, 28, 28, 1)
    assert bundled.test_images.shape == (2_000, 28, 28, 1)
    for pictures, labels in (bundled[:2], bundled[2:4]):
        assert (pictures.dtype, labels.dtype) == (np.uint8, np.int32)
        assert len(pictures) == len(labels)
        assert np.bincount(labels, minlength=10).min() > 0.08 * len(labels)
    assert "1,438 originals" in bundled.description
    assert "359 others" in bundled.description


def test_bundled_digits_look_like_mnist(bundled):
    # MNIST: background 0, strokes 255, mean 33, 20 pixels high, centred; 80 % of the pixels are black.
    pictures = bundled.train_images[:2000, :, :, 0]
    assert pictures.min() == 0
    assert pictures.max() == 255
    assert 30 < pictures.mean() < 50
    assert 0.7 < (pictures < 10).mean() < 0.85
    assert (pictures > 245).mean() > 0.08
    border = np.concatenate([pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]], axis=1)
    assert (border > 64).mean() < 0.001
    heights = [np.ptp(np.flatnonzero(rows)) + 1 for rows in (pictures > 127).any(axis=2)]
    assert 19 < np.mean(heights) < 21
    offsets = (pictures.sum(axis=2) @ np.arange(28)) / pictures.sum(axis=(1, 2)) - 13.5
    assert abs(offsets.mean()) < 0.1
    assert np.abs(offsets).max() < 2.5


def test_bundled_digits_are_the_same_each_time(bundled):
    again = load_digits("bundled")
    for first, second in zip(bundled[:4], again[:4], strict=True):
        np.testing.assert_array_equal(first, second)


def test_no_original_is_in_both_parts_or_in_both_halves_of_a_part():
    from sklearn.datasets import load_digits as originals

    from gan_lib.datasets import bundled_digits as module

    labels = originals().target
    train, test = module._divide(labels, np.random.default_rng(0))
    assert sorted([*train, *test]) == list(range(1797))
    assert len(test) == 359
    for chosen, count in ((train, 12_000), (test, 2_000)):
        index = module._copies(chosen, count)
        assert set(index) == set(chosen)
        assert not set(index[: count // 2]) & set(index[count // 2 :])


def test_bundled_digits_resemble_their_own_class_most(bundled):
    # A nearest-mean classifier, made of the training part: wrong labels or scrambled pictures would show at once.
    means = np.stack([bundled.train_images[bundled.train_labels == digit].mean(axis=0) for digit in range(10)])
    flat = bundled.test_images[:1000].reshape(1000, -1).astype(np.float32)
    distance = ((flat[:, None] - means.reshape(1, 10, -1)) ** 2).sum(axis=-1)
    assert (distance.argmin(axis=1) == bundled.test_labels[:1000]).mean() > 0.75


# --- batches ----------------------------------------------------------------------------------------------------


@pytest.fixture
def numbered():
    """100 pictures, each of one grey that is its number, and labels that follow from it."""
    return np.arange(100, dtype=np.uint8)[:, None, None, None].repeat(4, axis=1), np.arange(100) % 10


def as_numbers(dataset, steps):
    """The numbers of the pictures in each batch."""
    taken = [batch[0] if isinstance(batch, tuple) else batch for batch in dataset.take(steps)]
    return [np.rint((batch.numpy()[:, 0, 0, 0] + 1) * 127.5).astype(int).tolist() for batch in taken]


def test_batches_are_float32_in_the_networks_range(bundled):
    dataset = batches(bundled.train_images, bundled.train_labels, batch_size=64)
    pictures, labels = next(iter(dataset))
    assert pictures.shape == (64, 28, 28, 1)
    assert dataset.element_spec[0].shape == (64, 28, 28, 1)
    assert (pictures.dtype, labels.dtype) == (tf.float32, tf.int32)
    assert float(tf.reduce_min(pictures)) == -1
    assert float(tf.reduce_max(pictures)) == 1


def test_batches_are_not_tuned(bundled):
    # tf.data's own tuning runs in a thread that sleeps up to a minute, and the end of an iteration may wait for it.
    assert batches(bundled.train_images, batch_size=64).options().autotune.enabled is False


def test_each_epoch_visits_each_picture_once_in_another_order(numbered):
    steps = as_numbers(batches(numbered[0], batch_size=20), 10)
    first, second = sum(steps[:5], []), sum(steps[5:], [])
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    assert first != list(range(100))


def test_labels_stay_with_their_pictures(numbered):
    for pictures, labels in batches(*numbered, batch_size=32).take(7):
        numbers = np.rint((pictures.numpy()[:, 0, 0, 0] + 1) * 127.5)
        np.testing.assert_array_equal(labels, numbers % 10)


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_resumed_run_sees_the_batches_of_an_uninterrupted_one(numbered, shuffle):
    options = {"batch_size": 30, "seed": 7, "shuffle": shuffle}
    whole = as_numbers(batches(numbered[0], **options), 15)  # 3 batches an epoch
    for finished in (1, 3):
        resumed = as_numbers(batches(numbered[0], first_epoch=finished, **options), 15 - 3 * finished)
        assert resumed == whole[3 * finished :]


def test_the_usual_way_would_have_repeated_its_first_epoch(numbered):
    def usual():
        dataset = tf.data.Dataset.from_tensor_slices(numbered[0]).shuffle(100, seed=7)
        return dataset.repeat().batch(25).map(images.to_network)

    uninterrupted = as_numbers(usual(), 8)
    assert uninterrupted[4:] != uninterrupted[:4]
    assert as_numbers(usual(), 4) == uninterrupted[:4]  # a run that resumes after one epoch sees that epoch again


def test_seeds_give_orders_of_their_own(numbered):
    assert as_numbers(batches(numbered[0], batch_size=50, seed=1), 2) != as_numbers(
        batches(numbered[0], batch_size=50, seed=2), 2
    )


def test_unshuffled_batches_and_their_remainder(numbered):
    steps = as_numbers(batches(numbered[0], batch_size=30, shuffle=False, drop_remainder=False), 5)
    assert steps[0] == list(range(30))
    assert [len(step) for step in steps] == [30, 30, 30, 10, 30]


def test_float_pictures_are_taken_as_0_to_1():
    batch = next(iter(batches(np.full((4, 2, 2, 1), 0.75), batch_size=4)))
    np.testing.assert_array_equal(batch, np.float32(0.5) * np.ones((4, 2, 2, 1), np.float32))


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"pictures": np.zeros((5, 28, 28), np.uint8)}, ValueError, r"pictures\[..., None\]"),
        ({"batch_size": 101}, ValueError, "between 1 and the number of pictures, 100"),
        ({"batch_size": 0}, ValueError, "got 0"),
        ({"first_epoch": -1}, ValueError, "first_epoch"),
        ({"pictures": np.full((100, 2, 2, 1), 200.0)}, ValueError, "divide by 255"),
        ({"pictures": np.zeros((100, 2, 2, 1), np.int64)}, TypeError, "int64"),
        ({"labels": np.full(100, 12)}, DataError, "Label 12 at position 0"),
        ({"labels": np.zeros(99, int)}, DataError, "100 pictures but 99 labels"),
        ({"labels": np.zeros((100, 10))}, DataError, "one whole number per picture"),
    ],
)
def test_batches_refuse_at_once_what_cannot_be(numbered, change, error, says):
    arguments = {"pictures": numbered[0], "labels": None, "batch_size": 10, **change}
    with pytest.raises(error, match=says):
        batches(**arguments)


def test_more_classes_if_asked_for(numbered):
    dataset = batches(numbered[0], np.arange(100), batch_size=10, classes=100, shuffle=False)
    np.testing.assert_array_equal(next(iter(dataset))[1], np.arange(10))


# --- bundled photographs and the held-out ones ------------------------------------------------------------------


def test_bundled_photographs_are_there_without_a_download(monkeypatch):
    import pooch

    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: pytest.fail("a download was tried"))
    monkeypatch.setattr(pooch.Pooch, "fetch", lambda *_, **__: pytest.fail("a download was tried"))
    train, held_out = datasets.bundled_photographs(), datasets.bundled_photographs("held-out")
    assert len(train) >= 8
    for picture in (train | held_out).values():
        assert picture.dtype == np.uint8
        assert picture.shape[-1] == 3
        assert min(picture.shape[:2]) >= 128
        assert picture.std() > 10
    assert datasets.bundled_photographs("held-out", mode="grey")["camera"].shape == (512, 512, 1)
    with pytest.raises(ValueError, match="'held-out'"):
        datasets.bundled_photographs("test")


def test_the_held_out_pictures_are_the_agreed_ones():
    assert set(datasets.held_out_names()) == {
        "camera",
        "chelsea",
        "hubble_deep_field",
        "immunohistochemistry",
        "retina",
        "rocket",
        "stereo_motorcycle",
    }
    assert tuple(datasets.bundled_photographs("held-out")) == datasets.held_out_names()


def test_the_manifest_names_the_pictures_that_are_in_the_package():
    # A new version of scikit-image may exchange a picture, as 0.18 did with camera; figures would silently change.
    manifest = json.loads((Path(datasets.__file__).parent / "held_out.json").read_text())
    folder = datasets.bundled_paths("held-out")["camera"].parents[1]
    for files in manifest["pictures"].values():
        for file, sha256 in files.items():
            assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == sha256


def test_training_and_held_out_never_meet():
    train, held_out = datasets.bundled_photographs(), datasets.bundled_photographs("held-out")
    assert not set(train) & set(held_out)
    assert not set(datasets.bundled_paths()["brick"].parent.glob("motorcycle*")) & set(
        datasets.bundled_paths().values()
    )
    for name, picture in train.items():
        assert datasets.held_out_twin(picture) is None, name
        for other in held_out.values():
            assert picture.shape != other.shape or np.abs(picture.astype(int) - other).mean() > 20, name


def test_held_out_pictures_are_recognised_under_other_names_sizes_and_formats(elsewhere):
    from PIL import Image

    for name, path in datasets.bundled_paths("held-out").items():
        image = Image.open(path).convert("RGB")
        small = image.resize((image.width // 3, image.height // 3))
        small.save(elsewhere / "holiday.jpg", quality=40)
        assert datasets.held_out_twin(images.load_image(elsewhere / "holiday.jpg")) == name
    right = datasets.bundled_paths("held-out")["stereo_motorcycle"].with_name("motorcycle_right.png")
    assert datasets.held_out_twin(images.load_image(right)) == "stereo_motorcycle"
    for level in (0, 10, 128):  # a black picture is not the starry sky
        assert datasets.held_out_twin(np.full((50, 50, 3), level, np.uint8)) is None


def test_no_rung_of_the_photograph_ladder_gives_held_out_pictures(elsewhere, capsys):
    folder = elsewhere / "data" / "photos"
    folder.mkdir(parents=True)
    for number, path in enumerate([*datasets.bundled_paths().values(), *datasets.bundled_paths("held-out").values()]):
        shutil.copy(path, folder / f"{number:02}{path.suffix}")
    for source in ("auto", folder, sorted(folder.iterdir()), "bundled"):
        loaded = load_photographs(source)
        assert len(loaded.pictures) == 9
        assert not any(datasets.held_out_twin(picture) for picture in loaded.pictures.values())
        assert len(loaded.skipped) == (0 if source == "bundled" else 7)
    assert "shows the held-out picture 'chelsea'" in capsys.readouterr().out


# --- folders ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A folder as people have them: mixed formats and cases, grey, 16 bit, broken files and other things."""
    rng = np.random.default_rng(0)
    root = tmp_path / "mine"
    for name, shape in [
        ("b.png", (40, 50, 3)),
        ("deep/er/a.jpg", (40, 50, 3)),
        ("grey.webp", (40, 50, 1)),
        ("scan.tiff", (40, 50, 3)),
    ]:
        images.save_image(root / name, rng.integers(0, 256, shape, dtype=np.uint8))
    images.save_image(root / "16.png", rng.random((40, 50, 3)), bits=16)
    os.rename(root / "b.png", root / "B.PNG")
    (root / "cut.jpg").write_bytes((root / "deep" / "er" / "a.jpg").read_bytes()[:700])
    (root / "note.jpg").write_text("not a picture")
    (root / "note.txt").write_text("not to be looked at")
    (root / ".hidden.png").write_text("not to be looked at")
    (root / ".thumbnails").mkdir()
    (root / ".thumbnails" / "b.png").write_text("not to be looked at")
    return root


def test_find_photographs_finds_every_format_in_one_order(folder):
    found = [path.relative_to(folder).as_posix() for path in datasets.find_photographs(folder)]
    assert found == ["16.png", "B.PNG", "cut.jpg", "deep/er/a.jpg", "grey.webp", "note.jpg", "scan.tiff"]


def test_every_format_that_can_be_read_is_found(tmp_path):
    picture = np.random.default_rng(0).integers(0, 2, (40, 50), np.uint8) * 255
    for name in ("a.bmp", "b.GIF", "c.pgm", "d.pnm"):
        Image.fromarray(picture).save(tmp_path / name)
    Image.fromarray(np.repeat(picture[..., None], 3, axis=-1)).save(tmp_path / "e.ppm")
    Image.fromarray(picture > 0).save(tmp_path / "f.pbm")
    (tmp_path / "g.pgm").write_bytes(b"P5\n50 40\n65535\n" + (257 * picture.astype(">u2")).tobytes())  # 16 bit
    loaded = load_photographs(tmp_path)
    assert list(loaded.pictures) == ["a.bmp", "b.GIF", "c.pgm", "d.pnm", "e.ppm", "f.pbm", "g.pgm"]
    for name, found in loaded.pictures.items():
        assert found.dtype == (np.float32 if name == "g.pgm" else np.uint8)
        found = images.to_uint8(found) if name == "g.pgm" else found
        np.testing.assert_array_equal(found, np.repeat(picture[..., None], 3, axis=-1))
    assert loaded.skipped == {}


def test_unreadable_files_are_named_and_skipped(folder, capsys):
    loaded = load_photographs(folder)
    assert list(loaded.pictures) == ["16.png", "B.PNG", "deep/er/a.jpg", "grey.webp", "scan.tiff"]
    assert {picture.shape for picture in loaded.pictures.values()} == {(40, 50, 3)}
    assert loaded.pictures["16.png"].dtype == np.float32
    assert loaded.pictures["B.PNG"].dtype == np.uint8
    assert set(loaded.skipped) == {"cut.jpg", "note.jpg"}
    printed = capsys.readouterr().out
    assert printed.count("Skipped:") == 2
    assert str(folder / "cut.jpg") in printed
    assert (loaded.rung, loaded.description) == ("mine", "5 of 7 from the folder mine.")
    assert load_photographs(folder, mode="grey").pictures["B.PNG"].shape == (40, 50, 1)


def test_the_photograph_ladder(folder, elsewhere, capsys):
    assert load_photographs().rung == "bundled-photographs"
    (elsewhere / "data" / "photos").mkdir(parents=True)
    assert load_photographs().rung == "bundled-photographs"
    assert f"Passing over an empty folder: No picture in {elsewhere}" in capsys.readouterr().out
    (elsewhere / "data" / "photos").rmdir()
    shutil.copytree(folder / "deep", elsewhere / "data" / "flower_photos")
    assert load_photographs().rung == "flower_photos"
    shutil.copytree(folder / "deep", elsewhere / "data" / "photos")
    assert load_photographs().rung == "photos"


def test_limits_take_an_even_selection(tmp_path, capsys):
    for number in range(10):
        picture = np.full((20, 25, 3), number * 20, np.uint8)
        images.save_image(tmp_path / "many" / f"{number}.png", picture)
    assert list(load_photographs(tmp_path / "many", limit=3).pictures) == ["0.png", "4.png", "9.png"]
    few = load_photographs(tmp_path / "many", max_gigabytes=20 * 25 * 3 * 5 / 1e9)
    assert len(few.pictures) == 5
    assert "Taking 5 of 10 photographs" in capsys.readouterr().out
    images.save_image(tmp_path / "many" / "0.png", np.zeros((200, 250, 3), np.uint8))  # as large as a hundred of them
    few = load_photographs(tmp_path / "many", max_gigabytes=200 * 250 * 3 * 1.05 / 1e9).pictures
    assert sum(picture.nbytes for picture in few.values()) <= 200 * 250 * 3 * 1.05
    # What is never decoded takes no room from the others, and is named.
    Image.new("L", (9000, 8000)).save(tmp_path / "many" / "1_huge.png")
    many = load_photographs(tmp_path / "many", max_gigabytes=0.001)
    assert len(many.pictures) == 10 and list(many.skipped) == ["1_huge.png"]
    assert "9,000 x 8,000 pixels" in many.skipped["1_huge.png"]
    with pytest.raises(ValueError, match="at least one"):
        load_photographs(tmp_path / "many", limit=0)
    with pytest.raises(ValueError, match="'grey'"):
        load_photographs(tmp_path / "many", mode="as-is")


def test_folders_without_pictures(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "note.txt").write_text("1")
    with pytest.raises(DataError, match=r"No picture in .*empty .*1 other files.*\.jpg, \.jpeg, \.png, \.webp"):
        load_photographs(tmp_path / "empty")
    with pytest.raises(DataError, match="does not exist"):
        load_photographs(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is a file, not a folder"):
        load_photographs(tmp_path / "empty" / "note.txt")
    (tmp_path / "empty" / "broken.png").write_text("1")
    with pytest.raises(images.PictureError, match="None of the 1 pictures"):
        load_photographs(tmp_path / "empty")


def test_flowers_are_downloaded_checked_and_unpacked_once(elsewhere, monkeypatch):
    import tarfile

    calls = []

    def fetch(url, sha256, destination):
        calls.append(url)
        assert sha256 == photographs_module.FLOWERS_SHA256
        destination.parent.mkdir(parents=True, exist_ok=True)
        images.save_image(elsewhere / "flower_photos" / "roses" / "1.jpg", np.full((40, 50, 3), 90, np.uint8))
        with tarfile.open(destination, "w:gz") as archive:
            archive.add(elsewhere / "flower_photos", "flower_photos")
        return destination

    monkeypatch.setattr(downloads, "download", fetch)
    for _ in range(2):
        loaded = load_photographs("flowers")
        assert (list(loaded.pictures), loaded.rung) == (["roses/1.jpg"], "flower_photos")
    assert calls == [photographs_module.FLOWERS_URL]
    assert os.listdir(elsewhere / "data") == ["flower_photos"]


def test_flowers_without_a_network(elsewhere):
    with pytest.raises(downloads.DownloadError, match="GAN_LIB_OFFLINE"):
        load_photographs("flowers")
    assert not (elsewhere / "data").exists()


# --- COCO -------------------------------------------------------------------------------------------------------


def write_coco(root, names=("2.jpg", "1.jpg", "gone.jpg"), **changes):
    for name in names:
        if name != "gone.jpg" and ".." not in name:
            images.save_image(root / "images" / name, np.full((20, 30, 1), 99, np.uint8))
    content = {
        "images": [
            {"id": 10 - index, "file_name": name, "license": 4 + index, "flickr_url": f"http://flickr/{name}"}
            for index, name in enumerate(names)
        ],
        "licenses": [{"id": 4, "name": "Attribution License", "url": "http://by"}],
    }
    root.mkdir(exist_ok=True)
    (root / "instances.json").write_text(json.dumps({**content, **changes}))
    return root / "instances.json"


def test_coco_gives_paths_ids_and_licences(tmp_path, capsys):
    coco = datasets.read_coco(write_coco(tmp_path / "coco"))
    assert [(picture.path.name, picture.id, picture.licence) for picture in coco.pictures] == [
        ("1.jpg", 9, "none known"),
        ("2.jpg", 10, "Attribution License"),
    ]
    assert coco.pictures[1].licence_url == "http://by"
    assert coco.pictures[1].source == "http://flickr/2.jpg"
    assert coco.missing == ["gone.jpg"]
    assert "gone.jpg" in capsys.readouterr().out
    assert "2 of 3 pictures" in coco.description
    loaded = load_photographs([picture.path for picture in coco.pictures])
    assert [picture.shape for picture in loaded.pictures.values()] == [(20, 30, 3)] * 2


def test_coco_with_its_pictures_elsewhere(tmp_path):
    annotations = write_coco(tmp_path / "coco")
    (tmp_path / "coco" / "images").rename(tmp_path / "val2017")
    assert len(datasets.read_coco(annotations, tmp_path / "val2017").pictures) == 2
    with pytest.raises(DataError, match="None of the 3 pictures"):
        datasets.read_coco(annotations)
    with pytest.raises(DataError, match="is not a folder"):
        datasets.read_coco(annotations, tmp_path / "nowhere")


def test_coco_files_that_are_none(tmp_path):
    with pytest.raises(DataError, match="There is no file"):
        datasets.read_coco(tmp_path / "nowhere.json")
    path = write_coco(tmp_path / "coco")
    for content, says in [
        (path.read_text()[:50], "not a JSON file, or is cut short"),
        ("[]", 'no entry "images"'),
        ('{"images": [{"id": 1}]}', "KeyError: 'file_name'"),
        ('{"images": [7]}', "not laid out as COCO"),
    ]:
        path.write_text(content)
        with pytest.raises(DataError, match=says):
            datasets.read_coco(path)
    outside = write_coco(tmp_path / "evil", names=("../coco/images/1.jpg",))
    with pytest.raises(DataError, match="outside of"):
        datasets.read_coco(outside)


# --- patches ----------------------------------------------------------------------------------------------------


@pytest.fixture
def scenes():
    """Pictures in which every pixel says where it is: red is the row, green the column, blue the picture."""
    scenes = {}
    for number, (height, width) in enumerate([(40, 60), (33, 90), (70, 32)]):
        rows, columns = np.mgrid[:height, :width]
        scenes[str(number)] = np.stack([rows, columns, np.full_like(rows, number)], axis=-1).astype(np.uint8)
    return scenes


def as_places(batch):
    return np.rint((batch.numpy() + 1) * 127.5).astype(int)


def test_patches_are_cut_from_within_the_photographs(scenes):
    dataset = patches(scenes, size=32, batch_size=12, per_photograph=40, turn=False)
    assert dataset.element_spec == tf.TensorSpec((12, 32, 32, 3), tf.float32)
    seen = []
    for batch in dataset.take(10):
        for place in as_places(batch):
            top, left, number = place[0, 0]
            np.testing.assert_array_equal(place, scenes[str(number)][top : top + 32, left : left + 32])
            seen.append((number, top, left))
    assert [sum(number == which for number, _, _ in seen) for which in range(3)] == [40, 40, 40]
    assert {top for number, top, _ in seen if number == 1} == {0, 1}  # 33 rows leave two places, both are used
    assert len({left for number, _, left in seen if number == 1}) > 15


def test_patches_of_8_bit_and_float_photographs_mix():
    white = {"eight": np.full((40, 40, 3), 255, np.uint8), "sixteen": np.ones((40, 40, 3), np.float32)}
    batch = next(iter(patches(white, size=32, batch_size=16)))
    np.testing.assert_array_equal(batch, np.ones((16, 32, 32, 3)))


@pytest.mark.long
@pytest.mark.slow
def test_a_dataset_of_patches_can_be_thrown_away_while_it_fetches(run_python):
    # With a numpy_function inside, each of these has a chance to wait for ever.
    code = (
        "import numpy as np\n"
        "from gan_lib.datasets import patches\n"
        "scenes = {str(n): np.zeros((200, 200, 3), np.uint8) for n in range(4)}\n"
        "for seed in range(20):\n"
        "    batches = iter(patches(scenes, size=64, batch_size=16, seed=seed))\n"
        "    shape = next(batches).shape\n"
        "print(shape)"
    )
    assert run_python(code).splitlines()[-1] == "(16, 64, 64, 3)"


def test_mirrored_patches_keep_the_sky_above(scenes):
    ways = set()
    for batch in patches(scenes, size=32, batch_size=12, per_photograph=40, turn="mirror").take(10):
        for place in as_places(batch):
            (down, right) = place[-1, 0, 0] - place[0, 0, 0], place[0, -1, 1] - place[0, 0, 1]
            ways.add((int(down), int(right)))
    assert ways == {(31, 31), (31, -31)}


def test_another_way_of_turning_is_refused(scenes):
    with pytest.raises(ValueError, match="turn is 'round'; one of True, 'mirror', False was expected"):
        patches(scenes, size=32, batch_size=12, turn="round")


def test_patches_are_turned_in_eight_ways(scenes):
    ways = set()
    for batch in patches(scenes, size=32, batch_size=40, per_photograph=40).take(3):
        for place in as_places(batch):
            down, right = place[1, 0] - place[0, 0], place[0, 1] - place[0, 0]
            ways.add((*down[:2], *right[:2]))
    assert len(ways) == 8


def test_patches_of_a_resumed_run_are_those_of_an_uninterrupted_one(scenes):
    options = {"size": 16, "batch_size": 10, "seed": 3, "per_photograph": 7}  # 2 batches an epoch
    whole = [batch.numpy() for batch in patches(scenes, **options).take(8)]
    resumed = [batch.numpy() for batch in patches(scenes, first_epoch=2, **options).take(4)]
    np.testing.assert_array_equal(resumed, whole[4:])
    assert not np.array_equal(whole[0], whole[2])
    other = next(iter(patches(scenes, **{**options, "seed": 4}))).numpy()
    assert not np.array_equal(other, whole[0])


def test_patches_of_8_and_16_bit_photographs_together():
    photographs = {"8": np.full((20, 20, 3), 255, np.uint8), "16": np.full((20, 20, 3), 0.25, np.float32)}
    batch = next(iter(patches(photographs, size=20, batch_size=4, per_photograph=2))).numpy()
    assert sorted(batch[:, 0, 0, 0].tolist()) == [-0.5, -0.5, 1, 1]


def test_patches_that_cannot_be(scenes, capsys):
    assert next(iter(patches(scenes, size=33, batch_size=2))).shape == (2, 33, 33, 3)
    assert "Left out, because smaller than 33 x 33 pixels: 2" in capsys.readouterr().out
    with pytest.raises(ValueError, match="None of the 3 photographs is 80 x 80"):
        patches(scenes, size=80, batch_size=2)
    with pytest.raises(ValueError, match="raise per_photograph"):
        patches(scenes, size=32, batch_size=7, per_photograph=2)
    with pytest.raises(ValueError, match=r"\[1, 3\]; load them all with mode 'rgb'"):
        patches({**scenes, "grey": np.zeros((50, 50, 1), np.uint8)}, size=32, batch_size=2)
    with pytest.raises(ValueError, match="height, width, channels"):
        patches({"flat": np.zeros((50, 50), np.uint8)}, size=32, batch_size=2)


# --- the licence ledger -----------------------------------------------------------------------------------------


def ledger():
    """Name -> the other columns of its row, for every table of data/README.md."""
    rows = {}
    for line in LEDGER.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "name":
            assert cells[0] not in rows, f"{cells[0]} has two rows"
            rows[cells[0].strip("`")] = cells[1:]
    return rows


def test_every_set_that_can_be_loaded_is_in_the_ledger():
    rows = ledger()
    needed = {"mnist", "bundled-digits", "fashion_mnist", "flower_photos", "photos", "own folder", "COCO folder"}
    needed |= set(datasets.bundled_paths("train")) | set(datasets.bundled_paths("held-out"))
    assert needed == {name for name in rows if "/" not in name}  # those are files that are only shown
    for name, cells in rows.items():
        assert len(cells) == 6, name
        assert all(cells), f"{name} has an empty cell"


def test_what_lessons_look_for_in_the_data_folder_is_in_the_ledger():
    root = Path(__file__).parents[1]
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((root / "notebooks").glob("*.ipynb")))
    folders = set(re.findall(r'data_folder\(\) / \\"(\w+)\\"', code))
    assert folders == {"old_photos", "film_damage"}
    told = (root / "data" / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{folder}/" in told for folder in folders)


def test_the_ledger_gives_the_size_and_sum_of_each_bundled_photograph():
    rows = ledger()
    for name, path in {**datasets.bundled_paths("train"), **datasets.bundled_paths("held-out")}.items():
        data = path.read_bytes()
        assert rows[name][-2:] == [f"{len(data):,}", f"`{hashlib.sha256(data).hexdigest()}`"], name


def test_the_ledger_gives_address_and_sum_of_each_download(bundled):
    modules = (digits_module, photographs_module)
    constants = {name: value for module in modules for name, value in vars(module).items()}
    text = LEDGER.read_text(encoding="utf-8")
    addresses = {name: value for name, value in constants.items() if name.endswith(("_URL", "_SHA256"))}
    assert len(addresses) == 4
    for name, value in addresses.items():
        assert value in text, name
    assert "228,813,984 bytes" in text
    assert f"{len(bundled.train_images):,} training and {len(bundled.test_images):,} test pictures" in text
