"""Filling holes without learning."""

import sys

import numpy as np
import pytest

from gan_lib import baselines, degradations
from gan_lib.datasets import bundled_photographs

NAMES = sorted(baselines.INPAINTERS)


@pytest.fixture(scope="module")
def crop():
    return bundled_photographs("train")["astronaut"][40:104, 180:260] / np.float32(255)


@pytest.fixture(scope="module")
def mask():
    return degradations.free_form(64, 80, 3, thickness=(3.0, 6.0))


def slope(channels):
    across = np.linspace(0.1, 0.9, 80, dtype=np.float32)
    return np.broadcast_to(across[None, :, None], (64, 80, channels)).copy()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_known_pixels_come_back_bit_by_bit_and_missing_ones_are_not_looked_at(name, channels, crop, mask):
    picture = np.ascontiguousarray(crop[..., :channels])
    filled = baselines.INPAINTERS[name](np.where(mask > 0, np.float32(0.5), picture), mask)
    assert filled.shape == picture.shape and filled.dtype == np.float32
    assert filled.min() >= 0 and filled.max() <= 1
    assert np.array_equal(filled[mask[..., 0] == 0], picture[mask[..., 0] == 0])
    other = baselines.INPAINTERS[name](np.where(mask > 0, np.float32(1), picture), mask)
    assert np.array_equal(filled, other)


@pytest.mark.parametrize(("name", "most"), [("telea", 0.03), ("navier_stokes", 0.03), ("biharmonic", 0.003)])
def test_a_slope_is_continued(name, most, mask):
    picture = slope(3)
    filled = baselines.INPAINTERS[name](np.where(mask > 0, np.float32(0), picture), mask)
    assert np.abs(filled - picture).max() < most * 3 and np.abs(filled - picture)[mask[..., 0] == 1].mean() < most


def test_mean_fill_is_the_mean_of_what_is_known(crop, mask):
    filled = baselines.mean_fill(crop, mask)
    known = mask[..., 0] == 0
    np.testing.assert_allclose(
        filled[~known], np.broadcast_to(crop[known].mean(axis=0), filled[~known].shape), atol=1e-6
    )


def test_biharmonic_is_best_at_a_thin_scratch(crop):
    mask = degradations.scratches(64, 80, 1, thickness=(1.0, 1.5))
    error = {name: np.abs(method(crop, mask) - crop).mean() for name, method in baselines.INPAINTERS.items()}
    assert min(error, key=error.get) == "biharmonic" and error["telea"] < 0.5 * error["mean_fill"]


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_mask_changes_nothing(name, crop):
    assert np.array_equal(baselines.INPAINTERS[name](crop, np.zeros((64, 80, 1))), crop)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda picture, mask: ((picture * 255).astype(np.uint8), mask), "Divide uint8 by 255"),
        (lambda picture, mask: (picture, mask[..., 0]), r"The mask has shape \(64, 80\); \(64, 80, 1\)"),
        (lambda picture, mask: (picture, mask * 255), "values from 0.0 to 255.0; 0 and 1 were expected"),
        (lambda picture, mask: (picture, np.ones_like(mask)), "All pixels are missing"),
    ],
)
def test_wrong_input_is_refused(name, change, message, crop, mask):
    with pytest.raises(ValueError, match=message):
        baselines.INPAINTERS[name](*change(crop, mask))


def test_a_radius_of_nothing_is_refused(crop, mask):
    with pytest.raises(ValueError, match="The radius is 0"):
        baselines.telea(crop, mask, radius=0)


def test_without_opencv_the_error_says_what_to_install(crop, mask, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"cannot be imported \(.*cv2.*pip install opencv-python-headless"):
        baselines.telea(crop, mask)
    assert baselines.biharmonic(crop, mask).shape == crop.shape
