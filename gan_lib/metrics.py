"""Measures: (restored, clean) or (generated, real) in, a number out, without a gradient.

Losses, which are there to be differentiated, are in `losses`.

Restoration is measured against the truth, picture by picture: `psnr`, `ssim`. Generation has no truth to compare
with, so two sets are compared through a classifier's eyes: `classifier_score`, `frechet_distance`.
"""

import keras
import numpy as np
import tensorflow as tf

from gan_lib import images
from gan_lib.networks.features import feature_distance

Pictures = np.ndarray | tf.Tensor


def _unit_range(pictures: Pictures, name: str) -> tf.Tensor:
    """To float32 in [0, 1], rounded to the 256 levels of a file, with a batch axis."""
    pictures = tf.convert_to_tensor(pictures)
    if pictures.dtype != tf.uint8 and not pictures.dtype.is_floating:
        raise ValueError(f"{name} has dtype {pictures.dtype.name}; uint8 or a float type in [0, 1] was expected.")
    if len(pictures.shape) not in (3, 4):
        raise ValueError(
            f"{name} has shape {tuple(pictures.shape)}; (height, width, channels) or a batch of those was expected."
        )
    if pictures.dtype == tf.uint8:
        pictures = tf.cast(pictures, tf.float32) / 255.0
    else:
        if tf.executing_eagerly() and float(tf.reduce_max(pictures)) > 2.0:
            raise ValueError(
                f"{name} has float values up to {float(tf.reduce_max(pictures)):.0f}; [0, 1] was expected. "
                "Divide by 255, or pass uint8."
            )
        pictures = tf.round(tf.clip_by_value(tf.cast(pictures, tf.float32), 0.0, 1.0) * 255.0) / 255.0
    return pictures if len(pictures.shape) == 4 else pictures[tf.newaxis]


def _pair(restored: Pictures, clean: Pictures) -> tuple[tf.Tensor, tf.Tensor]:
    restored, clean = _unit_range(restored, "restored"), _unit_range(clean, "clean")
    if not restored.shape.is_compatible_with(clean.shape):
        raise ValueError(
            f"restored has shape {tuple(restored.shape)} and clean {tuple(clean.shape)}; the same was expected."
        )
    return restored, clean


def psnr(restored: Pictures, clean: Pictures) -> tf.Tensor:
    """Peak signal-to-noise ratio: 10 log10(1 / mean squared error), over all channels of a picture.

    Args:
        restored: pictures, uint8 or float in [0, 1], (height, width, channels) or a batch of those. Floats are
            clipped and rounded to 256 levels first, as a file would.
        clean: the truth, of the same shape.

    Returns:
        Decibels, float32, shape (batch,), with a batch of 1 for a single picture; infinite where both agree.

    Raises:
        ValueError: for other dtypes, shapes or ranges.

    Example:
        >>> float(psnr(np.full((8, 8, 1), 10, np.uint8), np.zeros((8, 8, 1), np.uint8))[0])  # doctest: +ELLIPSIS
        28.13...
    """
    return tf.image.psnr(*_pair(restored, clean), max_val=1.0)


def ssim(restored: Pictures, clean: Pictures) -> tf.Tensor:
    """Structural similarity with the 11x11 Gaussian window of sigma 1.5, averaged over the channels.

    The same as scikit-image's ``structural_similarity`` with ``gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False``.

    Args:
        restored: pictures, uint8 or float in [0, 1], (height, width, channels) or a batch of those, at least
            11 pixels high and wide. Floats are clipped and rounded to 256 levels first.
        clean: the truth, of the same shape.

    Returns:
        Float32, shape (batch,), at most 1 and 1 where both agree.

    Raises:
        ValueError: for other dtypes, shapes or ranges, or a picture smaller than the window.

    Source: Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity".
    """
    restored, clean = _pair(restored, clean)
    height, width = restored.shape[1:3]
    if height is not None and width is not None and min(height, width) < 11:
        raise ValueError(f"The pictures are {height}x{width}; SSIM's window needs at least 11x11 pixels.")
    return tf.image.ssim(restored, clean, max_val=1.0, filter_size=11, filter_sigma=1.5)


