"""files: a file is whole or it is as it was."""

import errno
import os

import pytest

from gan_lib.files import whole_file


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "er" / "note.txt"
    with whole_file(path) as working:
        assert working.name == "note.txt"  # Keras looks at the ending
        working.write_text("all of it")
        assert not path.exists()
    assert path.read_text() == "all of it"
    assert os.listdir(path.parent) == ["note.txt"]


def test_an_old_file_is_replaced_whole(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("old")
    with whole_file(str(path)) as working:
        working.write_text("half of the new o")
        assert path.read_text() == "old"
    assert path.read_text() == "half of the new o"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("not about files"), ValueError("nor this")])
def test_whatever_stops_it_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "note.txt"
    path.write_text("old")
    with pytest.raises(type(error)) as raised, whole_file(path) as working:
        working.write_text("ha")
        raise error
    assert raised.value is error
    assert os.listdir(tmp_path) == ["note.txt"]
    assert path.read_text() == "old"


H5PY = "Can't decrement id ref count (file write failed: errno = 28, error message = 'No space left on device')"


@pytest.mark.parametrize(
    "error, reason",
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full. Free some space"),
        (OSError(errno.EDQUOT, "Quota"), "your disk quota is used up"),
        (OSError(errno.EROFS, "Read-only"), "the disk is read-only. Choose another folder"),
        (PermissionError(errno.EACCES, "Denied"), "you may not write there. Choose another folder"),
        # What h5py raises on a full disk, seen on one: without a number, or not even as an OSError.
        (OSError(H5PY), "the disk is full. Free some space"),
        (RuntimeError(H5PY), "the disk is full. Free some space"),
        (OSError("something new"), "something new"),
    ],
)
def test_each_reason_is_one_sentence(tmp_path, error, reason):
    path = tmp_path / "note.txt"
    path.write_text("old")
    with pytest.raises(OSError) as raised, whole_file(path) as working:
        working.write_text("ha")
        raise error
    assert f"{path} could not be written: {reason}" in str(raised.value)
    assert str(raised.value).endswith("Nothing was changed.")
    assert "None" not in str(raised.value)
    assert os.listdir(tmp_path) == ["note.txt"]
    assert path.read_text() == "old"


def test_a_file_where_a_folder_is_needed(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="a file stands where a folder is needed"), whole_file(tmp_path / "file" / "x"):
        pass


def test_a_folder_where_the_file_is_to_be(tmp_path):
    (tmp_path / "x" / "y").mkdir(parents=True)
    with pytest.raises(OSError, match="a folder has that name"), whole_file(tmp_path / "x") as working:
        working.write_text("new")
    assert os.listdir(tmp_path) == ["x"]


def test_two_files_at_once_do_not_meet(tmp_path):
    with whole_file(tmp_path / "a") as first, whole_file(tmp_path / "a") as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a").read_text() == "first"  # closed last
