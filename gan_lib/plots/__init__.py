"""Figures: arrays in, a `matplotlib` figure, an animation or a slider out; the only room that imports matplotlib.

No computation belongs here: what is drawn has been computed before.

Each function closes its figure and returns it. In a notebook the last line of a cell is what is shown, so write
``plots.grid(pictures)`` there, or hand several to ``display``.
"""

from gan_lib.plots.figures import curves, grid, plane, points, show, strips
from gan_lib.plots.moving import Animation, Slider, animation, as_picture, slider

__all__ = [
    "Animation",
    "Slider",
    "animation",
    "as_picture",
    "curves",
    "grid",
    "plane",
    "points",
    "show",
    "slider",
    "strips",
]
