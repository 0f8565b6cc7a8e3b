"""metrics: slant and thickness of strokes, against digits that were sheared and dilated on purpose."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import medial_axis

from gan_lib.datasets import load_digits
from gan_lib.metrics import slant, thickness


def bar(width, *, lean=0.0, length=16):
    """A stroke, uint8 (1, 28, 28, 1), with soft edges; ``lean`` in degrees to the right of upright."""
    y, x = np.mgrid[:28, :28] - 13.5
    angle = np.radians(lean)
    across, along = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    ink = np.clip(width / 2 + 0.5 - np.abs(across), 0, 1) * np.clip(length / 2 + 0.5 - np.abs(along), 0, 1)
    return np.rint(255 * ink).astype(np.uint8)[np.newaxis, ..., np.newaxis]


def sheared(pictures, degrees):
    """Digits leant to the right by so much, about their middle row."""
    per_row = np.tan(np.radians(degrees))
    matrix = np.array([[1.0, 0.0], [per_row, 1.0]])
    offset = [0.0, -13.5 * per_row]
    return np.stack([ndimage.affine_transform(p[..., 0], matrix, offset, order=1)[..., np.newaxis] for p in pictures])


@pytest.fixture(scope="module")
def digits():
    return load_digits("bundled").test_images[:60]


@pytest.mark.parametrize("lean", [-30, -10, 0, 20, 35])
def test_the_slant_of_a_stroke_is_its_angle(lean):
    assert slant(bar(2, lean=lean))[0] == pytest.approx(lean, abs=1.5)


@pytest.mark.parametrize("degrees", [-15, 10])
def test_a_sheared_digit_has_that_much_more_slant(digits, degrees):
    before, after = (np.tan(np.radians(slant(each))) for each in (digits, sheared(digits, degrees)))
    assert (after - before).mean() == pytest.approx(np.tan(np.radians(degrees)), rel=0.1)


def test_slant_knows_no_brightness_and_no_place(digits):
    np.testing.assert_allclose(slant(digits // 2 * 2), slant(digits // 2), atol=0.01)
    np.testing.assert_allclose(slant(np.roll(bar(2, lean=20), (3, -4), (1, 2))), slant(bar(2, lean=20)), atol=1e-9)


@pytest.mark.parametrize("width", [2, 3, 4, 5])
@pytest.mark.parametrize("lean", [0, 30, 45, -45])
def test_the_thickness_of_a_stroke_is_its_width(width, lean):
    # A stroke has ends, which make its outline longer than twice its length: w l / (l + w).
    expected = width * 16 / (16 + width)
    assert thickness(bar(width, lean=lean))[0] == pytest.approx(expected, rel=0.08 if width > 2 else 0.12)


def test_thickness_agrees_with_the_distance_from_skeleton_to_outline(digits):
    def by_skeleton(picture):
        large = ndimage.zoom(picture[..., 0].astype(float), 4, order=1) > 127
        skeleton, distance = medial_axis(large, return_distance=True)
        return 2 * distance[skeleton].mean() / 4

    ours, theirs = thickness(digits), np.array([by_skeleton(picture) for picture in digits])
    assert np.corrcoef(ours, theirs)[0, 1] > 0.9
    assert ours.mean() == pytest.approx(theirs.mean(), rel=0.15)


def test_a_wider_pen_shows_in_every_digit(digits):
    wider = ndimage.grey_dilation(digits, size=(1, 3, 3, 1))
    before, after = thickness(digits), thickness(wider)
    assert (after > before).all()
    assert 1.8 < (after - before).mean() < 2.7  # a pixel on either side, or a diagonal of 1.4
    np.testing.assert_allclose(thickness(digits // 2 * 2), thickness(digits // 2), rtol=1e-9)


def test_left_and_right_are_treated_alike(digits):
    np.testing.assert_allclose(slant(digits[:, :, ::-1]), -slant(digits), atol=1e-9)
    np.testing.assert_allclose(thickness(digits[:, :, ::-1]), thickness(digits), rtol=1e-9)


def test_pictures_without_ink_have_neither():
    empty = np.zeros((2, 28, 28, 1), np.uint8)
    empty[1] = bar(2)
    for measure in (slant, thickness):
        np.testing.assert_array_equal(np.isnan(measure(empty)), [True, False])
    one_row = np.zeros((1, 28, 28), np.uint8)
    one_row[0, 5, 3:20] = 255
    assert np.isnan(slant(one_row)[0])
    assert thickness(one_row)[0] == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize(
    "pictures", [np.zeros((2, 28, 28, 1)), np.zeros((2, 28, 28, 3), np.uint8), np.zeros(5, np.uint8)]
)
def test_other_pictures_are_refused(pictures):
    for measure in (slant, thickness):
        with pytest.raises(ValueError, match="grey ones, uint8 of shape"):
            measure(pictures)
