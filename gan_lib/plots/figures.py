"""Arrays in, a `matplotlib` figure out.

What moves, or is turned by a handle, is in `moving`.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from gan_lib import images

_INCH = 1.6  # of one picture in a row of several


def _finished(figure: Figure) -> Figure:
    figure.tight_layout()
    plt.close(figure)  # or the notebook would show it a second time
    return figure


def _draw(axes, picture: np.ndarray) -> None:
    """One picture, uint8 or float in [0, 1], without axes; grey ones from black 0 to white 255 whatever they hold."""
    picture = images.to_uint8(np.asarray(picture))
    if picture.ndim == 3 and picture.shape[-1] == 1:
        picture = picture[..., 0]
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()


def show(
    pictures: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    inches: float = _INCH,
) -> Figure:
    """Pictures side by side, each under its title.

    Args:
        pictures: uint8 or float in [0, 1], each (height, width, channels) or (height, width).
        titles: one for each picture, or none.
        columns: pictures in a row; all in one row without it.
        inches: width of one picture.

    Returns:
        The figure.

    Raises:
        ValueError: if there are no pictures, or not as many titles as pictures.

    Example:
        >>> figure = show([np.zeros((8, 8, 3), np.uint8)] * 2, ["degraded", "restored"])
    """
    if not len(pictures):
        raise ValueError("No pictures came; at least one was expected.")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"{len(titles)} titles came for {len(pictures)} pictures; one for each was expected.")
    columns = columns or len(pictures)
    rows = math.ceil(len(pictures) / columns)
    height, width = np.shape(pictures[0])[:2]
    tall = inches * height / width + (0.35 if titles is not None else 0.05)
    figure, axes = plt.subplots(rows, columns, figsize=(columns * inches, rows * tall), squeeze=False)
    for place in axes.flat:
        place.set_axis_off()
    for index, (place, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        _draw(place, picture)
        if titles is not None:
            place.set_title(titles[index], fontsize=9)
    return _finished(figure)


def grid(pictures: np.ndarray, *, columns: int | None = None, title: str = "", inches: float = 4.0) -> Figure:
    """Many small pictures of one size as one tiled picture.

    Args:
        pictures: uint8 or float in [0, 1], (count, height, width, channels).
        columns: pictures in a row; the square root of the count without it.
        title: above the grid.
        inches: width of the figure.

    Returns:
        The figure.
    """
    tiled = images.tile(np.asarray(pictures), columns)
    figure, axes = plt.subplots(figsize=(inches, inches * tiled.shape[0] / tiled.shape[1] + (0.3 if title else 0.0)))
    _draw(axes, tiled)
    axes.set_title(title, fontsize=10)
    return _finished(figure)


def curves(
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    references: Mapping[str, Mapping[str, float]] | None = None,
    x_label: str = "epoch",
    x: Sequence[float] | None = None,
    log_scale: Sequence[str] = (),
) -> Figure:
    """Curves over the epochs, a panel for each group, with dashed lines for values to compare with.

    Args:
        panels: title of a panel -> {name of a curve -> its values, one an epoch}.
        references: title of a panel -> {name -> height of a dashed line}, such as a floor or a loss at equilibrium.
        x_label: what the curves run over.
        x: its values, as many as each curve has; 1, 2, 3, ... without it.
        log_scale: titles of panels with a logarithmic vertical axis.

    Returns:
        The figure.

    Example:
        >>> figure = curves({"losses": {"d_loss": [1.4, 1.2], "g_loss": [0.7, 0.9]}},
        ...                 references={"losses": {"2 log 2": 1.386}})
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.0), squeeze=False)
    for place, (title, group) in zip(axes.flat, panels.items(), strict=True):
        for name, values in group.items():
            over = range(1, len(values) + 1) if x is None else x
            place.plot(over, values, label=name, marker="." if len(values) < 40 else None)
        for number, (name, height) in enumerate((references or {}).get(title, {}).items()):
            place.axhline(height, color="grey", linestyle=("--", ":", "-.")[number % 3], linewidth=1, label=name)
        if title in log_scale:
            place.set_yscale("log")
        place.set_title(title, fontsize=10)
        place.set_xlabel(x_label)
        place.grid(alpha=0.3)
        place.legend(fontsize=8)
    return _finished(figure)


