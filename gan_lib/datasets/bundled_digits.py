"""scikit-learn's 1,797 digits of 8 x 8 pixels -> digits of 28 x 28 pixels that look like MNIST.

Never in here: files, downloads, other sets.

Source of the digits: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998; scikit-learn carries its test half. Each of the 64 numbers counts the ink in a 4 x 4 block of a 32 x
32 scan. The steps back to strokes: sharpen against the blur of that counting, interpolate with cubic splines, centre
by mass as MNIST does, turn and slant a little, and push the greys towards black and white.
"""

from __future__ import annotations

import numpy as np

_SIDE = 28  # pixels of the result
_FINE = 2  # the strokes are interpolated twice as fine as that, so that turning them costs no sharpness
_TRAIN_PICTURES, _TEST_PICTURES = 12_000, 2_000
_TEST_SHARE = 0.2
_SEED = 1998

# How far a copy may differ from its original.
_MAX_TURN = 0.18  # radians, 10 degrees
_MAX_SLANT = 0.15  # pixels to the side per pixel down
_MAX_SHIFT = 1.5  # pixels
_MAX_STRETCH = 0.08  # share of width and of height


def bundled_digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[int, int]]:
    """Make the bundled digits; the same ones each time, in about a second.

    The 1,797 originals are divided into training and test, class by class, before anything else happens to them.

    Returns:
        train_images uint8 (12000, 28, 28, 1), train_labels int32 (12000,), test_images uint8 (2000, 28, 28, 1),
        test_labels int32 (2000,), and the number of distinct originals behind each part: (1438, 359) give or take
        rounding. White strokes on black, [0, 255].
    """
    from sklearn.datasets import load_digits

    loaded = load_digits()
    ink, labels = loaded.images.astype(np.float32) / 16, loaded.target.astype(np.int32)
    random = np.random.default_rng(_SEED)
    train, test = _divide(labels, random)
    parts, originals = [], []
    for chosen, count in ((train, _TRAIN_PICTURES), (test, _TEST_PICTURES)):
        index = _copies(chosen, count)
        parts += [_render(ink, index, random), labels[index]]
        originals.append(len(chosen))
    return *parts, tuple(originals)


def _divide(labels: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two disjoint sets of indices in shuffled order, each with every class in its share."""
    test = []
    for digit in range(10):
        members = random.permutation(np.flatnonzero(labels == digit))
        test.append(members[: round(len(members) * _TEST_SHARE)])
    test = random.permutation(np.concatenate(test))
    train = random.permutation(np.setdiff1d(np.arange(len(labels)), test))
    return train, test


def _copies(chosen: np.ndarray, count: int) -> np.ndarray:
    """``count`` indices: the first half cycles through the first half of the originals, the second half the other.

    So the two halves of the result share no original, and neighbours in it are never copies of each other.
    """
    halves = np.array_split(chosen, 2)
    return np.concatenate([np.resize(halves[0], count // 2), np.resize(halves[1], count - count // 2)])


def _render(ink: np.ndarray, index: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw the originals of ``index``, each in its own small variation: uint8 (len(index), 28, 28, 1)."""
    from scipy import ndimage

    fine = _strokes(ink)
    mass = fine.clip(0).sum(axis=(1, 2))
    axis = np.arange(fine.shape[1], dtype=np.float32)
    centre = np.stack([(fine.clip(0).sum(axis=2) @ axis), (fine.clip(0).sum(axis=1) @ axis)], axis=1) / mass[:, None]

    grid = np.stack(np.meshgrid(*[np.arange(_SIDE, dtype=np.float32) - (_SIDE - 1) / 2] * 2, indexing="ij"))
    pictures = np.empty((len(index), _SIDE, _SIDE, 1), np.uint8)
    for start in range(0, len(index), 1000):  # in pieces: the coordinates of all at once would take 200 MB
        piece = index[start : start + 1000]
        where = np.einsum("nij,jyx->niyx", _variations(len(piece), random), grid)
        shift = random.uniform(-_MAX_SHIFT, _MAX_SHIFT, (len(piece), 2))
        where = (where - shift[:, :, None, None]) * _FINE + centre[piece][:, :, None, None]
        which = np.broadcast_to(piece[:, None, None], (len(piece), _SIDE, _SIDE))
        value = ndimage.map_coordinates(fine, [which, where[:, 0], where[:, 1]], order=1)
        pictures[start : start + 1000, :, :, 0] = np.rint(_contrast(value) * 255)
    return pictures


def _strokes(ink: np.ndarray) -> np.ndarray:
    """Sharpened, interpolated ink, float32 (n, 84, 84), with empty margins; not yet clipped."""
    from scipy import ndimage

    padded = np.pad(ink, ((0, 0), (2, 2), (2, 2)))
    padded += padded - ndimage.gaussian_filter(padded, (0, 1, 1))
    # 2.5 pixels per ink cell make 20 pixels of height, as in MNIST; the scans are narrower than MNIST's digits.
    rows, columns = _spline_matrix(2.5 * _FINE), _spline_matrix(2.8 * _FINE)
    coefficients = ndimage.spline_filter1d(ndimage.spline_filter1d(padded, axis=1), axis=2).astype(np.float32)
    return np.einsum("ai,nij,bj->nab", rows, coefficients, columns, optimize=True)


def _spline_matrix(zoom: float) -> np.ndarray:
    """Cubic B-spline weights that read 12 coefficients at 84 points, ``zoom`` points per coefficient."""
    points = (np.arange(42 * _FINE) - (42 * _FINE - 1) / 2) / zoom + 5.5
    distance = np.abs(points[:, None] - np.arange(12))
    near = (4 - 6 * distance**2 + 3 * distance**3) / 6
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)


def _variations(count: int, random: np.random.Generator) -> np.ndarray:
    """Matrices (count, 2, 2) from places in the picture to places in the original: turn, slant, stretch."""
    turn = random.uniform(-_MAX_TURN, _MAX_TURN, count)
    slant = random.uniform(-_MAX_SLANT, _MAX_SLANT, count)
    height, width = 1 + random.uniform(-_MAX_STRETCH, _MAX_STRETCH, (2, count))
    rotation = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], axis=1).reshape(-1, 2, 2)
    zero = np.zeros(count)
    shape = np.stack([height, zero, slant, width], axis=1).reshape(-1, 2, 2)
    return (shape @ rotation).astype(np.float32)


def _contrast(value: np.ndarray) -> np.ndarray:
    """Greys towards black and white, in [0, 1]; the threshold decides how thick the strokes come out."""
    return np.clip((value - 0.68) * 2 + 0.5, 0, 1)
