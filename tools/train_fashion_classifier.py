"""Train the released Fashion-MNIST classifier: choose the epochs on a part of the training half, then use all of it.

    python tools/train_fashion_classifier.py [--fashion PATH] [--epochs 3 5] [--folder FOLDER]

The network is that of lesson 00b, which trains it on digits. A tenth of the training half is held back to choose how
many epochs are best; then the network is trained anew on the whole training half, and only then the test half is looked
at, once, for the model card. Takes about a quarter of an hour on two cores; CI does not run it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path

import keras
import numpy as np

from gan_lib import datasets, hardware, metrics, weights
from gan_lib.networks.digit_classifier import digit_classifier

SEED, BATCH_SIZE, LEARNING_RATE = 7, 128, 2e-3  # of Adam, falling to 0 along a cosine
HELD_BACK = 0.1  # share of the training half


def trained(pictures: np.ndarray, labels: np.ndarray, epochs: int) -> keras.Model:
    """A classifier that has seen each picture ``epochs`` times; the same arguments give the same run."""
    keras.utils.set_random_seed(SEED)
    judge = digit_classifier()
    steps = len(pictures) // BATCH_SIZE
    # Only the logits have a right answer, so fit() gets a model that ends there and shares every weight.
    decider = keras.Model(judge.input, judge.output["logits"])
    decider.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * steps)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    batches = datasets.batches(pictures, labels, batch_size=BATCH_SIZE, seed=SEED)
    decider.fit(batches, epochs=epochs, steps_per_epoch=steps, verbose=2)
    return judge


def accuracy(judge: keras.Model, pictures: np.ndarray, labels: np.ndarray) -> float:
    return float((metrics.judge(judge, pictures)["logits"].argmax(axis=1) == labels).mean())


def chosen_epochs(pictures: np.ndarray, labels: np.ndarray, candidates: list[int]) -> tuple[int, dict[int, float]]:
    """The number of epochs that is best on a tenth held back, and the accuracy of each."""
    order = np.random.default_rng(SEED).permutation(len(pictures))
    back, rest = np.split(order, [round(HELD_BACK * len(order))])
    found = {}
    for epochs in candidates:
        found[epochs] = accuracy(trained(pictures[rest], labels[rest], epochs), pictures[back], labels[back])
        print(f"{epochs} epochs: {100 * found[epochs]:.2f} % of {len(back):,} pictures held back", flush=True)
    return max(found, key=found.get), found


def training_record(minutes: float) -> dict[str, float | int | str]:
    machine = hardware.look_at_machine()
    return {
        "script": f"tools/{Path(__file__).name}",
        "code_sha256": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        "seed": SEED,
        "minutes": round(minutes, 1),
        "machine": hardware.summary(machine),
        "precision": "float32",  # this network computes in it whatever the policy
        "versions": ", ".join(f"{name} {machine.versions.get(name)}" for name in ("tensorflow", "keras", "numpy")),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fashion", default="fashion", metavar="PATH", help="an .npz file, where it is not at hand")
    parser.add_argument("--epochs", type=int, nargs="+", default=[3, 5], help="numbers of epochs to choose from")
    parser.add_argument("--folder", type=Path, default=weights.FOLDER, help="where weights and card are written")
    options = parser.parse_args(arguments)
    print(hardware.setup(seed=SEED))
    clothes = datasets.load_fashion(options.fashion)
    print(clothes.description)
    epochs, found = chosen_epochs(clothes.train_images, clothes.train_labels, options.epochs)
    started = time.perf_counter()
    judge = trained(clothes.train_images, clothes.train_labels, epochs)
    minutes = (time.perf_counter() - started) / 60
    right = metrics.judge(judge, clothes.test_images)["logits"].argmax(axis=1) == clothes.test_labels
    print(f"{100 * right.mean():.2f} % of {len(right):,} test pictures")
    card = {
        "purpose": "Judges filled pictures of clothes: does it still recognise them? It trains no generator.",
        "network": "gan_lib.networks.digit_classifier.digit_classifier()",
        "builder": {"function": "digit_classifier.digit_classifier", "arguments": {}},
        "classes": list(datasets.FASHION_CLASSES),
        "data": ["Fashion-MNIST, training half, Zalando SE: Xiao, Rasul and Vollgraf 2017, MIT"],
        "training": training_record(minutes) | {"epochs": epochs},
        "measures": {
            "accuracy_test": float(right.mean()),
            "accuracy_by_class": {
                name: round(float(right[clothes.test_labels == label].mean()), 4)
                for label, name in enumerate(datasets.FASHION_CLASSES)
            },
            "accuracy_held_back": {f"{epochs} epochs": value for epochs, value in found.items()},
            "samples": len(right),
        },
        "limits": "Knows the ten kinds of Fashion-MNIST, 28x28 pixels, light on black, in [-1, 1]; anything else is "
        "judged at random. How sure it is differs from kind to kind: see the measures.",
        "licence": "Apache-2.0; derived from Fashion-MNIST, MIT",
    }
    print("Written:", weights.save_released(judge, "fashion_classifier", card, options.folder).name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