def perceptual_distance(judge_network: keras.Model, restored: Pictures, clean: Pictures) -> tf.Tensor:
    """How differently two pictures look to a network that learnt to tell kinds and strengths of damage apart.

    Lower is better. It notices lost texture that PSNR hardly counts, and forgives texture that is plausible but not
    the true one. The numbers belong to this network: they are no LPIPS, and compare only with each other.

    Args:
        judge_network: pictures in [-1, 1] -> feature maps: `networks.features.judging_features` with its released
            weights.
        restored: pictures, uint8 or float in [0, 1], (height, width, 3), or a batch of those; (.., 1) is taken as
            grey. Floats are clipped and rounded to 256 levels first.
        clean: the truth, of the same shape.

    Returns:
        Float32, shape (batch,), at least 0, and 0 where both agree.

    Raises:
        ValueError: for other dtypes, shapes or ranges, or pictures smaller than 16x16 pixels.

    Source: Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric".
    """
    restored, clean = _pair(restored, clean)
    if min(clean.shape[1:3]) < 16:
        raise ValueError(f"The pictures are {clean.shape[1]}x{clean.shape[2]}; at least 16x16 pixels were expected.")
    distances = []
    for pair in zip(restored, clean, strict=True):  # one at a time: the maps of a large picture fill the memory
        maps = [judge_network(images.to_network(_three_channels(picture)), training=False) for picture in pair]
        distances.append(feature_distance(*maps))
    return tf.concat(distances, axis=0)


def _three_channels(picture: tf.Tensor) -> tf.Tensor:
    return tf.repeat(picture, 3, axis=-1)[tf.newaxis] if picture.shape[-1] == 1 else picture[tf.newaxis]


def classifier_score(logits: np.ndarray) -> float:
    """exp of the mean divergence between each picture's class probabilities and their average over the set.

    High when each picture is clearly one class and all classes occur alike: at most the number of classes. It is
    the Inception Score's formula over whatever classifier made the logits, so only scores of the same
    classifier compare; quote it as a fraction of the score of real pictures.

    Args:
        logits: (pictures, classes), any real numbers.

    Returns:
        A number from 1 to the number of classes.

    Raises:
        ValueError: if the array is not two-dimensional or holds numbers that are not finite.

    Source: Salimans et al. 2016, "Improved Techniques for Training GANs", section 4; there averaged over ten
    parts of the sample, here over the whole sample at once.
    """
    logits = _finite_matrix(logits, "logits")
    log_p = logits - logits.max(axis=1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    log_marginal = np.log(np.maximum(p.mean(axis=0), 1e-300))
    return float(np.exp((p * (log_p - log_marginal)).sum(axis=1).mean()))


def _finite_matrix(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or len(values) < 2:
        raise ValueError(
            f"{name} has shape {values.shape}; (pictures, numbers) with at least two pictures was expected."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinity; the network that made the pictures or judged them has failed.")
    return values


def _square_root(covariance: np.ndarray) -> np.ndarray:
    # A covariance is symmetric, so eigenvalues give its root even where it is singular; rounding can push
    # zeros slightly below, hence the clip. (A general matrix root returns complex numbers there.)
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def frechet_distance(features: np.ndarray, reference: np.ndarray) -> float:
    """The Fréchet distance between two sets of features, each taken as one Gaussian.

    ||m1 - m2||^2 + trace(S1 + S2 - 2 (S1 S2)^(1/2)). It grows with the scale of the features and shrinks with
    the number of pictures, so quote it beside its floor: the distance of two disjoint real sets of that size.

    Args:
        features: (pictures, units), any real numbers.
        reference: (pictures, units) of real pictures.

    Returns:
        A number, at least 0 but for rounding; 0 for equal sets.

    Raises:
        ValueError: if the arrays are not two-dimensional, differ in units, or hold numbers that are not finite.

    Source: Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", equation 6, there over
    Inception's features and called FID.
    """
    features, reference = _finite_matrix(features, "features"), _finite_matrix(reference, "reference")
    if features.shape[1] != reference.shape[1]:
        raise ValueError(
            f"features has {features.shape[1]} units, reference {reference.shape[1]}; both must come from one network."
        )
    difference = features.mean(axis=0) - reference.mean(axis=0)
    s1, s2 = np.cov(features, rowvar=False), np.cov(reference, rowvar=False)
    s1, s2 = np.atleast_2d(s1), np.atleast_2d(s2)
    # trace((S1 S2)^(1/2)) = trace((R S2 R)^(1/2)) with R = S1^(1/2), and R S2 R is symmetric.
    root = _square_root(s1)
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ s2 @ root), 0.0)).sum()
    return float(difference @ difference + np.trace(s1) + np.trace(s2) - 2.0 * cross)


