"""A URL and a sha256 -> a verified file; an archive -> a folder.

Never in here: pictures, and what a set means.

Fetching, the temporary file and the move into place are the work of the library pooch, the progress bar that of tqdm.
What is added: each way in which a download goes wrong ends in one sentence that names it and the way out, since "the
file is not a zip file" is no help to somebody whose server sent a quota page.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import platform
import re
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from gan_lib.files import expanded

# Seconds. A machine without internet should fall to the next rung of the ladder quickly; once the server answers, a
# slow line is given time.
CONNECT_TIMEOUT, READ_TIMEOUT = 3.0, 30.0

_CHUNK = 1 << 16  # bytes; pooch's 1024 would flush a quarter of a million times for one set of photographs


class DownloadError(RuntimeError):
    """A file could not be fetched or unpacked; the message says why and what to do."""


def download(
    url: str,
    sha256: str,
    destination: str | os.PathLike,
    *,
    progress: bool = True,
    connect_timeout: float = CONNECT_TIMEOUT,
    read_timeout: float = READ_TIMEOUT,
) -> Path:
    """Fetch a file, check it, and only then put it in place.

    A file that is there already with the right checksum is kept, and nothing is fetched; another file of that name is
    replaced once the new one is complete. With the environment variable ``GAN_LIB_OFFLINE=1`` nothing is fetched.

    Args:
        url: address, http or https.
        sha256: the 64 hexadecimal digits that the file must have.
        destination: path of the file; missing folders are made.
        progress: show a progress bar on stderr.
        connect_timeout: seconds to wait for the server to accept the connection.
        read_timeout: seconds to wait for the next piece of the file.

    Returns:
        The path of the file.

    Raises:
        ValueError: for a URL or checksum that cannot be one.
        DownloadError: if the file cannot be fetched, is not the expected one, or cannot be written. Nothing
            half-written stays behind.

    Example:
        >>> from gan_lib.datasets import data_folder
        >>> download("https://example.org/set.zip", "9f86d081884c7d65...", data_folder() / "set.zip")
    """
    destination = expanded(destination)
    if urlparse(url).scheme not in ("http", "https"):
        raise ValueError(f"Expected a URL that begins with http:// or https://, got {url!r}.")
    sha256 = sha256.lower().removeprefix("sha256:")
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise ValueError(f"Expected a sha256 of 64 hexadecimal digits, got {sha256!r}.")
    if destination.is_dir():
        raise DownloadError(f"{destination} is a folder; expected the path of the file to write.")

    import pooch

    if destination.is_file() and pooch.file_hash(str(destination)) == sha256:
        return destination
    if offline():
        raise DownloadError(
            f"GAN_LIB_OFFLINE is set, so {destination.name} was not downloaded; unset it, or fetch {url} elsewhere "
            f"and put it at {destination}."
        )
    fetch = _Fetch(sha256, destination, progress, (connect_timeout, read_timeout))
    with _in_words(url, destination, fetch), _quiet(pooch.get_logger()):
        pooch.retrieve(url, f"sha256:{sha256}", destination.name, str(destination.absolute().parent), downloader=fetch)
    return destination


def offline() -> bool:
    """Whether the environment variable GAN_LIB_OFFLINE forbids to fetch anything."""
    return os.environ.get("GAN_LIB_OFFLINE", "").strip() not in ("", "0")


WEB_PAGE = (b"<!doctype html", b"<html", b"<head", b"<?xml")  # how one begins, in small letters, after white space


class _Fetch:
    """What pooch calls to fill its temporary file: the transfer, and a look at what came before it is moved."""

    def __init__(self, sha256: str, destination: Path, progress: bool, timeout: tuple[float, float]):
        self.sha256, self.destination, self.progress, self.timeout = sha256, destination, progress, timeout
        self.received = 0  # bytes, for the message when the connection breaks

    def __call__(self, url: str, output_file: str, pooch_instance: object) -> None:
        import pooch

        # Without "identity" a server may compress once more, and the progress bar counts other bytes than it promised.
        transfer = pooch.HTTPDownloader(
            progressbar=self.progress,
            chunk_size=_CHUNK,
            timeout=self.timeout,
            headers={"Accept-Encoding": "identity"},
        )
        try:
            transfer(url, output_file, pooch_instance)
        finally:
            self.received = os.path.getsize(output_file)
        found = pooch.file_hash(output_file)
        if found != self.sha256:
            raise DownloadError(_what_came(url, Path(output_file), found, self.sha256))
        os.chmod(output_file, 0o644)  # temporary files are for their owner alone; a data folder may be shared


def _what_came(url: str, file: Path, found: str, expected: str) -> str:
    """Why a complete transfer is not the expected file, in one sentence and a way out."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        beginning = opened.read(512).lstrip().lower()
    if size == 0:
        return f"The server sent an empty file for {url}; try again later."
    if beginning.startswith(WEB_PAGE):
        return (
            f"The server answered with a web page instead of the file (often a quota or login page): {url}. Open the "
            "address in a browser to see what it says, or try again later."
        )
    if beginning.startswith(b"version https://git-lfs"):
        return (
            f"The server sent a Git-LFS pointer instead of the file itself: {url}. Take the address of the raw file "
            "(with /media/ or /resolve/ in it), or fetch it with git lfs pull."
        )
    return (
        f"The checksum of what came from {url} differs: expected sha256 {expected}, got {found} ({size:,} bytes). "
        "The transfer was cut short or the file was changed at its source; nothing was kept. Try again, and if the "
        "sums stay the same, tell those who keep the course."
    )


