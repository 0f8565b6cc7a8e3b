"""EXIF as the bytes of a TIFF structure: finding single entries in it, and changing them where they stand.

Never in here: files, and what else lies beside pixels (``gan_lib.images.metadata``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

BELOW = 0x8769  # the entry that points to EXIF's own directory
WIDTH, HEIGHT = 0xA002, 0xA003
ORDERS = {b"II*\0": "<", b"MM\0*": ">"}  # how a TIFF, or EXIF, begins: whether low or high bytes come first
_FORMS = {3: "H", 4: "I"}  # kinds whose value stands in the entry itself, in 2 or 4 bytes
_LONG = 4


class Entry(NamedTuple):
    """Where the value of an entry stands, how it is packed, and what it is."""

    place: int
    form: str
    value: int


def entries(data: bytes | bytearray, order: str, start: int) -> Iterator[tuple[int, Entry]]:
    """The entries of the directory that begins at ``start``, with their tags.

    Raises:
        struct.error: if the directory reaches beyond the data.
    """
    (count,) = struct.unpack_from(order + "H", data, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, _ = struct.unpack_from(order + "HHI", data, place)
        form = order + _FORMS.get(kind, "I")
        yield tag, Entry(place + 8, form, struct.unpack_from(form, data, place + 8)[0])


def sized(exif: bytes, height: int, width: int) -> bytes:
    """EXIF of a picture that has become larger or smaller: its width and height follow, where it tells them.

    Args:
        exif: a TIFF structure, as `Metadata` has it; empty or damaged EXIF comes back as it is.
        height: of the picture now, in pixels.
        width: of the picture now, in pixels.
    """
    data = bytearray(exif)
    order = ORDERS.get(bytes(data[:4]))
    if order is None:
        return exif
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        first = dict(entries(data, order, start))
        below = dict(entries(data, order, first[BELOW].value)) if BELOW in first else {}
        for tag, length in ((WIDTH, width), (HEIGHT, height)):
            if tag in below:  # as a long number, whatever it was: 2 bytes end at 65,535
                struct.pack_into(order + "H", data, below[tag].place - 6, _LONG)
                struct.pack_into(order + "I", data, below[tag].place, length)
    except struct.error:
        return exif
    return bytes(data)
