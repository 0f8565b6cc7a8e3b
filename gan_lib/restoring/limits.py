"""How large a picture and its result may be, and how much memory they take.

Never in here: pixels; sizes are known from the header of a file.
"""

from __future__ import annotations

from pathlib import Path

from gan_lib import images

DEFAULT_MAX_PIXELS = 64_000_000
# Of a result, by its bits: reading, the pixels and packing the file, all at once at the end.
BYTES_A_PIXEL = {8: 24, 16: 60}
_BASE_GB = 1.0  # TensorFlow, and a tile in the network


def check_size(path: Path, header: images.Header, max_pixels: int) -> None:
    """Raise PictureError if a file has more pixels than may be read."""
    pixels = header.height * header.width
    if pixels > max_pixels:
        raise images.PictureError(
            f"{path} has {header.width:,} x {header.height:,} pixels, {pixels / 1e6:.1f} megapixels; the cap is "
            f"{max_pixels / 1e6:g}. If the memory is there, raise it: --max-pixels {pixels}, or max_pixels={pixels}."
        )


def check_result(
    name: str, height: int, width: int, scale: int, max_pixels: int, bits: int = 8, *, part: bool = False
) -> None:
    """Raise PictureError if a result would be larger than allowed; the message says what it would take.

    Args:
        name: of the picture, for the message.
        height: of what is to be enlarged, in pixels.
        width: the same.
        scale: how many times larger it becomes.
        max_pixels: largest result that is made.
        bits: of each value in the result's file.
        part: whether it is a part of the picture already.
    """
    pixels = height * width * scale**2
    if pixels <= max_pixels:
        return
    memory = _BASE_GB + pixels * BYTES_A_PIXEL[16 if bits > 8 else 8] / 1e9
    ways = [f"--max-pixels {pixels} (max_pixels={pixels}) if the memory is there", f"a {'smaller ' * part}part --crop"]
    ways += ["--scale 2 (scale=2)"] if scale > 2 else []
    raise images.PictureError(
        f"{'The part of ' * part}{name} has {width:,} x {height:,} pixels. Enlarged {scale} times it would have "
        f"{scale * width:,} x {scale * height:,}, {pixels:,} in all, and take about {memory:.1f} GB of memory; the cap "
        f"is {max_pixels:,}. Take {', or '.join(ways)}."
    )
