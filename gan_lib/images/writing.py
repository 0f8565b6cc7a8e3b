"""An array -> a picture file, complete or not there at all.

Never in here: reading, grids and titles (``gan_lib.plots``).
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from gan_lib import files
from gan_lib.images.colour import profile_fits
from gan_lib.images.metadata import Metadata, into_png, into_tiff, resolution_as_exif, tiff_tags
from gan_lib.images.ranges import check_picture, to_uint8
from gan_lib.images.reading import PictureError

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"}
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def save_image(
    path: str | os.PathLike,
    picture: np.ndarray,
    *,
    bits: int = 8,
    quality: int = 95,
    metadata: Metadata | None = None,
) -> Path:
    """Save a picture; the ending of the name decides the format.

    Args:
        path: .png, .jpg, .jpeg, .tif, .tiff or .webp; missing folders are made.
        picture: (height, width) or (height, width, 1 to 4), uint8 in [0, 255] or float in [0, 1]; two and four
            channels have alpha last. A tensor will do.
        bits: 8, or 16 for PNG and TIFF: 65,536 steps, so that soft gradients of a float picture show no bands.
        quality: 1 to 100 for JPEG and WebP; WebP is lossless at 100. JPEG keeps colour in full resolution.
        metadata: what to keep beside the pixels, as `read_metadata` gives it. A colour profile for RGB is left out of
            a grey picture, and one for grey out of an RGB picture: PNG forbids them, and programs stumble over them.

    Returns:
        The path of the file.

    Raises:
        ValueError: for another shape, range, ending, depth or quality.
        TypeError: for another dtype.
        PictureError: if the file cannot be written; an older file of that name is then left as it was.

    Example:
        >>> save_image("ramp.png", np.linspace(0, 1, 512, dtype="float32")[None].repeat(64, 0), bits=16)
    """
    path = files.expanded(path)
    data = encode_image(path.name, picture, bits=bits, quality=quality, metadata=metadata)
    try:
        with files.whole_file(path) as working:
            working.write_bytes(data)
    except OSError as error:
        raise PictureError(error.strerror) from error
    return path


def encode_image(
    name: str, picture: np.ndarray, *, bits: int = 8, quality: int = 95, metadata: Metadata | None = None
) -> bytes:
    """The whole file in memory, so that an encoder's failure touches no disk. Arguments and errors as `save_image`."""
    kind = check_name(name, bits)
    if not 1 <= quality <= 100:
        raise ValueError(f"Expected a quality from 1 to 100, got {quality}.")
    picture = np.asarray(picture)
    check_picture(picture)
    picture = picture[..., None] if picture.ndim == 2 else picture
    if picture.ndim != 3 or picture.shape[-1] not in _MODES or 0 in picture.shape:
        raise ValueError(
            f"Expected one picture of shape (height, width, 1 to 4), got {picture.shape}; of a batch take one, "
            "as in picture[0]."
        )
    check_alpha(name, picture.shape[-1])
    metadata = metadata or Metadata()
    if not profile_fits(metadata.profile, picture.shape[-1]):
        metadata = metadata._replace(profile=b"")
    pixels = to_uint8(picture) if bits == 8 else _to_uint16(picture)
    return _encode(pixels, kind, quality, metadata)


def check_name(name: str, bits: int = 8) -> str:
    """The format that the ending of a file name stands for.

    Raises:
        ValueError: for another ending, or 16 bit where the format has only 8.
    """
    kind = _FORMATS.get(Path(name).suffix.lower())
    if kind is None:
        raise ValueError(f"Expected a file name that ends in {', '.join(_FORMATS)}, got {name!r}.")
    if bits not in (8, 16) or (bits == 16 and kind not in ("PNG", "TIFF")):
        raise ValueError(f"Expected 8 bits, or 16 with .png or .tif, got {bits} bits for {name!r}.")
    return kind


def check_alpha(name: str, channels: int) -> None:
    """Raise ValueError if a picture of 2 or 4 channels is to become a JPEG."""
    if _FORMATS[Path(name).suffix.lower()] == "JPEG" and channels in (2, 4):
        raise ValueError(
            "JPEG cannot hold alpha; choose PNG, TIFF or WebP, or remove the alpha channel first (of an array: "
            "picture[..., :-1])."
        )


def _to_uint16(picture: np.ndarray) -> np.ndarray:
    if picture.dtype == np.uint8:
        return picture.astype(np.uint16) * 257  # 255 * 257 = 65535
    pixels = np.empty(picture.shape, np.uint16)
    # Row by row: the steps in between take up to 24 bytes for each value.
    for row, values in zip(pixels, picture, strict=True):
        row[...] = np.rint(np.clip(values.astype(np.float64), 0, 1) * 65535)
    return pixels


def _encode(pixels: np.ndarray, kind: str, quality: int, metadata: Metadata) -> bytes:
    stream = io.BytesIO()
    if kind == "TIFF":
        import tifffile

        extra = {"extrasamples": ["unassalpha"]} if pixels.shape[-1] in (2, 4) else {}
        extra |= {"photometric": "rgb" if pixels.shape[-1] > 2 else "minisblack", **tiff_tags(metadata)}
        pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        tifffile.imwrite(stream, pixels, planarconfig="contig", compression="zlib", metadata=None, **extra)
        into_tiff(stream, metadata)
        return stream.getvalue()
    if pixels.dtype == np.uint16:
        import tensorflow as tf

        with tf.device("CPU:0"):
            return into_png(tf.io.encode_png(pixels).numpy(), metadata)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    exif = metadata.exif or (kind == "WEBP" and metadata.dpi and resolution_as_exif(metadata.dpi))
    beside = {"exif": b"Exif\0\0" + exif if exif else b"", "icc_profile": metadata.profile}
    options = {
        "PNG": {},
        "JPEG": {"quality": quality, "subsampling": 0, "dpi": metadata.dpi or (0, 0), **beside},
        "WEBP": {"quality": quality, "lossless": quality == 100, "exact": True, **beside},
    }
    try:
        image.save(stream, kind, **options[kind])
    except (OSError, ValueError) as error:
        size = f"{image.width:,} x {image.height:,}"
        raise PictureError(f"A picture of {size} pixels cannot be stored as {kind} ({error}); take PNG.") from error
    return into_png(stream.getvalue(), metadata) if kind == "PNG" else stream.getvalue()
