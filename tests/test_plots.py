"""plots: figures that close themselves, and animations that are whole."""

import base64
import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from gan_lib import images, plots


@pytest.fixture(autouse=True)
def _closed():
    """A figure that stays open is shown a second time by a notebook, and fills the memory of a long one."""
    plt.close("all")
    yield
    assert plt.get_fignums() == []


def grey(count=4, size=8):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 1), dtype=np.uint8)


def shown(axes):
    return axes.get_images()[0].get_array()


def test_show_puts_pictures_under_their_titles():
    pictures = [grey()[0], grey()[1] / 255.0, grey()[2][..., 0], np.zeros((8, 8, 3), np.uint8)]
    figure = plots.show(pictures, ["a", "b", "c", "d"])
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", "d"]
    for axes, number in zip(figure.axes, range(3), strict=False):
        np.testing.assert_array_equal(shown(axes), grey()[number][..., 0])
        # Black is 0 and white 255, whatever the picture holds: else a dark picture would look bright.
        assert axes.get_images()[0].get_clim() == (0, 255)
    assert shown(figure.axes[3]).shape == (8, 8, 3)


def test_show_in_rows_leaves_places_empty():
    figure = plots.show(grey(5), columns=3)
    assert len(figure.axes) == 6
    assert [len(axes.get_images()) for axes in figure.axes] == [1, 1, 1, 1, 1, 0]
    assert not any(axes.axison for axes in figure.axes)


def test_show_says_what_is_missing():
    with pytest.raises(ValueError, match="No pictures came"):
        plots.show([])
    with pytest.raises(ValueError, match="3 titles came for 4 pictures"):
        plots.show(grey(), ["a", "b", "c"])


def test_pictures_in_the_range_of_networks_are_refused():
    with pytest.raises(ValueError, match=r"from_network first"):
        plots.show([grey()[0] / 127.5 - 1.0])
    plt.close("all")  # the unfinished one


def test_grid_is_one_tiled_picture():
    figure = plots.grid(grey(6), columns=3, title="six")
    assert figure.axes[0].get_title() == "six"
    assert shown(figure.axes[0]).shape == (16, 24)
    np.testing.assert_array_equal(shown(figure.axes[0])[8:, :8], grey(6)[3][..., 0])


def test_curves_have_a_panel_each_with_dashed_references():
    figure = plots.curves(
        {"losses": {"d_loss": [1.4, 1.2], "g_loss": [0.7, 0.9]}, "distance": {"distance": [30.0, 3.0]}},
        references={"losses": {"2 log 2": 1.386}},
        log_scale=("distance",),
    )
    losses, distance = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["losses", "distance"]
    assert [line.get_label() for line in losses.lines] == ["d_loss", "g_loss", "2 log 2"]
    np.testing.assert_array_equal(losses.lines[0].get_data(), [[1, 2], [1.4, 1.2]])
    assert losses.lines[2].get_linestyle() == "--"
    assert (losses.get_yscale(), distance.get_yscale()) == ("linear", "log")


def test_curves_over_values_of_their_own():
    figure = plots.curves({"slope": {"hinge": [-1.0, -1.0, -1.0]}}, x=[-4.0, 0.0, 4.0], x_label="logit")
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_data(), [[-4.0, 0.0, 4.0], [-1.0, -1.0, -1.0]])


def test_strips_have_a_line_of_points_for_each_name():
    figure = plots.strips(
        {"score": {"base": [0.7, 0.8], "R1": [0.9, 0.8]}, "distance": {"base": [30.0, 10.0], "R1": [5.0, 7.0]}},
        references={"score": {"real": 1.0}},
        log_scale=("distance",),
    )
    score, distance = figure.axes
    assert [text.get_text() for text in score.get_yticklabels()] == ["base", "R1"]
    assert score.get_ylim()[0] > score.get_ylim()[1]  # the first name on top
    seen = [drawn.get_offsets().tolist() for drawn in distance.collections]
    assert seen == [[[30, 0], [10, 0]], [[20, 0]], [[5, 1], [7, 1]], [[6, 1]]]  # the points, and their mean
    assert [line.get_label() for line in score.lines] == ["real"] and not distance.lines
    assert (score.get_xscale(), distance.get_xscale()) == ("linear", "log")
    with pytest.raises(ValueError, match=r"Panel 'b' has the names \['y'\]; those of the first, \['x'\]"):
        plots.strips({"a": {"x": [1.0]}, "b": {"y": [1.0]}})


def test_points_draws_every_cloud():
    clouds = {str(number): np.full((3, 2), number / 10) for number in range(6)}
    figure = plots.points(clouds, limit=2.0, background=np.full((5, 5), 0.5))
    assert [drawn.get_label() for drawn in figure.axes[0].collections] == list(clouds)
    assert figure.axes[0].get_xlim() == (-2.0, 2.0)
    assert figure.axes[0].get_images()[0].get_extent() == [-2.0, 2.0, -2.0, 2.0]


def test_a_figure_becomes_a_picture():
    picture = plots.as_picture(plots.grid(grey()))
    assert picture.dtype == np.uint8
    assert picture.ndim == 3 and picture.shape[2] == 3