@contextlib.contextmanager
def _in_words(url: str, destination: Path, fetch: _Fetch):
    """Turn what the layers below raise into DownloadErrors."""
    import requests

    host = urlparse(url).hostname
    try:
        yield
    except requests.HTTPError as error:
        error.response.close()  # pooch leaves it open
        raise DownloadError(_status(url, error.response.status_code)) from error
    except requests.exceptions.SSLError as error:
        raise DownloadError(
            f"The connection to {host} could not be made secure ({_innermost(error)}); check the date of this machine "
            "and its certificates."
        ) from error
    except requests.RequestException as error:
        if fetch.received:
            message = f"The connection broke off after {fetch.received:,} bytes of {url}; nothing was kept. Try again."
        else:
            message = (
                f"{host} cannot be reached ({_innermost(error)}); is this machine online? If it cannot be, fetch {url} "
                f"elsewhere and put it at {destination}."
            )
        raise DownloadError(message) from error
    except OSError as error:  # after RequestException, which is an OSError as well
        raise DownloadError(_disk(destination, error)) from error


def _status(url: str, code: int) -> str:
    if code in (404, 410):
        return f"The file is no longer at {url} (the server says {code}); look for a newer version of the course."
    if code in (401, 403, 429):
        return f"The server refuses to hand out {url} ({code}: too many downloads, or no permission); try again later."
    return f"The server could not deliver {url} (it says {code}); try again later."


