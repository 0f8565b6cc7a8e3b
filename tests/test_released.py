"""The released networks at their work, on parts of held-out pictures: other weights with a fitting card would show."""

import numpy as np
import pytest
from PIL import Image

from gan_lib import evaluation
from gan_lib.datasets import bundled_photographs


@pytest.fixture(scope="module")
def parts():
    """A cat's face, a garage and a rocket: fur, edges and sky."""
    held_out = bundled_photographs("held-out")
    places = {"chelsea": (60, 110), "stereo_motorcycle": (150, 300), "rocket": (120, 240)}
    return {name: held_out[name][top : top + 160, left : left + 160] for name, (top, left) in places.items()}


def rows(measured):
    return {row["method"]: row for row in measured.report["rows"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "sigma", [pytest.param(15, marks=pytest.mark.long), 25, pytest.param(50, marks=pytest.mark.long)]
)
def test_denoisers(parts, sigma):
    methods = ["wavelets", "gan_lib", "gan_lib_sharp"]
    found = rows(evaluation.evaluate_denoising(parts, sigma=sigma, methods=methods))
    assert found["gan_lib"]["psnr"] > found["wavelets"]["psnr"] + 1.5
    assert found["gan_lib"]["psnr"] - 1.5 < found["gan_lib_sharp"]["psnr"] < found["gan_lib"]["psnr"]
    assert found["gan_lib_sharp"]["perceptual"] < 0.9 * found["gan_lib"]["perceptual"]


@pytest.mark.long
@pytest.mark.slow
def test_denoisers_of_grey_pictures(parts):
    grey = {name: np.asarray(Image.fromarray(part).convert("L"))[..., None] for name, part in parts.items()}
    found = rows(evaluation.evaluate_denoising(grey, sigma=25, grey=True, methods=["wavelets", "gan_lib"]))
    assert found["gan_lib"]["psnr"] > found["wavelets"]["psnr"] + 1.5


@pytest.mark.long
@pytest.mark.slow
def test_without_noise_the_denoisers_change_next_to_nothing(parts):
    found = rows(evaluation.evaluate_denoising(parts, sigma=0, methods=["gan_lib", "gan_lib_sharp"]))
    assert min(row["psnr"] for row in found.values()) > 40


@pytest.mark.slow
def test_inpainters(parts):
    methods = ["telea", "gan_lib", "gan_lib_sharp"]
    found = rows(evaluation.evaluate_inpainting(parts, mask="free-form", methods=methods))
    assert found["gan_lib"]["hole_psnr"] > found["telea"]["hole_psnr"] + 0.3
    assert found["gan_lib_sharp"]["perceptual"] < 0.95 * found["gan_lib"]["perceptual"]


@pytest.mark.slow
@pytest.mark.parametrize("scale", [pytest.param(2, marks=pytest.mark.long), 4])
def test_upscalers(parts, scale):
    methods = ["bicubic", "gan_lib", "gan_lib_sharp"][: 2 if scale == 2 else 3]
    found = rows(evaluation.evaluate_super_resolution(parts, scale=scale, methods=methods))
    assert found["gan_lib"]["psnr"] > found["bicubic"]["psnr"] + 0.6
    if scale == 4:
        assert found["gan_lib_sharp"]["perceptual"] < 0.9 * found["gan_lib"]["perceptual"]
