"""A picture file -> an array, whatever the file holds: grey, palette, CMYK, alpha, turned by EXIF, 8 or 16 bit.

Never in here: saving, ranges of networks, folders of pictures.

Pillow reads everything of 8 bit. It cuts 16-bit colour to 8 bit without a word, so 16-bit PNG goes through
TensorFlow's decoder, 16-bit TIFF through tifffile, and 16-bit PGM and PPM are unpacked here. The size is read from the
header before a pixel is decoded: a file of a few kilobytes can claim 60,000 x 60,000 pixels and would fill the memory.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import struct
import threading
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin, UnidentifiedImageError

from gan_lib.files import expanded

# Pillow also knows formats that run other programs or hide pictures in documents; these are the ones of photographs.
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM")
TIFF_BEGINS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ORIENTATION = 0x0112  # the EXIF tag: 1 is upright
_TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LONGEST_TEXT = 64 * 2**20  # bytes of a text or profile in a PNG; Pillow's 1 MB is less than scanners' profiles
_PNM = {b"P2": 1, b"P3": 3, b"P5": 1, b"P6": 3}  # how PGM and PPM begin, and their channels
_AS_TEXT = (b"P2", b"P3")

# Said of files whose pixels are not all that they held.
FROM_CMYK = "CMYK became RGB, in which networks work; convert the result back if it is to be printed."
_FIRST_PAGE = "Only the first page was read; the file has more. Save each page as a file of its own to have them all."
_MORE_VALUES = "Each pixel holds more values than its colours (infrared, say). They were left out."
_FIRST_FRAME = "Only the first picture was read; the file is an animation."

MAX_MEGAPIXELS = 64.0  # of a picture that is decoded, unless more are asked for
# Rec. 601, what Pillow and the JPEG standard call luma.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

_pillow_limit = threading.Lock()


class PictureError(ValueError):
    """A picture file that cannot be read or written; the message names the file and the way out."""


class Header(NamedTuple):
    """What the header of a picture file says. Height and width are those of the stored, unturned picture."""

    height: int  # pixels
    width: int  # pixels
    bits: int  # per channel
    reader: Literal["pillow", "png16", "tiff16", "pnm16"]
    notes: tuple[str, ...] = ()  # sentences that name what `load_image` leaves behind: inks, other pages or frames


def load_image(
    path: str | os.PathLike,
    *,
    mode: Literal["rgb", "grey", "as-is"] = "rgb",
    background: float = 1.0,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> np.ndarray:
    """Read a picture the way you see it: upright, and with transparent parts laid on a background.

    PNG, JPEG, TIFF and WebP, also BMP, GIF, PGM and PPM; of several pages or frames the first. The contents tell the
    kind, not the ending of the name. CMYK becomes sRGB through its embedded profile if there is one, otherwise by
    Pillow's plain formula. RGB values are taken as they are, whatever colour profile lies beside them.

    Args:
        path: the file.
        mode: "rgb" gives three channels, "grey" one (Rec. 601 luma), "as-is" those of the file, 1 to 4, with alpha
            last and not applied.
        background: grey level in [0, 1] behind transparent parts, 1 is white. Not used with "as-is".
        max_megapixels: largest size that is decoded, in millions of pixels.

    Returns:
        Array (height, width, channels): uint8 in [0, 255], or float32 in [0, 1] for files of 16 bit and of float.

    Raises:
        PictureError: if the file is missing, empty, a folder, no picture, cut short, or larger than max_megapixels.
        ValueError: for an unknown mode or background.

    Example:
        >>> picture = load_image("holiday.jpg")
        >>> picture.shape, picture.dtype
        ((1080, 1920, 3), dtype('uint8'))
    """
    if mode not in ("rgb", "grey", "as-is"):
        raise ValueError(f"Expected mode 'rgb', 'grey' or 'as-is', got {mode!r}.")
    if not 0 <= background <= 1:
        raise ValueError(f"Expected a background between 0 (black) and 1 (white), got {background}.")
    path = expanded(path)
    header = read_header(path)
    check_megapixels(path, header, max_megapixels)
    with in_words(path):
        readers = {"pillow": _read_pillow, "png16": _read_png16, "tiff16": _read_tiff16, "pnm16": _read_pnm16}
        return _arrange(readers[header.reader](path), mode, background)


def check_megapixels(path: Path, header: Header, max_megapixels: float = MAX_MEGAPIXELS) -> None:
    """Raise PictureError if a picture claims more pixels than are decoded: it may be a bomb of a few bytes."""
    megapixels = header.height * header.width / 1e6
    if megapixels > max_megapixels:
        raise PictureError(
            f"{path} claims {header.width:,} x {header.height:,} pixels ({megapixels:,.1f} megapixels), more than the "
            f"{max_megapixels:g} allowed. If that is meant to be so, pass max_megapixels={int(megapixels) + 1}."
        )


def read_header(path: str | os.PathLike) -> Header:
    """Read size and depth from the header of a picture file; no pixel is decoded, so this takes milliseconds.

    Raises:
        PictureError: if the file is missing, empty, a folder or no picture.

    Example:
        >>> read_header("holiday.jpg")
        Header(height=1080, width=1920, bits=8, reader='pillow', notes=())
    """
    path = expanded(path)
    if path.is_dir():
        raise PictureError(f"{path} is a folder; expected one picture file. For folders see datasets.find_photographs.")
    if not path.exists():
        raise PictureError(f"There is no file {path} (looked in {Path.cwd()} if the path is relative).")
    with in_words(path):
        with path.open("rb") as opened:
            begin = opened.read(32)
        if not begin:
            raise PictureError(f"{path} is empty, 0 bytes; fetch or save it again.")
        if begin.startswith(TIFF_BEGINS):
            return _tiff_header(path)
        with path.open("rb") as stream, open_image(stream) as image:
            notes = (FROM_CMYK,) if image.mode == "CMYK" else ()
            # The second picture of a camera's JPEG, which Pillow calls MPO, is a preview or a map of brightness.
            notes += (_FIRST_FRAME,) if getattr(image, "is_animated", False) and image.format != "MPO" else ()
            # A PNG says its depth in byte 24, within the chunk that must come first.
            bits = begin[24] if begin.startswith(b"\x89PNG") else 8
            reader = "png16" if bits == 16 else "pillow"
            if begin[:2] in _PNM:
                stream.seek(0)
                bits = _pnm_head(stream)[-1].bit_length()
                reader = "pnm16" if bits > 8 else "pillow"
            return Header(image.height, image.width, max(bits, 8), reader, notes)


def _tiff_header(path: Path) -> Header:
    import tifffile

    with tifffile.TiffFile(path) as opened:
        page = opened.pages[0]
        bits = int(np.max(page.bitspersample))
        if page.is_reduced:
            raise PictureError(
                f"{path} begins with a thumbnail, as files of cameras do, and what follows is not read. Export it as "
                "PNG, TIFF or JPEG with another program."
            )
        notes = (FROM_CMYK,) if page.photometric == tifffile.PHOTOMETRIC.SEPARATED else ()
        notes += (_MORE_VALUES,) if _extra_values(page) else ()
        notes += (_FIRST_PAGE,) if _has_more(opened) else ()
        return Header(page.imagelength, page.imagewidth, max(bits, 8), "tiff16" if bits > 8 else "pillow", notes)


def _extra_values(page) -> int:
    """How many values of a TIFF's pixel are neither colour nor alpha. They come last; some scanners add infrared."""
    import tifffile

    extra = list(page.extrasamples)
    return len(extra) if extra and extra[0] == tifffile.EXTRASAMPLE.UNSPECIFIED else 0