def _disk(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return f"The disk filled while {path} was written; nothing was kept. Make room, or set GAN_LIB_DATA elsewhere."
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:  # pooch raises the former without an errno
        return f"{path.parent} cannot be written to; set GAN_LIB_DATA to a folder that is yours."
    return f"{path} cannot be written ({error.strerror or error}); set GAN_LIB_DATA to a folder that is yours."


def _innermost(error: BaseException) -> str:
    """The last reason in a chain of wrapped network errors, without the Python objects that it passed through."""
    while (inner := getattr(error, "reason", None) or next(iter(error.args), None)) and isinstance(inner, Exception):
        error = inner
    return re.sub(r"^<?\w+\(.*?\)>?: ", "", str(error))


@contextlib.contextmanager
def _quiet(logger: logging.Logger):
    """pooch announces each download; the progress bar and our own sentences say enough."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def extract(archive: str | os.PathLike, folder: str | os.PathLike, *, max_gigabytes: float = 8.0) -> Path:
    """Unpack a zip or tar archive into a new folder, all of it or nothing.

    A single folder at the top of the archive is left out: ``folder`` then holds what that one held.

    Args:
        archive: .zip, .tar, .tar.gz or .tgz; judged by its contents, not by its name.
        folder: the folder to make; it must not exist, or be empty.
        max_gigabytes: refuse archives that unpack to more than that.

    Returns:
        The path of the folder.

    Raises:
        DownloadError: if the archive is missing, broken, no archive, too large once unpacked, or wants to write
            outside of the folder; if the folder is not empty or cannot be written. Nothing stays behind.

    Example:
        >>> from gan_lib.datasets import data_folder
        >>> extract(data_folder() / "flower_photos.tgz", data_folder() / "flower_photos")
    """
    archive, folder = expanded(archive), expanded(folder)
    if not archive.is_file():
        raise DownloadError(f"There is no archive {archive}; download it first.")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DownloadError(f"{folder} exists already; move it away before {archive.name} is unpacked there.")
    unpacked = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unpacked = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        _unpack(archive, unpacked, max_gigabytes * 1e9)
        contents = list(unpacked.iterdir())
        result = contents[0] if len(contents) == 1 and contents[0].is_dir() else unpacked
        os.chmod(result, 0o755)
        if folder.exists():
            folder.rmdir()
        os.replace(result, folder)
    except OSError as error:
        raise DownloadError(_disk(folder, error)) from error
    finally:
        if unpacked is not None:
            shutil.rmtree(unpacked, ignore_errors=True)
    return folder


def _unpack(archive: Path, target: Path, limit: float) -> None:
    if not hasattr(tarfile, "data_filter"):  # since Python 3.11.4
        raise DownloadError(
            f"Python {platform.python_version()} cannot unpack {archive} safely; 3.11.4 or newer can. Take one of "
            "those, or unpack the archive by hand."
        )
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                members = opened.infolist()
                _check_size(sum(member.file_size for member in members), limit, archive)
                for member in members:
                    _check_name(member.filename, archive)
                opened.extractall(target)
        elif tarfile.is_tarfile(archive):
            size = 0

            def checked(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
                nonlocal size
                size += member.size
                _check_size(size, limit, archive)
                return tarfile.data_filter(member, path)

            with tarfile.open(archive) as opened:
                opened.extractall(target, filter=checked)
        else:
            raise DownloadError(f"{archive} is neither a zip nor a tar archive{_beginning(archive)}. Delete it.")
    except tarfile.FilterError as error:
        raise DownloadError(f"{archive} was not unpacked: it wants to write outside its folder ({error}).") from error
    except DownloadError:
        raise
    except Exception as error:
        # A broken archive shows itself as BadZipFile, TarError, EOFError, zlib.error, BadGzipFile and more, which have
        # no common parent; an error of the disk is the one kind with an errno.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DownloadError(f"{archive} is broken or cut short ({error}); delete it and fetch it again.") from error


def _check_name(name: str, archive: Path) -> None:
    # zipfile would strip "..", and the file would land in a place that nobody named.
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[:1]:
        raise DownloadError(f"{archive} was not unpacked: it wants to write outside its folder ({name!r}).")


def _check_size(size: float, limit: float, archive: Path) -> None:
    if size > limit:
        raise DownloadError(
            f"{archive} was not unpacked: it grows to more than {limit / 1e9:g} GB. If that is meant to be so, pass a "
            "larger max_gigabytes."
        )


def _beginning(archive: Path) -> str:
    with archive.open("rb") as opened:
        start = opened.read(200).lstrip().lower()
    return ", but a web page" if start.startswith(WEB_PAGE) else ""
