"""Tune the baselines of `gan_lib.baselines`: try a grid of parameters on training pictures, print the best.

    python tools/tune_baselines.py [--photographs FOLDER] [--sigma 15 25 50] [--inpainting] [--markdown FILE]

Two crops of 128x128 from each of the four bundled training photographs in colour, and as many again from a folder if
one is given; nothing that is held out. For inpainting the same pictures as a whole, as small as the protocol has them,
and twelve from the folder. Grey parameters are tuned on the same crops, made grey. The constants in
denoising.py and inpainting.py are what this prints, rounded to its grid; CI does not run it, as it takes minutes.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gan_lib import baselines, datasets, degradations, evaluation, files, images

SIDE = 128  # pixels
COLOURFUL = ("astronaut", "china", "coffee", "flower")
GRIDS = {
    # A reach of 3 is left out: at sigma 15 it ties on crops, and on whole pictures it loses 0.15 dB.
    "non_local_means": {"patch": (3, 5, 7), "reach": (5, 7, 9), "strength": (0.4, 0.5, 0.6, 0.7, 0.8)},
    "total_variation": {"strength": (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1), "colour_strength": (0.7, 0.9, 1.1, 1.3)},
    "wavelets": {"levels": (3, 4, 5), "strength": (0.9, 1.0, 1.1)},
    "median": {"width": (3, 5, 7, 9)},
}
RADII = (1.0, 2.0, 3.0, 5.0, 6.0, 8.0, 12.0, 20.0)  # pixels, of Telea and Navier-Stokes


def crops_of(photographs: dict[str, np.ndarray], per_picture: int = 2) -> list[np.ndarray]:
    """Crops along the middle of each picture, uint8 (128, 128, 3)."""
    crops = []
    for picture in photographs.values():
        height, width = picture.shape[:2]
        for place in np.linspace(0, 1, per_picture + 2)[1:-1]:
            top, left = (height - SIDE) // 2, int(place * (width - SIDE))
            crops.append(images.to_uint8(picture[top : top + SIDE, left : left + SIDE]))
    return [crop for crop in crops if crop.shape[:2] == (SIDE, SIDE)]


def training_crops(folder: Path | None) -> list[np.ndarray]:
    bundled = datasets.bundled_photographs("train")
    crops = crops_of({name: bundled[name] for name in COLOURFUL})
    if folder is not None:
        crops += crops_of(datasets.load_photographs(folder, limit=len(COLOURFUL)).pictures)
    return crops


def training_scenes(folder: Path | None) -> list[np.ndarray]:
    """Whole training pictures as `evaluate inpaint` has them, uint8 (128, 128, 3)."""
    bundled = datasets.bundled_photographs("train")
    pictures = [bundled[name] for name in COLOURFUL]
    if folder is not None:
        pictures += datasets.load_photographs(folder, limit=3 * len(COLOURFUL)).pictures.values()
    return [evaluation.small_square(images.to_uint8(picture), SIDE) for picture in pictures]


def grey(crop: np.ndarray) -> np.ndarray:
    return np.rint(crop @ np.array([0.299, 0.587, 0.114], np.float32))[..., None].astype(np.uint8)


def decibels(restored: np.ndarray, clean: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((images.to_uint8(restored) / 255.0 - clean / 255.0) ** 2)))


def noisy_crops(crops: list[np.ndarray], sigma: float) -> list[np.ndarray]:
    draws = [np.random.default_rng([0, index]).standard_normal(crop.shape) for index, crop in enumerate(crops)]
    return [np.float32(crop / 255 + draw * sigma / 255) for crop, draw in zip(crops, draws, strict=True)]


def tune(method: str, crops: list[np.ndarray], sigma: float) -> list[tuple[float, float, dict]]:
    """Mean PSNR, seconds per megapixel and parameters, for every point of the grid, the best first."""
    grid = dict(GRIDS[method])
    if crops[0].shape[-1] == 1:
        grid.pop("colour_strength", None)
    noisy, found = noisy_crops(crops, sigma), []
    for values in itertools.product(*grid.values()):
        options = dict(zip(grid, values, strict=True))
        start = time.perf_counter()
        restored = [baselines.DENOISERS[method](picture, sigma, **options) for picture in noisy]
        seconds = (time.perf_counter() - start) / (len(crops) * SIDE**2 / 1e6)
        found.append((float(np.mean(list(map(decibels, restored, crops)))), seconds, options))
    return sorted(found, key=lambda entry: -entry[0])


def tune_radius(method: str, crops: list[np.ndarray]) -> list[tuple[float, float]]:
    """Mean PSNR in the hole and radius, over centre holes and free-form strokes alike, the best first."""
    masks = [
        degradations.MASKS[kind](SIDE, SIDE, seed) for seed in range(len(crops)) for kind in ("centre", "free-form")
    ]
    twice = [crop for crop in crops for _ in range(2)]
    found = []
    for radius in RADII:
        filled = [
            baselines.INPAINTERS[method](crop / np.float32(255), mask, radius=radius)
            for crop, mask in zip(twice, masks, strict=True)
        ]
        errors = [decibels(f[m[..., 0] == 1], c[m[..., 0] == 1]) for f, c, m in zip(filled, twice, masks, strict=True)]
        found.append((float(np.mean(errors)), radius))
    return sorted(found, reverse=True)


def denoising_table(crops: list[np.ndarray], sigmas: list[float]) -> Iterator[str]:
    """The best parameters of each denoiser, as lines of a table."""
    yield from ("| pictures | sigma | method | PSNR | parameters |", "|---|---|---|---|---|")
    for name, chosen in (("colour", crops), ("grey", [grey(crop) for crop in crops])):
        for sigma, method in itertools.product(sigmas, baselines.DENOISERS):
            best, *others = tune(method, chosen, sigma)
            told = ", ".join(f"{key} {value:g}" for key, value in best[2].items())
            ahead = f", {best[0] - others[0][0]:.2f} ahead of the next" if others else ""
            yield f"| {name} | {sigma:g} | {method} | {best[0]:.2f} | {told}{ahead} |"


def inpainting_table(crops: list[np.ndarray]) -> Iterator[str]:
    """Every radius of the inpainters that have one, the best first, as lines of a table."""
    yield from ("| method | radius | PSNR in the hole |", "|---|---|---|")
    for method in ("telea", "navier_stokes"):
        for psnr, radius in tune_radius(method, crops):
            yield f"| {method} | {radius:g} | {psnr:.2f} |"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photographs", type=Path, help="a folder of training photographs besides the bundled ones")
    parser.add_argument("--sigma", type=float, nargs="+", default=[15.0, 25.0, 50.0])
    parser.add_argument("--inpainting", action="store_true", help="tune the inpainters instead")
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    options = parser.parse_args(arguments)
    what, pictures_of = ("scenes", training_scenes) if options.inpainting else ("crops", training_crops)
    crops = pictures_of(options.photographs)
    lines = [f"{len(crops)} {what} of {SIDE}x{SIDE} pixels", ""]
    print("\n".join(lines), flush=True)
    for line in inpainting_table(crops) if options.inpainting else denoising_table(crops, options.sigma):
        lines.append(line)
        print(line, flush=True)
    if options.markdown:
        with files.whole_file(options.markdown) as working:
            working.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
