"""What lies beside the pixels of a picture file: EXIF, resolution and colour profile, taken out and put in again.

Never in here: pixels, and what a colour profile means (``gan_lib.images.colour``).

EXIF is kept byte by byte, since makers' notes inside it point to places that move when it is written anew. Three
entries change: the picture is upright now, so the orientation is 1, width and height follow, and the thumbnail, which
shows the picture as it was, is no longer pointed to.
"""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from typing import NamedTuple

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from gan_lib.files import expanded
from gan_lib.images import exif as in_bytes
from gan_lib.images import reading

_ORIENTATION, _EXIF, _GPS, _PROFILE = 0x0112, in_bytes.BELOW, 0x8825, 0x8773
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
# Of a TIFF's many tags those that tell of the photograph; the others are about how its own pixels are stored.
_INTEROPERABILITY = 0xA005  # a place in the file, where nothing is any more once it is written anew
_TOLD = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)  # description, make, model, software, date, ...
_INCH = 0.0254  # metres
_CENTIMETRES_IN_AN_INCH = 2.54
# What Pillow raises when it reads or writes EXIF with entries of odd kinds.
_ODD = (
    struct.error, ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError,
)  # fmt: skip


class Metadata(NamedTuple):
    """What a file says besides its pixels.

    Attributes:
        exif: a TIFF structure, for an upright picture; empty if there is none.
        profile: an ICC profile; empty if there is none.
        dpi: pixels in an inch, across and down, or None.
    """

    exif: bytes = b""
    profile: bytes = b""
    dpi: tuple[float, float] | None = None

    def sized(self, height: int, width: int) -> Metadata:
        """The same for a picture that has another size now: EXIF, where it tells a size, tells that one."""
        return self._replace(exif=in_bytes.sized(self.exif, height, width))


def read_metadata(path: str | os.PathLike) -> Metadata:
    """Read EXIF, colour profile and resolution of a picture file.

    Args:
        path: PNG, JPEG, TIFF or WebP; other kinds have little to tell.

    Returns:
        What there is. Damaged EXIF is left out.

    Raises:
        PictureError: if the file is missing or no picture.

    Example:
        >>> read_metadata("holiday.jpg").dpi
        (300.0, 300.0)
    """
    path = expanded(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about damaged EXIF
        reading.read_header(path)  # a missing file or a folder gets its sentence there
        with reading.in_words(path), path.open("rb") as stream:
            return _of_tiff(stream) if stream.read(4) in reading.TIFF_BEGINS else _of_others(stream)


def _of_others(stream) -> Metadata:
    stream.seek(0)
    with reading.open_image(stream) as image:
        exif = image.info.get("exif", b"")
        if image.format == "PNG":
            exif = reading.chunk_of_png(stream, b"eXIf") or _as_text(image.info.get("Raw profile type exif", ""))
        exif = _upright(exif.removeprefix(b"Exif\0\0"))
        return Metadata(exif, _kept(image.info.get("icc_profile")), _pair(image.info.get("dpi")) or _dpi_of(exif))


def _as_text(profile: str) -> bytes:
    """EXIF as older ImageMagick wrote it into PNGs: a few lines of heading, then hexadecimal digits."""
    try:
        return bytes.fromhex("".join(profile.split("\n")[3:]))
    except ValueError:
        return b""


def _of_tiff(stream) -> Metadata:
    tags = Image.Exif()
    stream.seek(0)
    head = stream.read(16)
    if head[:4] == b"II+\0":  # BigTIFF, which Pillow reads only when told so
        tags.bigtiff, tags.endian = True, "<"
        tags.load_from_fp(stream, struct.unpack("<Q", head[8:])[0])
    elif head[:4] in in_bytes.ORDERS:
        stream.seek(0)
        tags.load_from_fp(stream)
    kept = Image.Exif()
    kept.update(_as_read({tag: tags[tag] for tag in _TOLD if tag in tags}))
    for tag in (_EXIF, _GPS):
        below = tags.get_ifd(tag)
        if below:
            kept[tag] = _as_read(below)
    kept[_ORIENTATION] = 1
    dpi = _resolution(tags)
    return Metadata(_as_bytes(kept) if len(kept) > 1 else b"", _kept(tags.get(_PROFILE)), dpi)


class _AsRead(str):
    """A text that is written with the bytes that it was read from.

    Pillow reads texts as Latin-1 and writes them as ASCII: names in UTF-8, as cameras and programs put them there,
    would become question marks.
    """

    def encode(self, *_) -> bytes:
        return str.encode(self, "latin-1", "replace")


def _as_read(values: dict) -> dict:
    """Entries of a directory, ready to be written again."""
    return {
        tag: _AsRead(value) if isinstance(value, str) else value
        for tag, value in values.items()
        if tag != _INTEROPERABILITY
    }


def _as_bytes(tags: Image.Exif) -> bytes:
    """EXIF without its heading; empty if an entry is of a kind that cannot be written."""
    try:
        return tags.tobytes().removeprefix(b"Exif\0\0")
    except _ODD:
        return b""


def _loaded(exif: bytes) -> Image.Exif:
    """EXIF's entries; none if it is damaged."""
    tags = Image.Exif()
    try:
        tags.load(exif)
    except _ODD:
        return Image.Exif()
    return tags


def _kept(profile: bytes | None) -> bytes:
    """A profile to keep. One for CMYK has done its work when the picture was read: its pixels are sRGB now."""
    return b"" if not isinstance(profile, bytes) or profile[16:20] == b"CMYK" else profile


def _upright(exif: bytes) -> bytes:
    """EXIF for the picture as it is after turning; empty if it is damaged."""
    data = bytearray(exif)
    order = in_bytes.ORDERS.get(bytes(data[:4]))
    if order is None:
        return b""

    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        first = dict(in_bytes.entries(data, order, start))
        below = dict(in_bytes.entries(data, order, first[_EXIF].value)) if _EXIF in first else {}
        if _ORIENTATION in first:
            place, form, orientation = first[_ORIENTATION]
            struct.pack_into(form, data, place, 1)
            if orientation in (5, 6, 7, 8) and in_bytes.WIDTH in below and in_bytes.HEIGHT in below:
                across, down = below[in_bytes.WIDTH], below[in_bytes.HEIGHT]
                struct.pack_into(across.form, data, across.place, down.value)
                struct.pack_into(down.form, data, down.place, across.value)
        (count,) = struct.unpack_from(order + "H", data, start)
        struct.pack_into(order + "I", data, start + 2 + 12 * count, 0)  # where the thumbnail would be
    except struct.error:
        return b""
    return bytes(data)


def _dpi_of(exif: bytes) -> tuple[float, float] | None:
    return _resolution(_loaded(exif)) if exif else None


def _resolution(tags: Image.Exif) -> tuple[float, float] | None:
    unit = tags.get(_RESOLUTION_UNIT, 2)
    factor = {2: 1.0, 3: _CENTIMETRES_IN_AN_INCH}.get(unit)
    pair = _pair((tags.get(_X_RESOLUTION), tags.get(_Y_RESOLUTION)))
    return (pair[0] * factor, pair[1] * factor) if pair and factor else None


def resolution_as_exif(dpi: tuple[float, float]) -> bytes:
    """EXIF that holds nothing but pixels in an inch, for a format that has no other place for them."""
    tags = Image.Exif()
    tags[_X_RESOLUTION], tags[_Y_RESOLUTION], tags[_RESOLUTION_UNIT] = *dpi, 2
    return tags.tobytes().removeprefix(b"Exif\0\0")


def _pair(dpi) -> tuple[float, float] | None:
    """Two numbers that can be a resolution, or None: files hold zeros, infinities and texts there."""
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None


def into_png(data: bytes, metadata: Metadata) -> bytes:
    """Put metadata into a PNG that has none, right behind its first chunk.

    Args:
        data: a whole PNG file.
        metadata: what to put in.

    Returns:
        The file with the chunks iCCP, pHYs and eXIf, as far as there is something to say.
    """
    chunks = []
    if metadata.profile:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.profile)))
    if metadata.dpi:
        chunks.append((b"pHYs", struct.pack(">IIB", *(round(value / _INCH) for value in metadata.dpi), 1)))
    if metadata.exif:
        chunks.append((b"eXIf", metadata.exif))
    more = b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    first = 8 + 25  # the signature and the chunk IHDR, whose length is fixed
    return data[:first] + more + data[first:]