def decoded(moving):
    raw = moving._repr_png_()
    assert raw.startswith(b"\x89PNG\r\n\x1a\n") and b"acTL" in raw[:100]
    with Image.open(io.BytesIO(raw)) as file:
        file.verify()
    frames, milliseconds = [], []
    with Image.open(io.BytesIO(raw)) as file:
        for number in range(file.n_frames):
            file.seek(number)
            milliseconds.append(file.info["duration"])
            frames.append(np.asarray(file.convert("RGB")))
    return frames, milliseconds


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_an_animation_is_an_animated_png_that_begins_with_the_end(channels):
    frames = [np.random.default_rng(seed).integers(0, 256, (6, 5, channels or 1), dtype=np.uint8) for seed in range(4)]
    shapes = frames if channels else [frame[..., 0] for frame in frames]
    seen, milliseconds = decoded(plots.animation(shapes, milliseconds=100, enlarge=2))
    assert len(seen) == 4
    for picture, frame in zip(seen, [frames[3], *frames[:3]], strict=True):
        assert picture.shape == (12, 10, 3)
        np.testing.assert_array_equal(picture[::2, ::2], np.broadcast_to(frame, (6, 5, 3)))
        np.testing.assert_array_equal(picture[1::2, 1::2], picture[::2, ::2])
    assert milliseconds == [400, 100, 100, 100]


def test_one_frame_is_a_picture():
    raw = plots.animation([grey()[0]])._repr_png_()
    with Image.open(io.BytesIO(raw)) as file:
        np.testing.assert_array_equal(np.asarray(file.convert("L")), grey()[0][..., 0])


def test_figures_and_floats_can_be_frames():
    figures = [plots.curves({"loss": {"d_loss": values}}) for values in ([1, 2], [1, 3])]
    assert len(decoded(plots.animation(figures))[0]) == 2
    assert len(decoded(plots.animation([grey()[0] / 255.0, grey()[1] / 255.0]))[0]) == 2


def test_frames_of_several_shapes_are_named():
    with pytest.raises(ValueError, match=r"shapes \[\(4, 4, 1\), \(8, 8, 1\)\]; one or more frames of one shape"):
        plots.animation([grey()[0], grey(size=4)[0]])
    with pytest.raises(ValueError, match=r"one or more frames"):
        plots.animation([])


def test_frames_of_few_colours_share_one_palette():
    frames = list(np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8))
    full, few = plots.animation(frames)._repr_png_(), plots.animation(frames, colours=8)._repr_png_()
    moving = Image.open(io.BytesIO(few))
    colours = set()
    for number in range(moving.n_frames):
        moving.seek(number)
        colours |= {colour for _, colour in moving.convert("RGB").getcolors()}
    assert moving.n_frames == 3 and 1 < len(colours) <= 8
    assert len(few) < len(full) / 2


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_a_slider_holds_all_pictures_and_shows_one(channels):
    shape = (6, 5, channels) if channels else (6, 5)
    pictures = {f"{name} <&>": np.random.default_rng(seed).random(shape) for seed, name in enumerate("abc")}
    page = BeautifulSoup(plots.slider(pictures, enlarge=3, start=1)._repr_html_(), "html.parser")
    handle, figures = page.find("input"), page.find_all("figure")
    assert (handle["min"], handle["max"], handle["value"]) == ("0", "2", "1")
    assert [figure.has_attr("hidden") for figure in figures] == [True, False, True]
    assert [figure.text for figure in figures] == [figure.img["alt"] for figure in figures] == list(pictures)
    for figure, picture in zip(figures, pictures.values(), strict=True):
        raw = base64.b64decode(figure.img["src"].removeprefix("data:image/png;base64,"))
        with Image.open(io.BytesIO(raw)) as file:
            shown = np.asarray(file).reshape(shape)
        np.testing.assert_array_equal(shown, images.to_uint8(picture))
        assert "width:15px" in figure.img["style"]


@pytest.mark.parametrize("count, start", [(0, 0), (2, 2), (2, -1)])
def test_a_slider_starts_at_one_of_its_pictures(count, start):
    with pytest.raises(ValueError, match=f"starts at picture {start}, but {count} came"):
        plots.slider({str(number): grey()[0] for number in range(count)}, start=start)


def test_names_in_the_plane_do_not_cover_each_other():
    near = {"adversarial 0.02": (31.735, 2.396), "adversarial 0.1": (31.693, 2.376), "sharp": (31.736, 2.304)}
    figure = plots.plane(near | {"bicubic": (31.532, 4.257), "faithful": (33.041, 3.367)}, inches=7)
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert {text.get_text() for text in figure.axes[0].texts} == {*near, "bicubic", "faithful"}
    covered = [(i, j) for i, one in enumerate(boxes) for j, other in enumerate(boxes[:i]) if one.overlaps(other)]
    assert not covered


def test_the_plane_names_its_points_and_draws_the_path():
    figure = plots.plane({"a": (1.0, 2.0), "b": (3.0, 1.0)}, path=[(1, 2), (2, 1.2), (3, 1)], x_label="x", y_label="y")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["a", "b"] and axes.get_xlabel() == "x"
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 2], [2, 1.2], [3, 1]])
    assert not plots.plane({"a": (1.0, 2.0)}).axes[0].lines
