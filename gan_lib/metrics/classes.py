"""Measures of pictures that were asked for by label: does each show its class, and the whole of that class?

Measures of a set without labels are in `generation`, whose distances and whose judge are used here.
"""

from collections.abc import Mapping

import keras
import numpy as np
from scipy.spatial.distance import pdist

from gan_lib.datasets import check_labels
from gan_lib.metrics.generation import frechet_distance, judge


class ClassScore:
    """Measures within each class, each beside what real pictures reach.

    A class is compared with as many real pictures of it as there are in **both** real sets, at most ``per_class``: the
    distance shrinks with the number of pictures, so generated and real sets and the floor must be of one size. MNIST's
    test part has fewer than 1,000 pictures of five digits; its training part has at least 5,421 of each, so two halves
    of that give two disjoint thousands. Shuffle before you halve it: its first and second half are not alike, which
    makes the floor of some digits twice as high. The generator has seen those pictures, and so has the classifier:
    this measures how well it draws what it was shown. Whether it only copies is another question (lesson 02 looks up
    neighbours).

    Args:
        classifier: pictures -> {"features", "logits"}, such as the released `digit_classifier`.
        real: uint8 or float32 in [-1, 1], (count, height, width, channels).
        real_labels: integers (count,), each from 0 to the classifier's classes less one.
        other_real: other real pictures, none of which is in ``real``; for the floor.
        other_labels: their labels.
        per_class: how many pictures of a class are compared, at most.

    Attributes:
        samples: class -> how many pictures of it are compared.

    Raises:
        ValueError: if labels do not fit the pictures or the classifier, or a class has fewer than 2 pictures.

    Example:
        >>> from gan_lib.callbacks import draw_pictures
        >>> from gan_lib.datasets import load_digits
        >>> from gan_lib.networks.conditional_gan import conditional_generator
        >>> from gan_lib.weights import load_model
        >>> digits = load_digits()
        >>> classifier, _ = load_model("digit_classifier")
        >>> one, two = np.array_split(np.random.default_rng(0).permutation(len(digits.train_images)), 2)
        >>> score = ClassScore(classifier, digits.train_images[one], digits.train_labels[one],
        ...                    digits.train_images[two], digits.train_labels[two])
        >>> labels = np.arange(10_000) % 10
        >>> measures = score(draw_pictures(conditional_generator(), 10_000, labels=labels), labels)
    """

    def __init__(
        self,
        classifier: keras.Model,
        real: np.ndarray,
        real_labels: np.ndarray,
        other_real: np.ndarray,
        other_labels: np.ndarray,
        per_class: int = 1000,
    ):
        self.classifier, self.classes = classifier, int(classifier.output["logits"].shape[-1])
        if per_class < 2:
            raise ValueError(f"per_class is {per_class}; at least 2 were expected.")
        real_labels = self._checked(real, real_labels, "the labels of the real pictures")
        other_labels = self._checked(other_real, other_labels, "the labels of the other real pictures")
        self.samples, self.real, self.floor = {}, {}, {}
        for label in np.union1d(real_labels, other_labels).tolist():
            here, there = (np.flatnonzero(each == label)[:per_class] for each in (real_labels, other_labels))
            count = min(len(here), len(there))
            if count < 2:
                raise ValueError(
                    f"Of class {label} there are {len(here)} real pictures and {len(there)} other ones; at least 2 in "
                    "each set were expected. Give more pictures, or leave that class out of both."
                )
            self.samples[label] = count
            self.real[label] = judge(classifier, np.asarray(real)[here[:count]])["features"]
            other = judge(classifier, np.asarray(other_real)[there[:count]])["features"]
            self.floor[label] = frechet_distance(other, self.real[label])

    def _checked(self, pictures, labels, origin):
        labels = check_labels(labels, self.classes, origin=origin)
        if len(labels) != len(pictures) or not len(labels):
            raise ValueError(f"{len(pictures)} pictures came with {len(labels)} labels; one for each was expected.")
        return labels

    def each_class(self, pictures: np.ndarray, labels: np.ndarray) -> dict[int, dict[str, float]]:
        """Measures each class that has real pictures.

        Args:
            pictures: (count, height, width, channels) in the range of the real ones; of each class at least as many
                as ``samples`` says, of which the first so many are compared. All are judged for the agreement.
            labels: what was asked for, integers (count,).

        Returns:
            class -> ``agreement``, the share of its pictures in which the classifier sees it; ``pictures``, how many
            those are; ``frechet_distance`` and ``frechet_floor``; ``distance_ratio``, the one by the other;
            ``diversity``, the mean distance of two pictures' features by that of two real ones. A diversity below 1
            says that the pictures are more alike than real ones are.

        Raises:
            ValueError: if labels do not fit the pictures, or a class has too few pictures or no real ones.
        """
        labels = self._checked(pictures, labels, "the asked labels")
        self._check_counts(labels)
        seen = judge(self.classifier, pictures)
        right = seen["logits"].argmax(axis=1) == labels
        found = {}
        for label, count in self.samples.items():
            mine = labels == label
            features, real, floor = seen["features"][mine][:count], self.real[label], self.floor[label]
            distance = frechet_distance(features, real)
            found[label] = {
                "agreement": float(right[mine].mean()),
                "pictures": int(mine.sum()),
                "frechet_distance": distance,
                "frechet_floor": floor,
                "distance_ratio": _ratio(distance, floor),
                "diversity": _ratio(pdist(features).mean(), pdist(real).mean()),
            }
        return found

    def _check_counts(self, labels):
        strange = sorted(set(labels.tolist()) - set(self.samples))
        if strange:
            raise ValueError(f"Class {strange[0]} was asked for, but there are no real pictures of it to compare with.")
        for label, count in self.samples.items():
            came = int((labels == label).sum())
            if came < count:
                raise ValueError(
                    f"Of class {label} {came} pictures came; at least {count} were expected, as many as real ones."
                )

    @staticmethod
    def overall(classes: Mapping[int, Mapping[str, float]]) -> dict[str, float]:
        """Puts the measures of `each_class` together.

        Returns:
            ``agreement``, the share of all pictures; ``class_distance_ratio``, the mean over the classes, and
            ``class_distance_ratio_worst``, the largest; ``class_diversity``, the mean, and ``class_diversity_least``.
        """
        ratios, diversities = ([each[name] for each in classes.values()] for name in ("distance_ratio", "diversity"))
        weights = [each["pictures"] for each in classes.values()]
        return {
            "agreement": float(np.average([each["agreement"] for each in classes.values()], weights=weights)),
            "class_distance_ratio": float(np.mean(ratios)),
            "class_distance_ratio_worst": float(max(ratios)),
            "class_diversity": float(np.mean(diversities)),
            "class_diversity_least": float(min(diversities)),
        }

    def __call__(self, pictures: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """`overall` of `each_class`."""
        return self.overall(self.each_class(pictures, labels))


def _ratio(value: float, reference: float) -> float:
    if not reference > 0:
        raise ValueError("The real pictures of a class all look the same to the classifier; different ones are needed.")
    return float(value / reference)
