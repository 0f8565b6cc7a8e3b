"""Tests of gan_lib.downloads against a real server on this machine: each failure one sentence, nothing left behind."""

import errno
import hashlib
import io
import os
import socket
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from gan_lib import downloads
from gan_lib.downloads import DownloadError, download, extract

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WEB_PAGE = b"\n<!DOCTYPE html>\n<html><title>Quota exceeded</title></html>"
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 512000\n"

# When a transfer breaks, requests leaves the socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


class Handler(BaseHTTPRequestHandler):
    """Answers by the name that is asked for."""

    asked = 0

    def do_GET(self):
        type(self).asked += 1
        name = self.path.strip("/")
        bodies = {"good": CONTENT, "page": WEB_PAGE, "pointer": LFS_POINTER, "other": CONTENT[:-1] + b"!", "empty": b""}
        if name.isdigit():
            self.send_error(int(name))
        elif name == "moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
        elif name == "half":
            self._send(CONTENT[: len(CONTENT) // 2], len(CONTENT))
        elif name == "half-without-length":
            self._send(CONTENT[: len(CONTENT) // 2], None)
        elif name == "stalls":
            self._send(CONTENT[:100_000], len(CONTENT), wait=True)
        else:
            self._send(bodies[name], len(bodies[name]))

    def _send(self, body, length, wait=False):
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if wait:
            self.server.released.wait(10)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("GAN_LIB_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Handler.asked = 0
    opened = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    opened.released = threading.Event()
    thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{opened.server_port}"
    opened.released.set()
    opened.shutdown()
    opened.server_close()
    thread.join()


def fails(url, folder, says, sha256=SHA256, **options):
    """Download to folder/set.bin, expect a DownloadError of one line that matches, and nothing new in the folder."""
    before = sorted(os.listdir(folder))
    with pytest.raises(DownloadError, match=says) as caught:
        download(url, sha256, folder / "set.bin", progress=False, **options)
    assert "\n" not in str(caught.value)
    assert sorted(os.listdir(folder)) == before
    return str(caught.value)


# --- download ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["good", "moved"])
def test_a_good_file_arrives_whole_and_readable_by_others(server, tmp_path, name):
    path = download(f"{server}/{name}", SHA256, tmp_path / "deep" / "er" / "set.bin", progress=False)
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["set.bin"]
    assert path.stat().st_mode & 0o044 == 0o044


def test_the_progress_bar_is_on_stderr(server, tmp_path, capsys):
    download(f"{server}/good", SHA256.upper(), tmp_path / "set.bin")
    captured = capsys.readouterr()
    assert "100%" in captured.err
    assert captured.out == ""


def test_a_file_that_is_right_already_is_not_fetched_again(server, tmp_path, monkeypatch):
    (tmp_path / "set.bin").write_bytes(CONTENT)
    download(f"{server}/good", SHA256, tmp_path / "set.bin")
    monkeypatch.setenv("GAN_LIB_OFFLINE", "1")
    download(f"{server}/good", SHA256, tmp_path / "set.bin")
    assert Handler.asked == 0


def test_a_wrong_file_is_replaced_only_by_a_right_one(server, tmp_path):
    (tmp_path / "set.bin").write_bytes(b"older")
    fails(f"{server}/page", tmp_path, "web page")
    assert (tmp_path / "set.bin").read_bytes() == b"older"
    download(f"{server}/good", SHA256, tmp_path / "set.bin", progress=False)
    assert (tmp_path / "set.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("404", "no longer at .*404"),
        ("410", "no longer at .*410"),
        ("403", "refuses"),
        ("429", "too many downloads"),
        ("500", "could not deliver .*500"),
        ("503", "could not deliver .*503"),
        ("page", "answered with a web page"),
        ("pointer", "Git-LFS pointer"),
        ("empty", "empty file"),
        ("half", r"broke off after [0-9,]+ bytes"),
    ],
)
def test_what_servers_do_wrong(server, tmp_path, name, says):
    assert f"{server}/{name}" in fails(f"{server}/{name}", tmp_path, says)
    assert Handler.asked == 1


def test_a_differing_checksum_shows_both_sums_and_the_size(server, tmp_path):
    message = fails(f"{server}/other", tmp_path, "checksum")
    assert SHA256 in message
    assert hashlib.sha256(CONTENT[:-1] + b"!").hexdigest() in message
    assert "512,000 bytes" in message


def test_half_a_download_without_a_length_shows_in_the_checksum(server, tmp_path):
    assert "256,000 bytes" in fails(f"{server}/half-without-length", tmp_path, "cut short")


def test_a_server_that_stalls_is_given_up(server, tmp_path):
    fails(f"{server}/stalls", tmp_path, "broke off after [0-9,]+ bytes", read_timeout=0.3)


def test_nobody_answers(tmp_path, monkeypatch):
    monkeypatch.delenv("GAN_LIB_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: a connection is refused
        message = fails(f"http://127.0.0.1:{taken.getsockname()[1]}/set", tmp_path, "is this machine online")
    assert "0x" not in message


def test_no_internet(tmp_path, monkeypatch):
    monkeypatch.delenv("GAN_LIB_OFFLINE", raising=False)

    def no_names(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    says = r"storage.example.org cannot be reached \(Failed to .*\); is this machine online\? .* and put it at .*set"
    fails("https://storage.example.org/set.npz", tmp_path, says)


def test_the_connect_timeout_reaches_the_connection(tmp_path, monkeypatch):
    monkeypatch.delenv("GAN_LIB_OFFLINE", raising=False)
    seen = {}

    def never(url, timeout, **_):
        seen["timeout"] = timeout
        raise requests.ConnectTimeout("timed out")

    monkeypatch.setattr(requests, "get", never)
    fails("http://192.0.2.1/set", tmp_path, "cannot be reached")
    assert seen["timeout"][0] <= 5


def test_an_untrusted_certificate(tmp_path, monkeypatch):
    monkeypatch.delenv("GAN_LIB_OFFLINE", raising=False)

    def refuse(*_, **__):
        raise requests.exceptions.SSLError("certificate verify failed")

    monkeypatch.setattr(requests, "get", refuse)
    fails("https://storage.example.org/set", tmp_path, "made secure")


def test_offline_switch(server, tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LIB_OFFLINE", "1")
    message = fails(f"{server}/good", tmp_path, "GAN_LIB_OFFLINE")
    assert str(tmp_path / "set.bin") in message
    assert Handler.asked == 0
    monkeypatch.setenv("GAN_LIB_OFFLINE", "0")
    assert download(f"{server}/good", SHA256, tmp_path / "set.bin", progress=False).is_file()


@pytest.mark.parametrize(
    ("code", "says"),
    [(errno.ENOSPC, "disk filled"), (errno.EROFS, "cannot be written to"), (errno.EACCES, "GAN_LIB_DATA")],
)
def test_the_disk_refuses_while_the_file_is_written(server, tmp_path, monkeypatch, code, says):
    import pooch

    def full(self, url, output_file, *_):
        with open(output_file, "wb") as opened:
            opened.write(CONTENT[:1000])
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    fails(f"{server}/good", tmp_path, says)


def test_a_folder_that_cannot_be_written_to(server, tmp_path, monkeypatch):
    import tempfile

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    fails(f"{server}/good", tmp_path, "cannot be written to; set GAN_LIB_DATA")


def test_a_file_in_the_way_of_the_folder(server, tmp_path):
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot be written"):
        download(f"{server}/good", SHA256, tmp_path / "data" / "set.bin", progress=False)
    with pytest.raises(DownloadError, match="is a folder"):
        download(f"{server}/good", SHA256, tmp_path)
    assert (tmp_path / "data").read_text() == "in the way"


def test_an_interrupted_download_leaves_nothing(server, tmp_path, monkeypatch):
    import pooch

    def interrupt(self, url, output_file, *_):
        with open(output_file, "wb") as opened:
            opened.write(CONTENT[:1000])
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download(f"{server}/good", SHA256, tmp_path / "set.bin")
    assert os.listdir(tmp_path) == []


def test_arguments_that_cannot_be(tmp_path):
    with pytest.raises(ValueError, match="http"):
        download("ftp://example.org/set", SHA256, tmp_path / "set.bin")
    for wrong in ("abc", "z" * 64, ""):
        with pytest.raises(ValueError, match="64 hexadecimal"):
            download("https://example.org/set", wrong, tmp_path / "set.bin")


# --- extract ----------------------------------------------------------------------------------------------------


def _tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):  # a link to that place
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def _zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


MAKERS = {"zip": _zip, "tgz": _tar, "tar.gz": _tar, "tar": lambda path, members: _tar(path, members, "w")}


def extract_fails(archive, folder, says, **options):
    before = sorted(os.listdir(folder.parent))
    with pytest.raises(DownloadError, match=says) as caught:
        extract(archive, folder, **options)
    assert "\n" not in str(caught.value)
    assert sorted(os.listdir(folder.parent)) == before


@pytest.mark.parametrize("ending", MAKERS)
def test_archives_unpack_whole(tmp_path, ending):
    archive = MAKERS[ending](tmp_path / f"a.{ending}", {"one.txt": b"1", "deep/two.txt": b"2"})
    folder = extract(archive, tmp_path / "out")
    assert (folder / "one.txt").read_bytes() + (folder / "deep" / "two.txt").read_bytes() == b"12"
    assert sorted(os.listdir(tmp_path)) == [f"a.{ending}", "out"]
    assert folder.stat().st_mode & 0o055 == 0o055


@pytest.mark.parametrize("ending", MAKERS)
def test_a_single_folder_at_the_top_is_left_out(tmp_path, ending):
    archive = MAKERS[ending](tmp_path / f"a.{ending}", {"flower_photos/rose.jpg": b"1", "flower_photos/a/b.jpg": b"2"})
    (tmp_path / "out").mkdir()  # an empty folder may be there
    assert sorted(os.listdir(extract(archive, tmp_path / "out"))) == ["a", "rose.jpg"]


@pytest.mark.parametrize("ending", MAKERS)
@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/gan_lib_outside.txt", "a/../../outside.txt"])
def test_nothing_is_written_outside(tmp_path, ending, name):
    (tmp_path / "in").mkdir()
    archive = MAKERS[ending](tmp_path / f"a.{ending}", {"good.txt": b"1", name: b"2"})
    if name.startswith("/") and ending != "zip":
        extract(archive, tmp_path / "in" / "out")  # tarfile takes the leading slash away and stays inside
    else:
        extract_fails(archive, tmp_path / "in" / "out", "outside its folder")
    assert not (tmp_path / "outside.txt").exists()
    assert not (tmp_path / "in" / "outside.txt").exists()
    assert not os.path.exists("/tmp/gan_lib_outside.txt")


def test_links_to_the_outside_are_refused(tmp_path):
    archive = _tar(tmp_path / "a.tgz", {"link": "../../etc", "link/passwd": b"1"})
    extract_fails(archive, tmp_path / "out", "outside its folder")


@pytest.mark.parametrize("ending", ["zip", "tgz", "tar"])
@pytest.mark.parametrize("share", [0.2, 0.6])
def test_half_an_archive(tmp_path, ending, share):
    noise = {f"{index}.bin": os.urandom(20_000) for index in range(5)}
    archive = MAKERS[ending](tmp_path / f"a.{ending}", noise)
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    extract_fails(archive, tmp_path / "out", "a zip nor a tar archive|broken or cut short")


def test_what_is_no_archive(tmp_path):
    (tmp_path / "a.zip").write_bytes(WEB_PAGE)
    extract_fails(tmp_path / "a.zip", tmp_path / "out", "but a web page")
    (tmp_path / "b.zip").write_bytes(b"")
    extract_fails(tmp_path / "b.zip", tmp_path / "out", "neither a zip nor a tar")
    extract_fails(tmp_path / "c.zip", tmp_path / "out", "There is no archive")


@pytest.mark.parametrize("ending", ["zip", "tgz"])
def test_an_archive_that_grows_too_large(tmp_path, ending):
    archive = MAKERS[ending](tmp_path / f"a.{ending}", {"zeros.bin": bytes(3_000_000)})
    assert archive.stat().st_size < 100_000
    extract_fails(archive, tmp_path / "out", "more than 0.002 GB", max_gigabytes=0.002)
    assert extract(archive, tmp_path / "out", max_gigabytes=0.004).is_dir()


def test_a_folder_that_is_in_use_is_left_alone(tmp_path):
    archive = _zip(tmp_path / "a.zip", {"one.txt": b"1"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    extract_fails(archive, tmp_path / "out", "exists already")
    assert os.listdir(tmp_path / "out") == ["mine.txt"]


@pytest.mark.parametrize(("code", "says"), [(errno.ENOSPC, "disk filled"), (errno.EROFS, "cannot be written to")])
def test_the_disk_refuses_while_unpacking(tmp_path, monkeypatch, code, says):
    archive = _zip(tmp_path / "a.zip", {"one.txt": b"1", "two.txt": b"2"})

    def full(self, target):
        (target / "one.txt").write_text("1")
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    extract_fails(archive, tmp_path / "out", says)


def test_a_python_that_cannot_unpack_safely_says_so(tmp_path, monkeypatch):
    archive = _zip(tmp_path / "a.zip", {"one.txt": b"1"})
    monkeypatch.delattr(tarfile, "data_filter")  # as before Python 3.11.4
    monkeypatch.delattr(tarfile, "FilterError")
    extract_fails(archive, tmp_path / "out", "3.11.4 or newer can")


def test_pooch_keeps_its_own_voice(server, tmp_path):
    import pooch

    before = pooch.get_logger().level
    download(f"{server}/good", SHA256, tmp_path / "set.bin", progress=False)
    assert pooch.get_logger().level == before
    assert downloads.CONNECT_TIMEOUT <= 5