def judge(classifier: keras.Model, pictures: np.ndarray, batch_size: int = 500) -> dict[str, np.ndarray]:
    """What a classifier sees in pictures.

    Args:
        classifier: pictures -> {"features", "logits"}, such as the released `digit_classifier`.
        pictures: float32 in [-1, 1] or uint8, (pictures, height, width, channels).
        batch_size: how many go through at a time.

    Returns:
        ``"features"`` (pictures, units) and ``"logits"`` (pictures, classes), float32 arrays.

    Raises:
        ValueError: if there are no pictures, or for other dtypes.
    """
    pictures = np.asarray(pictures)
    if pictures.dtype not in (np.uint8, np.float32) or not len(pictures):
        raise ValueError(
            f"Pictures of dtype {pictures.dtype} and shape {pictures.shape} came; "
            "one or more were expected, uint8 or float32 in [-1, 1]."
        )
    parts = []
    for start in range(0, len(pictures), batch_size):
        part = tf.convert_to_tensor(pictures[start : start + batch_size])
        part = tf.cast(part, tf.float32) / 127.5 - 1.0 if part.dtype == tf.uint8 else part
        parts.append({key: value.numpy() for key, value in classifier(part, training=False).items()})
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


class GenerationScore:
    """Measures of generated pictures, each beside what real pictures reach.

    Two disjoint sets of real pictures give the floor: the distance that is left when both sets are real. Generated
    pictures are then compared with the first set. All three sets have the same size, since the distance shrinks
    with the number of pictures.

    Args:
        classifier: pictures -> {"features", "logits"}, such as the released `digit_classifier`.
        real: uint8 or float32 in [-1, 1], (count, height, width, channels); best of the test part, which neither the
            generator nor the classifier has seen.
        other_real: as many other real pictures, such as the training pictures.

    Raises:
        ValueError: if the two real sets differ in size.

    Example:
        >>> score = GenerationScore(classifier, digits.test_images[:2000], digits.train_images[:2000])
        >>> score(draw_pictures(generator, 2000))["frechet_distance"]
    """

    def __init__(self, classifier: keras.Model, real: np.ndarray, other_real: np.ndarray):
        if len(real) != len(other_real):
            raise ValueError(
                f"The two real sets have {len(real)} and {len(other_real)} pictures; the same number was expected, "
                "since the distance depends on it."
            )
        self.classifier, self.samples = classifier, len(real)
        seen = judge(classifier, real)
        self.features = seen["features"]
        self.score_real = classifier_score(seen["logits"])
        self.floor = frechet_distance(judge(classifier, other_real)["features"], self.features)

    def __call__(self, pictures: np.ndarray) -> dict[str, float]:
        """Measures pictures, as many as there are real ones, in the range and layout of those.

        Returns:
            ``classifier_score`` and ``classifier_score_real``, ``frechet_distance`` and ``frechet_floor``, and
            ``samples``, the number of pictures on each side.

        Raises:
            ValueError: for another number of pictures.
        """
        if len(pictures) != self.samples:
            raise ValueError(f"{len(pictures)} pictures came; {self.samples} were expected, as many as real ones.")
        seen = judge(self.classifier, pictures)
        return {
            "classifier_score": classifier_score(seen["logits"]),
            "classifier_score_real": self.score_real,
            "frechet_distance": frechet_distance(seen["features"], self.features),
            "frechet_floor": self.floor,
            "samples": self.samples,
        }
