"""Several pictures in one place: an animation, in which they follow each other, and a slider, with which one chooses.

Pictures that stand beside each other are in `figures`.
"""

import base64
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from gan_lib import images

# Without an own script: what the handle does is written at the handle, so that a copied cell or page goes on working.
_CHOOSE = "this.parentNode.querySelectorAll('figure').forEach((one, place) => { one.hidden = place != this.value; })"


def as_picture(figure: Figure, dots_per_inch: int = 72) -> np.ndarray:
    """A figure as a picture, uint8 (height, width, 3), to be a frame of an animation."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dots_per_inch)
    return np.asarray(Image.open(stream).convert("RGB"))


def _pixels(picture: np.ndarray | Figure) -> np.ndarray:
    return as_picture(picture) if isinstance(picture, Figure) else images.to_uint8(np.asarray(picture))


def _image(pixels: np.ndarray) -> Image.Image:
    """uint8 (height, width), (height, width, 1) or (height, width, 3) as Pillow has it."""
    return Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels)


class Animation:
    """Frames that a notebook, a web page and every browser show as one moving picture.

    It is an animated PNG: where nothing moves (a printed page) its first frame is shown, and that is the **last** of
    the frames given, the end result.

    Args:
        frames: uint8 or float in [0, 1], (height, width, channels) or (height, width), all of one shape; or figures.
        milliseconds: how long each frame stays; the last stays four times as long.
        enlarge: whole number of screen pixels for each picture pixel.
        colours: reduces colour frames to so many colours, one palette for all, at most 256. For drawings it takes a
            quarter of the bytes and shows no difference; photographs would show bands.

    Raises:
        ValueError: if there are no frames or their shapes differ.
    """

    def __init__(
        self,
        frames: Sequence[np.ndarray | Figure],
        *,
        milliseconds: int = 300,
        enlarge: int = 1,
        colours: int | None = None,
    ):
        arrays = [_pixels(frame) for frame in frames]
        arrays = [array[..., np.newaxis] if array.ndim == 2 else array for array in arrays]
        shapes = {array.shape for array in arrays}
        if len(shapes) != 1:
            raise ValueError(f"The frames have shapes {sorted(shapes)}; one or more frames of one shape were expected.")
        self.frames = [np.kron(array, np.ones((enlarge, enlarge, 1), np.uint8)) for array in arrays]
        self.milliseconds, self.colours = milliseconds, colours

    def _repr_png_(self) -> bytes:
        palette = self._palette()

        def picture(array):
            whole = _image(array)
            return whole if palette is None else whole.quantize(palette=palette, dither=Image.Dither.NONE)

        stream = io.BytesIO()
        first, *others = self.frames[-1], *self.frames[:-1]  # it runs in a circle, so nothing is out of order
        durations = [4 * self.milliseconds] + [self.milliseconds] * len(others)
        picture(first).save(
            stream,
            format="PNG",
            save_all=bool(others),
            append_images=[picture(array) for array in others],
            duration=durations if others else None,
            loop=0,
            optimize=True,
        )
        return stream.getvalue()

    def _palette(self) -> Image.Image | None:
        if self.colours is None or self.frames[0].shape[-1] == 1:
            return None
        # One palette for all frames: with a palette each, colours would flicker. Coverage keeps rare colours, such as a
        # few orange points; the default (median cut) turns them brown.
        return Image.fromarray(np.concatenate(self.frames)).quantize(
            self.colours, method=Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE
        )


def animation(
    frames: Sequence[np.ndarray | Figure], *, milliseconds: int = 300, enlarge: int = 1, colours: int | None = None
) -> Animation:
    """An animation to be the last line of a cell; see `Animation` for the arguments.

    Example:
        >>> moving = animation([np.zeros((8, 8, 1), np.uint8), np.full((8, 8, 1), 255, np.uint8)])
    """
    return Animation(frames, milliseconds=milliseconds, enlarge=enlarge, colours=colours)


class Slider:
    """Pictures of which a handle shows one at a time, in a notebook and in a web page.

    Where a page may not react, as in a notebook that is not trusted, all of them stand below each other.

    Args:
        pictures: what to write below it -> uint8 or float in [0, 1], (height, width, channels) or (height, width); or
            a figure.
        enlarge: whole number of screen pixels for each picture pixel. The file keeps the small pictures.
        start: place of the picture that is shown at first.

    Raises:
        ValueError: if there are no pictures, or ``start`` is none of their places.
    """

    def __init__(self, pictures: Mapping[str, np.ndarray | Figure], *, enlarge: int = 1, start: int = 0):
        if not 0 <= start < len(pictures):
            raise ValueError(
                f"The slider starts at picture {start}, but {len(pictures)} came; a place from 0 to "
                f"{max(len(pictures) - 1, 0)} and at least one picture were expected."
            )
        self.pictures = {label: _pixels(picture) for label, picture in pictures.items()}
        self.enlarge, self.start = enlarge, start

    def _repr_html_(self) -> str:
        shown = [self._figure(place, *pair) for place, pair in enumerate(self.pictures.items())]
        handle = (
            f'<input type="range" min="0" max="{len(shown) - 1}" value="{self.start}" aria-label="which picture" '
            f'oninput="{html.escape(_CHOOSE)}">'
        )
        return f"<div>{handle}{''.join(shown)}</div>"

    def _figure(self, place: int, label: str, picture: np.ndarray) -> str:
        stream, label = io.BytesIO(), html.escape(label)
        _image(picture).save(stream, format="PNG", optimize=True)
        encoded = base64.b64encode(stream.getvalue()).decode("ascii")
        style = f"width:{self.enlarge * picture.shape[1]}px;image-rendering:pixelated"
        hidden = "" if place == self.start else " hidden"
        return (
            f'<figure{hidden}><img alt="{label}" style="{style}" src="data:image/png;base64,{encoded}">'
            f"<figcaption>{label}</figcaption></figure>"
        )


def slider(pictures: Mapping[str, np.ndarray | Figure], *, enlarge: int = 1, start: int = 0) -> Slider:
    """A slider to be the last line of a cell; see `Slider` for the arguments.

    Example:
        >>> chosen = slider({"dark": np.zeros((8, 8, 1), np.uint8), "bright": np.full((8, 8, 1), 255, np.uint8)})
    """
    return Slider(pictures, enlarge=enlarge, start=start)