def tiff_tags(metadata: Metadata) -> dict:
    """What tifffile's ``imwrite`` takes for the resolution, the profile and the texts of the EXIF.

    EXIF's own directories cannot be handed over this way; `into_tiff` adds them.
    """
    options = {"software": False, "extratags": []}  # or tifffile puts its own name there
    if metadata.profile:
        options["iccprofile"] = metadata.profile
    if metadata.dpi:
        options |= {"resolution": metadata.dpi, "resolutionunit": 2}
    for tag, value in _as_read({**_loaded(metadata.exif)}).items():
        if tag in _TOLD and isinstance(value, str):
            options["extratags"].append((tag, 2, None, value.encode() + b"\0", True))
    return options


def into_tiff(stream: io.BytesIO, metadata: Metadata) -> None:
    """Append EXIF's directories to a TIFF of one page, and a first directory that also points to them.

    A directory with an entry that cannot be written is left out.
    """
    tags = _loaded(metadata.exif)
    below = {tag: _as_read(tags.get_ifd(tag)) for tag in (_EXIF, _GPS) if tags.get_ifd(tag)}
    head = stream.getvalue()[:8]
    order = in_bytes.ORDERS.get(head[:4])
    if not below or order is None:  # nothing to add, or beyond 4 GB, where a TIFF is built otherwise
        return
    (start,) = struct.unpack(order + "I", head[4:])
    stream.seek(start)
    (count,) = struct.unpack(order + "H", stream.read(2))
    entries = [stream.read(12) for _ in range(count)]
    for tag, values in below.items():
        place = stream.seek(0, io.SEEK_END)
        directory = ImageFileDirectory_v2(head, group=tag)
        try:
            for entry, value in values.items():
                directory[entry] = value
            written = directory.tobytes(place)
        except _ODD:
            continue
        stream.write(written)
        entries.append(struct.pack(order + "HHII", tag, 4, 1, place))
    place = stream.seek(0, io.SEEK_END)
    entries.sort(key=lambda entry: struct.unpack(order + "H", entry[:2]))
    stream.write(struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4))
    stream.seek(4)
    stream.write(struct.pack(order + "I", place))
