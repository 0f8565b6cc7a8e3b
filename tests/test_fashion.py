"""datasets.fashion: each rung of the ladder of clothes, and the digits where there are none."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import train_fashion_classifier as tool

from gan_lib import downloads
from gan_lib.datasets import DataError, fashion, ladders, load_fashion
from gan_lib.datasets.fashion import FASHION_CLASSES, FASHION_FILES, FASHION_URL, FOLDER
from gan_lib.weights import CARD_FIELDS, load_model

LEDGER = Path(__file__).resolve().parent.parent / "data" / "README.md"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, plain_environment):
    """Every test has an empty data folder and an empty Keras cache of its own, and no network."""
    plain_environment.setenv("GAN_LIB_DATA", str(tmp_path / "data"))
    plain_environment.setenv("KERAS_HOME", str(tmp_path / "keras"))
    plain_environment.setenv("GAN_LIB_OFFLINE", "1")
    return tmp_path


def arrays(count, start=0):
    pictures = (np.arange(count * 784) + start).astype(np.uint8).reshape(count, 28, 28)
    labels = (np.arange(count) % 10).astype(np.uint8)
    return {"x_train": pictures, "y_train": labels, "x_test": pictures[::-1], "y_test": labels}


def write_npz(path, count):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays(count))
    return path


def packed(values):
    head = b"\0\0\x08" + bytes([values.ndim]) + np.asarray(values.shape, ">u4").tobytes()
    return gzip.compress(head + values.tobytes())


def write_folder(folder, count, **changes):
    """The four files as Zalando publishes them; ``changes`` replace one by other bytes or (None) remove it."""
    contents = {key: packed(values) for key, values in arrays(count).items()} | changes
    folder.mkdir(parents=True, exist_ok=True)
    for key, content in contents.items():
        if content is not None:
            (folder / FASHION_FILES[key][0]).write_bytes(content)
    return folder


def test_the_first_rung_that_is_there_is_taken(elsewhere):
    write_folder(elsewhere / "keras" / "datasets" / FOLDER, 40)
    clothes = load_fashion()
    assert (clothes.rung, len(clothes.train_images)) == ("fashion_mnist", 40)
    write_folder(elsewhere / "data" / FOLDER, 30)
    assert len(load_fashion().train_images) == 30
    own = write_npz(elsewhere / "data" / "fashion_mnist.npz", 20)
    clothes = load_fashion()
    assert clothes.description == f"Fashion-MNIST, 20 training and 20 test pictures, from {own}."


@pytest.mark.parametrize("write", [write_npz, write_folder])
def test_pictures_and_labels_are_those_of_the_files(elsewhere, write):
    clothes = load_fashion(str(write(elsewhere / "own.npz", 12)))
    expected = arrays(12)
    assert (clothes.train_images.dtype, clothes.train_labels.dtype) == (np.uint8, np.int32)
    np.testing.assert_array_equal(clothes.train_images[..., 0], expected["x_train"])
    np.testing.assert_array_equal(clothes.train_labels, expected["y_train"])
    np.testing.assert_array_equal(clothes.test_images[..., 0], expected["x_test"])
    np.testing.assert_array_equal(clothes.test_labels, expected["y_test"])
    assert clothes.rung == "fashion_mnist"


def test_keras_cache_is_passed_over_if_it_is_broken_and_silently_if_a_file_is_missing(elsewhere, monkeypatch, capsys):
    monkeypatch.setattr(fashion, "load_digits", lambda: fashion.read_digits(write_npz(elsewhere / "digits.npz", 5)))
    cached = write_folder(elsewhere / "keras" / "datasets" / FOLDER, 40, x_test=packed(np.zeros(9, np.uint8))[:-9])
    assert load_fashion().rung == "digits"
    assert "Passing over Keras' cache" in capsys.readouterr().out
    (cached / FASHION_FILES["x_test"][0]).unlink()
    assert load_fashion().rung == "digits"
    assert "Keras' cache" not in capsys.readouterr().out


def test_the_download_fetches_what_is_missing(elsewhere, monkeypatch):
    folder = write_folder(elsewhere / "data" / FOLDER, 50, x_train=None)  # an earlier download broke off
    fetched = []

    def fetch(url, sha256, destination):
        fetched.append((url, sha256))
        key = next(key for key, (name, _) in FASHION_FILES.items() if name == destination.name)
        destination.write_bytes(packed(arrays(50)[key]))

    monkeypatch.setattr(downloads, "download", fetch)
    clothes = load_fashion("fashion")
    assert len(clothes.train_images) == 50
    assert str(folder) in clothes.description
    assert fetched == [(FASHION_URL + name, sha256) for name, sha256 in FASHION_FILES.values()]


def test_digits_are_taken_where_there_are_no_clothes_and_that_is_said(elsewhere, monkeypatch, capsys):
    monkeypatch.setattr(fashion, "load_digits", lambda: fashion.read_digits(write_npz(elsewhere / "mnist.npz", 5)))
    taken = load_fashion()
    assert taken.rung == "mnist"
    assert taken.description.startswith("Digits, because Fashion-MNIST is not at hand: mnist.npz, 5 training")
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert "GAN_LIB_OFFLINE" in printed
    assert not (elsewhere / "data").exists()
    with pytest.raises(downloads.DownloadError, match="GAN_LIB_OFFLINE"):
        load_fashion("fashion")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x_train": b"<html>Quota exceeded</html>"}, "cannot be read as a gzip file"),
        ({"x_train": packed(np.zeros((9, 28, 28), np.uint8))[:-20]}, "cannot be read as a gzip file"),
        ({"x_train": b""}, "no whole IDX file"),
        ({"x_train": gzip.compress(b"\0\0\x0d\1\0\0\0\1\0\0\0\0")}, "no whole IDX file"),
        ({"x_train": gzip.compress(b"\0\0\x08\3\0\0\0\1")}, "no whole IDX file"),
        ({"y_test": gzip.compress(b"\0\0\x08\1\0\0\0\x09" + bytes(8))}, "no whole IDX file"),
        ({"x_train": packed(np.zeros((9, 32, 32), np.uint8))}, r"shape \(9, 32, 32\)"),
        ({"y_train": packed(np.full(9, 10, np.uint8))}, "Label 10 at position 0"),
        ({"y_train": packed(np.zeros(8, np.uint8))}, "9 pictures but 8 labels"),
        ({"y_train": None}, "cannot be read as a gzip file"),
    ],
)
def test_files_that_are_no_such_set_are_refused_with_a_way_out(elsewhere, changes, says):
    folder = write_folder(elsewhere / "own", 9, **changes)
    with pytest.raises(DataError, match=says) as caught:
        load_fashion(folder)
    assert str(folder) in str(caught.value)


def test_what_you_placed_in_the_data_folder_is_not_passed_over(elsewhere):
    write_folder(elsewhere / "data" / FOLDER, 9, x_test=b"no")
    with pytest.raises(DataError, match="Delete the folder"):
        load_fashion()
    (elsewhere / "data" / "fashion_mnist.npz").write_bytes(b"no")
    with pytest.raises(DataError, match="Delete that file"):
        load_fashion()
    with pytest.raises(DataError, match="is not a file"):
        load_fashion("nowhere.npz")


def test_every_label_has_a_name():
    assert len(set(FASHION_CLASSES)) == 10


def test_rungs_tell_where_and_why(elsewhere):
    own, folder, cache, download, digits = ladders.fashion_rungs(look_at_network=False)
    assert [rung.at_hand for rung in (own, folder, cache, download, digits)] == [False, False, False, False, True]
    write_npz(elsewhere / "data" / "fashion_mnist.npz", 20)
    write_folder(elsewhere / "data" / FOLDER, 9, x_test=b"no")
    own, folder, *_ = ladders.fashion_rungs(look_at_network=False)
    assert own.at_hand
    assert "20 training pictures" in own.told
    assert not folder.at_hand
    assert "gzip" in folder.told


def test_the_ledger_gives_address_sums_and_licence():
    row = next(line for line in LEDGER.read_text(encoding="utf-8").splitlines() if line.startswith("| `fashion_mnist`"))
    assert FASHION_URL + FASHION_FILES["x_train"][0] in row
    assert all(sha256 in row for _, sha256 in FASHION_FILES.values())
    assert all(len(sha256) == len(hashlib.sha256().hexdigest()) for _, sha256 in FASHION_FILES.values())
    assert "| MIT |" in row


# --- the tool that releases the classifier


def test_the_released_classifier_owes_nothing_to_the_test_half(elsewhere, monkeypatch):
    """Epochs are chosen on a tenth of the training half; the network released is trained on all of that half."""
    clothes = arrays(40)
    path = elsewhere / "own.npz"
    # Each picture is of one grey: 0 to 39 in the training half, from 100 on in the test half.
    greys = np.ones((1, 28, 28), np.uint8) * np.arange(40, dtype=np.uint8)[:, None, None]
    np.savez(path, **clothes | {"x_train": greys, "x_test": greys + np.uint8(100)})
    trained_on, judged = [], []

    def trained(pictures, labels, epochs):
        trained_on.append((sorted(pictures[:, 0, 0, 0].tolist()), epochs))
        return epochs

    def judge(epochs, pictures):
        judged.append(sorted(pictures[:, 0, 0, 0].tolist()))
        right = pictures[:, 0, 0, 0] % 10
        return {"logits": np.eye(10)[right if epochs == 5 else (right + 1) % 10]}

    monkeypatch.setattr(tool, "trained", trained)
    monkeypatch.setattr(tool.metrics, "judge", judge)
    monkeypatch.setattr(tool.hardware, "setup", lambda seed: "")
    cards = []
    monkeypatch.setattr(tool.weights, "save_released", lambda *args: cards.append(args) or Path("weights.h5"))
    assert tool.main(["--fashion", str(path), "--epochs", "3", "5", "6", "--folder", str(elsewhere)]) == 0
    assert [epochs for _, epochs in trained_on] == [3, 5, 6, 5]
    assert trained_on[-1][0] == list(range(40))
    for (rest, _), back in zip(trained_on[:3], judged[:3], strict=True):
        assert len(back) == 4
        assert sorted(rest + back) == list(range(40))
    assert judged[3:] == [list(range(100, 140))]
    network, name, card, folder = cards[0]
    assert (network, name, folder) == (5, "fashion_classifier", elsewhere)
    assert card["measures"]["accuracy_test"] == 1.0
    assert card["measures"]["accuracy_held_back"] == {"3 epochs": 0.0, "5 epochs": 1.0, "6 epochs": 0.0}
    assert card["training"]["epochs"] == 5
    assert set(CARD_FIELDS) - set(card) == {"name", "parameters"}
    json.dumps(card)


def test_the_released_classifier_is_a_good_one():
    model, card = load_model("fashion_classifier")
    assert card["measures"]["accuracy_test"] > 0.91
    assert card["classes"] == list(FASHION_CLASSES)
    assert model.output["logits"].shape == (None, 10)