def _has_more(opened) -> bool:
    """Whether a TIFF has pages besides the first. Thumbnails, smaller copies and masks are stored as pages too."""
    try:
        return any(not (page.is_reduced or page.is_mask) for page in itertools.islice(opened.pages, 1, None))
    except Exception:  # many kinds; a damaged second page is no reason to refuse the first
        return False


def _pnm_head(stream: BinaryIO) -> tuple[int, int, int, int]:
    """Channels, width, height and the value of white, from a PGM or PPM; the stream stands at the pixels then.

    Raises:
        ValueError: if the head is damaged.
    """
    channels, words, word = _PNM[stream.read(2)], [], b""
    while len(words) < 3:
        byte = stream.read(1)
        if byte == b"#":
            stream.readline()
        elif byte.isdigit():
            word += byte
        elif byte.isspace() and len(word) < 10:
            words += [int(word)] if word else []
            word = b""
        else:
            raise ValueError("its head is not that of a PGM or PPM")
    return channels, *words


def chunk_of_png(stream: BinaryIO, wanted: bytes) -> bytes:
    """The contents of the first chunk of that kind, such as eXIf, which may also come after the pixels; empty if there
    is none. Nothing is decoded."""
    stream.seek(8)
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == wanted:
            return stream.read(length)
        stream.seek(length + 4, io.SEEK_CUR)
    return b""


def open_image(stream: BinaryIO) -> Image.Image:
    """Open with Pillow, which reads the header only.

    Pillow's own limits give way to ours: that of sizes to one that names them, that of texts to a larger one. A stream,
    not a path: given a path, Pillow (11.3 to 13.0) maps uncompressed TIFFs into memory with height and width exchanged
    if they are turned by a quarter, and the pixels come out scrambled.
    """
    with _our_limits():
        return Image.open(stream, formats=_FORMATS)


@contextlib.contextmanager
def _our_limits():
    with _pillow_limit:
        pixels, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        text, PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_CHUNK, _LONGEST_TEXT
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = pixels, text


