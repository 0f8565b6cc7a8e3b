"""Measures of generated pictures: two sets compared through a classifier's eyes.

Never in here: restored pictures, which have a truth to be compared with (`restoration`).
"""

import keras
import numpy as np
import tensorflow as tf


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
        >>> from gan_lib.callbacks import draw_pictures
        >>> from gan_lib.datasets import load_digits
        >>> from gan_lib.networks.dcgan import dcgan_generator
        >>> from gan_lib.weights import load_model
        >>> digits = load_digits()
        >>> classifier, _ = load_model("digit_classifier")
        >>> score = GenerationScore(classifier, digits.test_images[:2000], digits.train_images[:2000])
        >>> measures = score(draw_pictures(dcgan_generator(), 2000))
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
