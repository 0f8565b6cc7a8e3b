"""files: a file is whole or it is as it was."""

import errno
import os
import shutil
import signal
import tempfile
import threading

import pytest

from gan_lib.files import check_folder, whole_file, write_together


@pytest.fixture
def ctrl_c():
    """Sends it as a terminal would. Workers of pytest ignore it, so the usual handler is set for the test."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def calling(monkeypatch, module, name, first):
    """Lets a function do something first, whenever it is called."""
    work = getattr(module, name)

    def both(*arguments, **options):
        first()
        return work(*arguments, **options)

    monkeypatch.setattr(module, name, both)


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


@pytest.mark.parametrize(("module", "name"), [(os, "replace"), (shutil, "rmtree")])
def test_ctrl_c_waits_for_what_would_be_left_half_done(tmp_path, monkeypatch, ctrl_c, module, name):
    calling(monkeypatch, module, name, ctrl_c)
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a") as working:
        working.write_text("new")
    assert os.listdir(tmp_path) == ["a"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_leaves_no_folder_whose_name_nobody_has_learnt(tmp_path, monkeypatch, ctrl_c):
    make = tempfile.mkdtemp

    def interrupted(**options):
        made = make(**options)
        ctrl_c()
        return made

    monkeypatch.setattr(tempfile, "mkdtemp", interrupted)
    for work in (check_folder, lambda folder: whole_file(folder / "a").__enter__()):
        with pytest.raises(KeyboardInterrupt):
            work(tmp_path)
        assert os.listdir(tmp_path) == []


def test_ctrl_c_does_not_wait_for_the_writing(tmp_path, ctrl_c):
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a"):
        ctrl_c()
        pytest.fail("it was held back")
    assert os.listdir(tmp_path) == []


def test_a_clean_up_that_is_interrupted_is_done_all_the_same(tmp_path, monkeypatch):
    came = []

    def once():
        came.append(1)
        if len(came) == 1:
            raise KeyboardInterrupt

    calling(monkeypatch, shutil, "rmtree", once)
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a") as working:
        working.write_text("new")
    assert os.listdir(tmp_path) == ["a"]


def test_several_files_appear_together(tmp_path, monkeypatch, ctrl_c):
    moved = []
    calling(monkeypatch, os, "replace", ctrl_c)
    calling(monkeypatch, os, "replace", lambda: moved.append(sorted(path.name for path in tmp_path.glob("[ab]"))))
    with pytest.raises(KeyboardInterrupt):
        write_together([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")])
    assert moved == [[], ["a"]]  # the last one last
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (b"1", b"2")


@pytest.mark.parametrize("call", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("after", [False, True])
def test_several_files_or_none(tmp_path, monkeypatch, call, after):
    paths = [tmp_path / name for name in ("a", "deep/b", "c")]
    write_together([(path, b"old") for path in paths])
    replace, calls = os.replace, []

    def stumbles(source, target):
        calls.append(1)
        if len(calls) == call and not after:
            raise OSError(errno.EACCES, "Denied")
        replace(source, target)
        if len(calls) == call and after:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stumbles)
    with pytest.raises(KeyboardInterrupt if after else OSError):
        write_together([(path, b"new") for path in paths])
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found == {"a", "deep", "deep/b", "c"}
    all_there = after and call == 5  # two are set aside, three are put in place
    assert [path.read_bytes() for path in paths] == [b"new" if all_there else b"old"] * 3


def test_a_folder_in_the_place_of_one_of_several_changes_nothing(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_text("old")
    with pytest.raises(OSError, match="b could not be written: a folder has that name"):
        write_together([(tmp_path / "a", b"1"), (tmp_path / "b", b"2"), (tmp_path / "c", b"3")])
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert (tmp_path / "a").read_text() == "old"
    assert (tmp_path / "b").is_dir()


def test_another_thread_writes_too(tmp_path):
    thread = threading.Thread(target=write_together, args=([(tmp_path / "a", b"1")],))
    thread.start()
    thread.join()
    assert os.listdir(tmp_path) == ["a"]


def test_whether_a_folder_can_be_written_is_found_out_without_a_trace(tmp_path):
    check_folder(tmp_path)
    check_folder(tmp_path / "deep" / "er")
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="below could not be written: a file stands where a folder is needed"):
        check_folder(tmp_path / "file" / "below")


def test_no_folder_and_nothing_to_read_are_two_reasons(tmp_path, monkeypatch):
    with pytest.raises(OSError, match="No such file.*nowhere"), whole_file(tmp_path / "a"):
        (tmp_path / "nowhere").read_text()

    def nowhere(**options):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "/proc/self/nope")

    monkeypatch.setattr(tempfile, "mkdtemp", nowhere)
    for write in (check_folder, lambda path: write_together([(path, b"1")])):
        with pytest.raises(OSError, match="a could not be written: there is no such folder, and none can be made"):
            write(tmp_path / "a")