@contextlib.contextmanager
def in_words(path: Path):
    """Turn what decoders raise into PictureErrors."""
    try:
        yield
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(f"{path} is no picture, {_what_it_is(path)}.") from error
    except PermissionError as error:
        raise PictureError(f"{path} may not be read by this user; change its permissions or copy it.") from error
    except MemoryError as error:
        raise PictureError(f"{path} does not fit into memory; make it smaller first.") from error
    except Exception as error:
        # For damaged files decoders raise OSError, SyntaxError, struct.error, zlib.error, TensorFlow's own, and more.
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        if "imagecodecs" in reason:
            raise PictureError(
                f"{path} is compressed in a way that needs one more package: pip install imagecodecs, or save it "
                f"again without compression ({reason})."
            ) from error
        raise PictureError(
            f"{path} is cut short, damaged or of an unusual kind ({reason}). Fetch it again, or open and save it as "
            "PNG with another program."
        ) from error


def _what_it_is(path: Path) -> str:
    with path.open("rb") as opened:
        begin = opened.read(256).lstrip().lower()
    if begin.startswith((b"<!doctype html", b"<html")):
        return "but a web page: the server sent that instead of the file; look at its address in a browser"
    if begin.startswith(b"version https://git-lfs"):
        return "but a Git-LFS pointer to one: fetch the file itself with git lfs pull"
    if begin[4:8] == b"ftyp":
        return "but a HEIC, AVIF or video file: save it as PNG or JPEG first"
    expected = "expected PNG, JPEG, TIFF, WebP, BMP, GIF or PPM"
    return f"whatever the ending {path.suffix!r} says; {expected}" if path.suffix else expected


def _read_pillow(path: Path) -> np.ndarray:
    """Everything of 8 bit: uint8 (height, width, 1 to 4), upright."""
    with path.open("rb") as stream, open_image(stream) as image:
        is_bmp = image.format == "BMP"
        with _our_limits():  # a PNG may have texts behind its pixels
            image.load()
        image = _stretch_transparency(image, stream)
        # Not ImageOps.exif_transpose, which writes all EXIF anew and so refuses pictures for an odd entry in it. TIFFs
        # are upright by now: Pillow turns them when it loads them.
        turn = _TRANSPOSED.get(image.getexif().get(_ORIENTATION))
        image = image if turn is None else image.transpose(turn)
        if image.mode == "CMYK":
            image = _from_cmyk(image)
        alpha = image.has_transparency_data
        if image.mode in ("1", "L", "LA", "La"):
            image = image.convert("LA" if alpha else "L")
        elif image.mode in ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr"):
            image = image.convert("RGBA" if alpha else "RGB")
        else:
            raise PictureError(f"{path} has pixels of the kind {image.mode!r}, which is not supported; save it as PNG.")
        picture = np.array(image)
    if is_bmp and picture.shape[2:] == (4,) and not picture[..., 3].any():
        # Programs leave the fourth byte of a BMP's pixels at 0, though its header may call it alpha.
        picture = np.ascontiguousarray(picture[..., :3])
    return picture[..., None] if picture.ndim == 2 else picture


