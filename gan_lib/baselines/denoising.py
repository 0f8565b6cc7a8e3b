"""Denoising without learning, wrapping scikit-image.

Never in here: networks, measures, files.

Each takes a noisy picture, float32 (height, width, 1 or 3), about [0, 1] and **not clipped**, and the noise's standard
deviation for pictures in [0, 255]; it gives the restored picture, float32 of the same shape, in [0, 1].
They are as strong as they can be made here: parameters were tuned, and two of them look at colour as the strongest
classical methods do (see `_apart`). Against a baseline left at its defaults any network looks good.

scikit-image is loaded when a baseline is called.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Found by tools/tune_baselines.py, which tries a grid of values on training pictures: one value for each of `_SIGMAS`,
# first for colour, then for grey pictures, whose patches hold a third of the numbers. Run it again to check them.
_SIGMAS = (15.0, 25.0, 50.0)
_TUNED = {
    "non_local_means": {
        3: {"patch": (5, 5, 5), "reach": (5, 5, 5), "strength": (0.7, 0.6, 0.5)},
        1: {"patch": (5, 7, 7), "reach": (5, 5, 5), "strength": (0.8, 0.7, 0.6)},
    },
    "total_variation": {
        3: {"strength": (0.6, 0.7, 0.8), "colour_strength": (0.9, 0.9, 0.9)},
        1: {"strength": (0.7, 0.8, 0.9), "colour_strength": (0.9, 0.9, 0.9)},  # grey has no use for the second
    },
    "wavelets": {
        3: {"levels": (4, 4, 4), "strength": (1.0, 1.0, 1.0)},
        1: {"levels": (4, 4, 4), "strength": (1.0, 1.0, 1.0)},
    },
    "median": {3: {"width": (3, 3, 7)}, 1: {"width": (3, 3, 7)}},
}

# Brightness and two differences of colour, at right angles and of length 1, so that noise which is independent and
# equally strong in red, green and blue is so here as well.
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], np.float32)
_OPPONENT /= np.linalg.norm(_OPPONENT, axis=1, keepdims=True)

Denoiser = Callable[[np.ndarray, float], np.ndarray]


def non_local_means(
    noisy: np.ndarray,
    sigma: float,
    *,
    strength: float | None = None,
    patch: int | None = None,
    reach: int | None = None,
) -> np.ndarray:
    """Averages pixels whose surroundings look alike, wherever nearby they are.

    Args:
        noisy: float32 (height, width, 1 or 3), about [0, 1], not clipped.
        sigma: standard deviation of the noise, at least 0, for pictures in [0, 255].
        strength: how different surroundings may be (scikit-image's ``h``), as a multiple of sigma; None is tuned.
        patch: side of what is compared, in pixels; None is tuned.
        reach: how far away pixels may be, in pixels; None is tuned.

    Returns:
        The restored picture, float32 of the same shape, in [0, 1].

    Raises:
        ValueError: for another shape or dtype, or a negative sigma.

    Source: Buades et al. 2005, "A non-local algorithm for image denoising", in the fast form of Darbon et al. 2008;
    the known sigma is taken off the distances.
    """
    from skimage.restoration import denoise_nl_means

    noisy, level = _checked(noisy, sigma)
    chosen = _tuned("non_local_means", noisy, sigma, strength=strength, patch=patch, reach=reach)
    if level == 0:
        return np.clip(noisy, 0, 1)
    # preserve_range: values are taken as they are, no range is guessed.
    restored = denoise_nl_means(
        noisy,
        patch_size=chosen["patch"],
        patch_distance=chosen["reach"],
        h=chosen["strength"] * level,
        sigma=level,
        fast_mode=True,
        preserve_range=True,
        channel_axis=-1,
    )
    return _finished(restored.reshape(noisy.shape))  # a single channel has lost its axis


def total_variation(
    noisy: np.ndarray, sigma: float, *, strength: float | None = None, colour_strength: float | None = None
) -> np.ndarray:
    """Finds a picture near the noisy one with little change between neighbours: flat areas and clean edges.

    Args:
        noisy: float32 (height, width, 1 or 3), about [0, 1], not clipped.
        sigma: standard deviation of the noise, at least 0, for pictures in [0, 255].
        strength: the weight of smoothness (scikit-image's ``weight``), as a multiple of sigma; None is tuned.
        colour_strength: the same for the two differences of colour; None is tuned.

    Returns:
        The restored picture, float32 of the same shape, in [0, 1].

    Raises:
        ValueError: for another shape or dtype, or a negative sigma.

    Source: Rudin, Osher and Fatemi 1992, "Nonlinear total variation based noise removal algorithms", solved as in
    Chambolle 2004.
    """
    from skimage.restoration import denoise_tv_chambolle

    noisy, level = _checked(noisy, sigma)
    chosen = _tuned("total_variation", noisy, sigma, strength=strength, colour_strength=colour_strength)
    if level == 0:
        return np.clip(noisy, 0, 1)
    channels = [
        denoise_tv_chambolle(channel, weight=chosen["colour_strength" if index else "strength"] * level)
        for index, channel in enumerate(_apart(noisy))
    ]
    return _finished(_together(channels))


def wavelets(
    noisy: np.ndarray, sigma: float, *, strength: float | None = None, levels: int | None = None
) -> np.ndarray:
    """Takes the picture apart into waves of every size and place, and leaves out those that noise alone could make.

    Averaged over four shifts by a pixel, since where the grid of waves lies shows in the result.

    Args:
        noisy: float32 (height, width, 1 or 3), about [0, 1], not clipped.
        sigma: standard deviation of the noise, at least 0, for pictures in [0, 255].
        strength: the noise that it is told, as a multiple of sigma; None is tuned.
        levels: sizes of waves, each twice the last; None is tuned.

    Returns:
        The restored picture, float32 of the same shape, in [0, 1].

    Raises:
        ValueError: for another shape or dtype, or a negative sigma.

    Source: Chang et al. 2000, "Adaptive wavelet thresholding for image denoising and compression" (BayesShrink);
    Coifman and Donoho 1995, "Translation-Invariant De-Noising".
    """
    import pywt
    from skimage.restoration import denoise_wavelet

    noisy, level = _checked(noisy, sigma)
    chosen = _tuned("wavelets", noisy, sigma, strength=strength, levels=levels)
    possible = pywt.dwtn_max_level(noisy.shape[:2], "sym4")
    if level == 0 or possible == 0:  # fewer than 14 pixels: not one wave of the smallest size
        return np.clip(noisy, 0, 1)
    # Floats are taken as they are: no range is guessed and nothing is clipped.
    options = {
        "sigma": chosen["strength"] * level,
        "wavelet": "sym4",
        "wavelet_levels": min(chosen["levels"], possible),
        "method": "BayesShrink",
    }
    # What scikit-image's cycle_spin does, whose arguments are called otherwise in 0.25 and in 0.26.
    channels = [
        np.mean(
            [
                np.roll(denoise_wavelet(np.roll(channel, shift, (0, 1)), **options), (-shift[0], -shift[1]), (0, 1))
                for shift in ((0, 0), (0, 1), (1, 0), (1, 1))
            ],
            axis=0,
        )
        for channel in _apart(noisy)
    ]
    return _finished(_together(channels))


def median(noisy: np.ndarray, sigma: float, *, width: int | None = None) -> np.ndarray:
    """Gives each pixel the middle one of the values around it: made for salt and pepper, weak against other noise.

    Args:
        noisy: float32 (height, width, 1 or 3), about [0, 1], not clipped.
        sigma: standard deviation of the noise, at least 0, for pictures in [0, 255]; decides the width.
        width: side of the square that is looked at, odd, in pixels; None is tuned.

    Returns:
        The restored picture, float32 of the same shape, in [0, 1].

    Raises:
        ValueError: for another shape or dtype, or a negative sigma.
    """
    from skimage.filters import median as median_filter

    noisy, level = _checked(noisy, sigma)
    width = _tuned("median", noisy, sigma, width=width)["width"]
    if level == 0:
        return np.clip(noisy, 0, 1)
    # A footprint of one channel: the three are filtered each for itself.
    return _finished(median_filter(noisy, np.ones((width, width, 1), bool), mode="reflect"))


DENOISERS: dict[str, Denoiser] = {
    "non_local_means": non_local_means,
    "total_variation": total_variation,
    "wavelets": wavelets,
    "median": median,
}


def _checked(noisy: np.ndarray, sigma: float) -> tuple[np.ndarray, float]:
    """The picture as float32, and sigma for pictures in [0, 1]."""
    noisy = np.asarray(noisy)
    if noisy.ndim != 3 or noisy.shape[-1] not in (1, 3) or 0 in noisy.shape or noisy.dtype.kind != "f":
        raise ValueError(
            f"A picture of dtype {noisy.dtype} and shape {noisy.shape} came; a float one in [0, 1] of shape (height, "
            "width, 1 or 3) was expected. Divide uint8 by 255."
        )
    if not sigma >= 0 or not np.isfinite(sigma):
        raise ValueError(f"The noise has sigma {sigma}; at least 0 was expected, for pictures in [0, 255].")
    return noisy.astype(np.float32), sigma / 255.0


def _tuned(method: str, noisy: np.ndarray, sigma: float, **given: float | None) -> dict[str, float]:
    """What was given, and for the rest what was tuned: multiples in between, counts from the nearest sigma."""
    nearest = int(np.argmin(np.abs(np.log(np.maximum(sigma, 1.0) / np.array(_SIGMAS)))))
    chosen = {}
    for name, values in _TUNED[method][noisy.shape[-1]].items():
        whole = isinstance(values[0], int)
        chosen[name] = values[nearest] if whole else float(np.interp(sigma, _SIGMAS, values))
    return chosen | {name: value for name, value in given.items() if value is not None}


def _apart(noisy: np.ndarray) -> list[np.ndarray]:
    """The channels to be denoised each for itself: of a colour picture brightness and two differences of colour.

    Detail of a photograph is mostly in its brightness, so the other two can be smoothed more. For wavelets and total
    variation this is worth more than a decibel over red, green and blue.
    """
    if noisy.shape[-1] == 1:
        return [noisy[..., 0]]
    return list(np.moveaxis(noisy @ _OPPONENT.T, -1, 0))


def _together(channels: list[np.ndarray]) -> np.ndarray:
    """The way back from `_apart`."""
    stacked = np.stack(channels, axis=-1)
    return stacked if len(channels) == 1 else stacked @ _OPPONENT


def _finished(restored: np.ndarray) -> np.ndarray:
    return np.clip(restored, 0, 1).astype(np.float32)