def strips(
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    references: Mapping[str, Mapping[str, float]] | None = None,
    log_scale: Sequence[str] = (),
) -> Figure:
    """A line of points for each name, such as the runs of a method with several seeds, and a bar at their mean.

    Args:
        panels: title of a panel -> {name of a line -> its values}; all panels have the same names, the first on top.
        references: title of a panel -> {name -> place of a dashed line}, such as what real pictures reach.
        log_scale: titles of panels with a logarithmic horizontal axis.

    Returns:
        The figure.

    Raises:
        ValueError: if the panels' names differ.

    Example:
        >>> figure = strips({"distance": {"base": [30.0, 33.1, 28.9], "R1": [24.0, 22.6, 25.3]}})
    """
    names = list(next(iter(panels.values())))
    for title, group in panels.items():
        if list(group) != names:
            raise ValueError(
                f"Panel {title!r} has the names {list(group)}; those of the first, {names}, were expected."
            )
    size = (1.6 + 3.4 * len(panels), 0.9 + 0.27 * len(names))
    figure, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    for place, (title, group) in zip(axes.flat, panels.items(), strict=True):
        for height, values in enumerate(group.values()):
            place.scatter(values, [height] * len(values), s=16, color="C0", alpha=0.8, zorder=2)
            place.scatter([np.mean(values)], [height], s=90, color="black", marker="|", zorder=3)
        for number, (name, at) in enumerate((references or {}).get(title, {}).items()):
            place.axvline(at, color="grey", linestyle=("--", ":", "-.")[number % 3], linewidth=1, label=name)
        if (references or {}).get(title):
            place.legend(fontsize=8)
        if title in log_scale:
            place.set_xscale("log")
            place.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            place.xaxis.set_major_formatter("{x:g}")  # 20, 50, 100, not powers of ten
            place.xaxis.set_minor_formatter(NullFormatter())
        place.set_title(title, fontsize=10)
        place.grid(alpha=0.3)
    axes[0, 0].set_yticks(range(len(names)), names, fontsize=9)
    axes[0, 0].set_ylim(len(names) - 0.4, -0.6)  # the first name on top
    return _finished(figure)


def points(
    clouds: Mapping[str, np.ndarray],
    *,
    title: str = "",
    limit: float = 1.6,
    background: np.ndarray | None = None,
    inches: float = 3.0,
) -> Figure:
    """Clouds of points in the plane, over a map of the discriminator's opinion where one is given.

    Args:
        clouds: name -> points, (count, 2).
        title: above the figure.
        limit: the axes run from minus this to this.
        background: (height, width) of probabilities in [0, 1] over that square, row 0 at the bottom.
        inches: width and height of the figure.

    Returns:
        The figure.
    """
    figure, axes = plt.subplots(figsize=(inches, inches))
    if background is not None:
        extent = (-limit, limit, -limit, limit)
        axes.imshow(background, origin="lower", extent=extent, cmap="RdBu", vmin=0.0, vmax=1.0, alpha=0.6)
    colours = itertools.cycle(("black", "darkorange", "green", "purple"))
    for (name, cloud), colour in zip(clouds.items(), colours, strict=False):
        axes.scatter(*np.asarray(cloud).T, s=4, color=colour, label=name, linewidths=0)
    axes.set_xlim(-limit, limit)
    axes.set_ylim(-limit, limit)
    axes.set_aspect("equal")
    axes.tick_params(labelsize=7)
    axes.set_title(title, fontsize=9)
    axes.legend(fontsize=7, loc="upper right", markerscale=3)
    return _finished(figure)


def plane(
    places: Mapping[str, tuple[float, float]],
    *,
    path: Sequence[tuple[float, float]] = (),
    x_label: str = "",
    y_label: str = "",
    inches: float = 4.6,
) -> Figure:
    """Named points in a plane, such as methods by two measures, and a line through further points.

    Args:
        places: name -> (x, y).
        path: points that are joined in order, without names.
        x_label: what runs to the right.
        y_label: what runs upwards.
        inches: width of the figure; its height is three quarters of that.

    Returns:
        The figure.

    Example:
        >>> figure = plane({"bicubic": (31.4, 4.2), "L1": (33.0, 3.1)}, x_label="PSNR", y_label="distance")
    """
    figure, axes = plt.subplots(figsize=(inches, 0.75 * inches))
    if len(path):
        axes.plot(*np.asarray(path, float).T, color="darkorange", marker=".", linewidth=1, zorder=1)
    axes.scatter(*np.asarray(list(places.values()), float).T, s=18, color="black", zorder=2)
    axes.margins(0.15)
    axes.set_xlabel(x_label, fontsize=9)
    axes.set_ylabel(y_label, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    figure.tight_layout()  # settles where everything stands, and so what a name would cover
    corners, taken = ((1, 1), (1, -1), (-1, 1), (-1, -1)), []
    for name, place in places.items():
        for right, up in corners:  # the first where no other name stands, or the last
            side, edge = ("left" if right > 0 else "right"), ("bottom" if up > 0 else "top")
            options = {"textcoords": "offset points", "fontsize": 8, "ha": side, "va": edge}
            label = axes.annotate(name, place, xytext=(4 * right, 3 * up), **options)
            label.set_in_layout(False)
            box = label.get_window_extent()
            if (right, up) == corners[-1] or not any(box.overlaps(other) for other in taken):
                break
            label.remove()
        taken.append(box)
    return _finished(figure)
