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
import zlib
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gan_lib.images import reading

_ORIENTATION, _EXIF, _GPS, _PROFILE = 0x0112, 0x8769, 0x8825, 0x8773
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_WIDTH, _HEIGHT = 0xA002, 0xA003
# Of a TIFF's many tags those that tell of the photograph; the others are about how its own pixels are stored.
_TOLD = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)  # description, make, model, software, date, ...
_INCH = 0.0254  # metres
_CENTIMETRES_IN_AN_INCH = 2.54


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
    path = Path(path).expanduser()
    reading.read_header(path)  # a missing file or a folder gets its sentence there
    with reading.in_words(path), path.open("rb") as stream:
        begin = stream.read(4)
        stream.seek(0)
        if begin in reading.TIFF_BEGINS:
            return _of_tiff(stream)
        with reading.open_image(stream) as image:
            if image.format == "PNG":
                image.load()  # EXIF may come after the pixels there
            exif = _upright(image.info.get("exif", b"").removeprefix(b"Exif\0\0"))
            dpi = image.info.get("dpi")
            return Metadata(exif, _kept(image.info.get("icc_profile")), _pair(dpi) or _dpi_of(exif))


def _of_tiff(stream) -> Metadata:
    tags = Image.Exif()
    tags.load_from_fp(stream)
    kept = Image.Exif()
    for tag in _TOLD:
        if tag in tags:
            kept[tag] = tags[tag]
    for tag in (_EXIF, _GPS):
        below = tags.get_ifd(tag)
        if below:
            kept[tag] = dict(below)
    kept[_ORIENTATION] = 1
    dpi = _resolution(tags)
    exif = kept.tobytes().removeprefix(b"Exif\0\0") if len(kept) > 1 else b""
    return Metadata(exif, _kept(tags.get(_PROFILE)), dpi)


def _kept(profile: bytes | None) -> bytes:
    """A profile to keep. One for CMYK has done its work when the picture was read: its pixels are sRGB now."""
    return b"" if not isinstance(profile, bytes) or profile[16:20] == b"CMYK" else profile


def _upright(exif: bytes) -> bytes:
    """EXIF for the picture as it is after turning; empty if it is damaged."""
    data = bytearray(exif)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(data[:4]))
    if order is None:
        return b""

    def entries(start):
        (count,) = struct.unpack_from(order + "H", data, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(order + "HHI", data, place)
            # Whole numbers of 2 or 4 bytes stand in the entry itself.
            form = order + {3: "H", 4: "I"}.get(kind, "I")
            yield tag, place + 8, form, struct.unpack_from(form, data, place + 8)[0]

    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        first = {tag: (place, form, value) for tag, place, form, value in entries(start)}
        below = (
            {tag: (place, form, value) for tag, place, form, value in entries(first[_EXIF][2])}
            if (_EXIF in first)
            else {}
        )
        if _ORIENTATION in first:
            place, form, orientation = first[_ORIENTATION]
            struct.pack_into(form, data, place, 1)
            if orientation in (5, 6, 7, 8) and _WIDTH in below and _HEIGHT in below:
                struct.pack_into(below[_WIDTH][1], data, below[_WIDTH][0], below[_HEIGHT][2])
                struct.pack_into(below[_HEIGHT][1], data, below[_HEIGHT][0], below[_WIDTH][2])
        (count,) = struct.unpack_from(order + "H", data, start)
        struct.pack_into(order + "I", data, start + 2 + 12 * count, 0)  # where the thumbnail would be
    except struct.error:
        return b""
    return bytes(data)


def _dpi_of(exif: bytes) -> tuple[float, float] | None:
    if not exif:
        return None
    tags = Image.Exif()
    try:
        tags.load(exif)
    except (SyntaxError, struct.error, ValueError, OSError):
        return None
    return _resolution(tags)


def _resolution(tags: Image.Exif) -> tuple[float, float] | None:
    unit = tags.get(_RESOLUTION_UNIT, 2)
    factor = {2: 1.0, 3: _CENTIMETRES_IN_AN_INCH}.get(unit)
    pair = _pair((tags.get(_X_RESOLUTION), tags.get(_Y_RESOLUTION)))
    return (pair[0] * factor, pair[1] * factor) if pair and factor else None


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
    """What tifffile's ``imwrite`` takes for the resolution, the profile, and the texts of the EXIF.

    EXIF's own directories cannot be handed over this way; they get an empty place each, for `into_tiff` to fill.
    """
    options = {"extratags": []}
    if metadata.profile:
        options["iccprofile"] = metadata.profile
    if metadata.dpi:
        options |= {"resolution": metadata.dpi, "resolutionunit": 2}
    if metadata.exif:
        tags = Image.Exif()
        tags.load(metadata.exif)
        for tag in _TOLD:
            if isinstance(tags.get(tag), str):
                options["extratags"].append((tag, 2, None, tags[tag].encode(), True))
        options["extratags"] += [(tag, 4, 1, 0, True) for tag in (_EXIF, _GPS) if tags.get_ifd(tag)]
    return options


def into_tiff(stream: io.BytesIO, metadata: Metadata) -> None:
    """Append EXIF's directories to a TIFF that was written with `tiff_tags`, and point to them."""
    if not metadata.exif:
        return
    import tifffile
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = Image.Exif()
    tags.load(metadata.exif)
    places = {}
    for tag in (_EXIF, _GPS):
        if tags.get_ifd(tag):
            places[tag] = stream.seek(0, io.SEEK_END)
            directory = ImageFileDirectory_v2(stream.getbuffer()[:4].tobytes() + b"\0\0\0\0", group=tag)
            for entry, value in tags.get_ifd(tag).items():
                directory[entry] = value
            stream.write(directory.tobytes(places[tag]))
    stream.seek(0)
    with tifffile.TiffFile(stream, mode="r+b") as opened:
        for tag, place in places.items():
            opened.pages[0].tags[tag].overwrite(place)