def _stretch_transparency(image: Image.Image, stream: BinaryIO) -> Image.Image:
    """The grey that counts as transparent in a PNG of 1, 2 or 4 bit, as one of the 256 that its pixels become.

    Pillow stretches the pixels, but not in all of its versions that grey.
    """
    if image.format != "PNG" or image.mode not in ("1", "L") or "transparency" not in image.info:
        return image
    stream.seek(24)
    bits = stream.read(1)[0]
    clear = chunk_of_png(stream, b"tRNS")
    if bits < 8 and len(clear) == 2:
        del image.info["transparency"]
        image = image.convert("L")
        image.info["transparency"] = struct.unpack(">H", clear)[0] * (255 // (2**bits - 1))
    return image


def _from_cmyk(image: Image.Image) -> Image.Image:
    """CMYK to sRGB. Pillow has undone the inversion that Adobe writes into JPEG already."""
    profile = image.info.get("icc_profile")
    if profile:
        try:
            return ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile: the plain formula is better than no picture
    return image.convert("RGB")


def _read_png16(path: Path) -> np.ndarray:
    """PNG of 16 bit per channel: float32 in [0, 1]. One colour that counts as transparent becomes alpha."""
    import tensorflow as tf

    with tf.device("CPU:0"):
        picture = tf.io.decode_png(path.read_bytes(), dtype=tf.uint16).numpy()
    with path.open("rb") as stream, open_image(stream) as image:
        orientation = image.getexif().get(_ORIENTATION, 1)
        clear = chunk_of_png(stream, b"tRNS")
    colours = picture.shape[-1]
    if colours in (1, 3) and len(clear) == 2 * colours:  # TensorFlow passes over it
        alpha = np.uint16(65535) * (picture != struct.unpack(f">{colours}H", clear)).any(axis=-1, keepdims=True)
        picture = np.concatenate([picture, alpha], axis=-1)
    # At once, not by way of a second copy: a large photograph takes 12 bytes a pixel as it is.
    return _turn(np.divide(picture, 65535, dtype=np.float32), orientation)


def _read_tiff16(path: Path) -> np.ndarray:
    """TIFF of more than 8 bit: float32 in [0, 1]. Floats in the file must be in that range already."""
    import tifffile

    with tifffile.TiffFile(path) as opened:
        page = opened.pages[0]
        size = path.stat().st_size
        if any(start + count > size for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)):
            raise PictureError(f"{path} is cut short: its last pixels are missing. Fetch it again.")
        picture = page.asarray()
        if picture.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            picture = np.moveaxis(picture, 0, -1)
        inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
        known = page.photometric in (
            tifffile.PHOTOMETRIC.MINISBLACK,
            tifffile.PHOTOMETRIC.MINISWHITE,
            tifffile.PHOTOMETRIC.RGB,
        )
        tag = page.tags.get(_ORIENTATION)
        white = 2 ** int(np.max(page.bitspersample)) - 1  # of 12 bit in each sample, say, 4095: they come as uint16
        multiplied = tifffile.EXTRASAMPLE.ASSOCALPHA in page.extrasamples
        extra = _extra_values(page)
    picture = picture[..., None] if picture.ndim == 2 else picture
    picture = picture[..., : picture.shape[-1] - extra]
    if not known or picture.ndim != 3 or picture.shape[-1] > 4 or picture.dtype.kind not in "uf":
        raise PictureError(
            f"{path} holds {picture.dtype} pixels of shape {picture.shape} ({page.photometric.name.lower()}), which is "
            "not supported; save it as grey or RGB of 8 or 16 bit."
        )
    if picture.dtype.kind == "u":
        picture = np.divide(picture, white, dtype=np.float32)
    elif not (np.isfinite(picture).all() and picture.min() >= 0 and picture.max() <= 1):
        raise PictureError(
            f"{path} holds float values from {picture.min():.4g} to {picture.max():.4g}; expected 0 to 1. Scale them."
        )
    picture = picture.astype(np.float32, copy=False)
    colours = picture[..., :-1] if picture.shape[-1] in (2, 4) else picture
    if multiplied and picture.shape[-1] in (2, 4):
        # Colours that were multiplied by alpha already become plain ones, as Pillow does with 8 bit. In place: a large
        # picture has no second copy in memory.
        alpha = picture[..., -1:]
        np.divide(colours, alpha, out=colours, where=alpha > 0)
        np.minimum(colours, 1, out=colours)
    if inverted:
        np.subtract(1, colours, out=colours)
    return _turn(picture, int(tag.value) if tag else 1)


def _read_pnm16(path: Path) -> np.ndarray:
    """PGM or PPM of more than 8 bit: float32 in [0, 1]."""
    with path.open("rb") as stream:
        as_text = stream.read(2) in _AS_TEXT
        stream.seek(0)
        channels, width, height, white = _pnm_head(stream)
        count = channels * width * height
        data = stream.read() if as_text else stream.read(2 * count)
    values = np.array(data.split()[:count]).astype(np.uint16) if as_text else np.frombuffer(data, ">u2")
    if len(values) < count:
        raise PictureError(f"{path} is cut short: its last pixels are missing. Fetch it again.")
    picture = np.divide(values, white, dtype=np.float32).reshape(height, width, channels)
    return np.minimum(picture, 1, out=picture)


def _turn(picture: np.ndarray, orientation: int) -> np.ndarray:
    """Set a picture upright by its EXIF orientation, 1 to 8; an unknown number leaves it as it is."""
    if orientation in (5, 6, 7, 8):
        picture = picture.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)


def _arrange(picture: np.ndarray, mode: str, background: float) -> np.ndarray:
    """From the channels of the file to those that were asked for."""
    if mode == "as-is":
        return picture
    whole = 255 if picture.dtype == np.uint8 else 1
    if picture.shape[-1] in (2, 4):
        picture, alpha = picture[..., :-1], picture[..., -1:]
        if (alpha < whole).any():
            weight = alpha.astype(np.float32) / whole
            blended = picture * weight + np.float32(background * whole) * (1 - weight)
            picture = np.rint(blended).astype(np.uint8) if whole == 255 else blended.astype(np.float32)
    if mode == "rgb":
        return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))
    if picture.shape[-1] == 1:
        return np.ascontiguousarray(picture)
    grey = (picture @ _LUMA)[..., None]
    return np.rint(grey).astype(np.uint8) if whole == 255 else grey
