"""Write down what tensorflow-addons computes, for the tests that hold today's counterparts to it.

    .venv-addons/bin/python tools/addons_reference.py                                     the committed file, anew
    .venv-addons/bin/python tools/addons_reference.py --output FILE --compare OTHER_FILE  what `make test-addons` does

Runs in the environment of requirements-addons.txt alone (Python 3.11, TensorFlow 2.15.1), and imports nothing of
gan_lib. The file holds inputs and outputs side by side, float32 unless said otherwise, all from one seed, with the
versions that made them; `tests/test_addons_parity.py` reads it. The exit status is 1 if tensorflow-addons is missing,
or if the two files differ.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it is no longer maintained, which is why this file exists
        import tensorflow_addons as tfa
except ImportError:
    tfa = None

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "tests" / "reference" / "tensorflow_addons.npz"
SEED = 23
CALLS, SETTLED_CALLS = 4, 400  # in training mode, of a spectral normalisation
STEPS = 14  # of an optimizer
TOLERANCE = 2e-6  # of the largest value: another processor adds in another order

Arrays = dict[str, np.ndarray]


def normal(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Standard normal, rounded to 1/1024, so that the numbers are short and exact in float32."""
    return (np.round(random.normal(size=shape) * 1024) / 1024).astype(np.float32)


def uniform(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Levels of 8 bit, as float32 in [0, 1]."""
    return random.integers(0, 256, shape).astype(np.float32) / 255


def layers() -> dict[str, tuple[Callable[[], tf.keras.layers.Layer], tuple[int, ...]]]:
    """Name -> (a layer to wrap, the shape of its input)."""
    return {
        "dense": (lambda: tf.keras.layers.Dense(6), (3, 9)),
        "convolution": (lambda: tf.keras.layers.Conv2D(6, 3, padding="same"), (2, 6, 6, 4)),
        "transposed": (lambda: tf.keras.layers.Conv2DTranspose(6, 4, strides=2, padding="same"), (2, 4, 4, 3)),
    }


def spectral_normalisation(random: np.random.Generator) -> Arrays:
    """Kernel, vector u and output after each call in training mode; then settled, with the kernel's gradient."""
    found = {}
    for name, (make, shape) in layers().items():
        inner = make()
        wrapped = tfa.layers.SpectralNormalization(inner)
        inputs = normal(random, *shape)
        wrapped.build(shape)
        inner.kernel.assign(normal(random, *inner.kernel.shape))
        inner.bias.assign(normal(random, *inner.bias.shape))
        wrapped.u.assign(normal(random, *wrapped.u.shape))
        start = {"inputs": inputs, "kernel": inner.kernel, "bias": inner.bias, "u": wrapped.u}
        found |= {f"{name}/{key}": np.array(value) for key, value in start.items()}
        kernels, vectors, outputs = [], [], []
        for _ in range(CALLS):
            outputs.append(wrapped(inputs, training=True).numpy())
            kernels.append(inner.kernel.numpy())
            vectors.append(wrapped.u.numpy())
        found |= {f"{name}/kernels": np.stack(kernels), f"{name}/vectors": np.stack(vectors)}
        found |= {f"{name}/outputs": np.stack(outputs)}
        for _ in range(SETTLED_CALLS):
            wrapped(inputs, training=True)
        direction = normal(random, *outputs[0].shape)
        with tf.GradientTape() as tape:
            output = wrapped(inputs, training=True)
            loss = tf.reduce_sum(output * direction)
        found |= {f"{name}/direction": direction, f"{name}/settled_output": output.numpy()}
        found |= {f"{name}/settled_kernel": inner.kernel.numpy(), f"{name}/settled_u": wrapped.u.numpy()}
        found[f"{name}/settled_gradient"] = tape.gradient(loss, inner.kernel).numpy()
    return found


def weight_normalisation(random: np.random.Generator) -> Arrays:
    """Without and with the initialisation from data: g, bias and output after the first call; then with another g."""
    found = {}
    for name in ("dense", "convolution"):
        make, shape = layers()[name]
        inputs = normal(random, *shape)
        kernel = None
        for kind, data_init in (("plain", False), ("from_data", True)):
            inner = make()
            inner.build(shape)
            kernel = normal(random, *inner.kernel.shape) if kernel is None else kernel
            inner.kernel.assign(kernel)
            wrapped = tfa.layers.WeightNormalization(inner, data_init=data_init)
            output = wrapped(inputs).numpy()
            found |= {f"{name}/{kind}_g": wrapped.g.numpy(), f"{name}/{kind}_bias": inner.bias.numpy()}
            found[f"{name}/{kind}_output"] = output
        wrapped.g.assign(normal(random, *wrapped.g.shape))
        found |= {f"{name}/inputs": inputs, f"{name}/kernel": kernel, f"{name}/g": wrapped.g.numpy()}
        found[f"{name}/output"] = wrapped(inputs).numpy()  # with the bias of `from_data`
    return found


def instance_normalisation(random: np.random.Generator) -> Arrays:
    """With the default epsilon and with 1e-5; gamma and beta as they would be after training."""
    inputs = normal(random, 2, 6, 7, 3) * np.float32([0.01, 1, 30]) + np.float32([0, 1, 5])
    found = {"inputs": inputs, "gamma": normal(random, 3), "beta": normal(random, 3)}
    for name, options in {"default": {}, "small_epsilon": {"epsilon": 1e-5}}.items():
        layer = tfa.layers.InstanceNormalization(**options)
        layer.build(inputs.shape)
        layer.gamma.assign(found["gamma"])
        layer.beta.assign(found["beta"])
        found[name] = layer(inputs).numpy()
    return found


def gaussian_filter(random: np.random.Generator) -> Arrays:
    """Name of the array -> what `tfa.image.gaussian_filter2d` makes of the pictures."""
    pictures = uniform(random, 2, 13, 15, 2)
    blur = tfa.image.gaussian_filter2d
    return {
        "pictures": pictures,
        "default": blur(pictures).numpy(),
        "five": blur(pictures, 5, 1.5).numpy(),
        "two_sigmas": blur(pictures, 5, (0.6, 2.0)).numpy(),
        "oblong": blur(pictures, (3, 5), (0.6, 2.0)).numpy(),
        "even": blur(pictures, 4, 1.5).numpy(),
        "zeros_outside": blur(pictures, 5, 1.5, padding="CONSTANT").numpy(),
        "symmetric": blur(pictures, 9, 0.8, padding="SYMMETRIC").numpy(),
        "bytes": blur((pictures * 255).astype(np.uint8), 5, 1.5).numpy(),
    }


def median_filter(random: np.random.Generator) -> Arrays:
    """Name of the array -> what `tfa.image.median_filter2d` makes of the pictures."""
    pictures = uniform(random, 2, 9, 11, 3)
    median = tfa.image.median_filter2d
    return {
        "pictures": pictures,
        "default": median(pictures).numpy(),
        "oblong": median(pictures, (3, 5)).numpy(),
        "even": median(pictures, 4).numpy(),
        "zeros_outside": median(pictures, 3, padding="CONSTANT").numpy(),
        "symmetric": median(pictures, 5, padding="SYMMETRIC").numpy(),
    }


def cutout(random: np.random.Generator) -> Arrays:
    """One rectangle inside, two that reach over a border."""
    pictures = uniform(random, 3, 8, 10, 2)
    offsets = np.array([[4, 5], [0, 1], [7, 8]], np.int32)
    size = np.array([4, 6], np.int32)
    return {
        "pictures": pictures,
        "offsets": offsets,
        "size": size,
        "output": tfa.image.cutout(pictures, size, offset=offsets, constant_values=0.5).numpy(),
    }


def dense_image_warp(random: np.random.Generator) -> Arrays:
    """Flows of some pixels, many of which lead out of the picture."""
    pictures, flow = uniform(random, 2, 9, 11, 3), normal(random, 2, 9, 11, 2) * 2
    return {"pictures": pictures, "flow": flow, "output": tfa.image.dense_image_warp(pictures, flow).numpy()}


def moving_average(random: np.random.Generator) -> Arrays:
    """A weight along a training, and its average after each step."""
    start, gradients = normal(random, 5), normal(random, STEPS, 5)
    found = {"start": start, "decay": np.float32(0.5)}
    kinds = {"fixed": {}, "dynamic": {"dynamic_decay": True}, "late": {"start_step": 1}}
    for name, options in kinds.items():
        weight = tf.Variable(start)
        optimizer = tfa.optimizers.MovingAverage(tf.keras.optimizers.legacy.SGD(0.3), average_decay=0.5, **options)
        weights, averages = [], []
        for gradient in gradients:
            optimizer.apply_gradients([(tf.constant(gradient), weight)])
            weights.append(weight.numpy())
            averages.append(optimizer.get_slot(weight, "average").numpy())
        found |= {"weights": np.stack(weights), name: np.stack(averages)}
    return found


def everything() -> Arrays:
    """All reference numbers; each part draws from a generator of its own, so that one may change without the others."""
    tf.config.threading.set_intra_op_parallelism_threads(1)  # or sums would depend on the number of cores
    tf.get_logger().setLevel("ERROR")
    parts = {
        "spectral": spectral_normalisation,
        "weight": weight_normalisation,
        "instance": instance_normalisation,
        "gaussian": gaussian_filter,
        "median": median_filter,
        "cutout": cutout,
        "warp": dense_image_warp,
        "average": moving_average,
    }
    versions = {module.__name__: module.__version__ for module in (tf, tfa, np)}
    versions["keras"] = importlib.metadata.version("keras")
    found = {f"versions/{name}": np.array(version) for name, version in versions.items()}
    for number, (part, compute) in enumerate(parts.items()):
        arrays = compute(np.random.default_rng([SEED, number]))
        found |= {f"{part}/{name}": np.asarray(array) for name, array in arrays.items()}
    return found


def write(arrays: Arrays, path: Path) -> None:
    """Writes the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
        working = Path(folder) / path.name
        np.savez_compressed(working, **arrays)
        os.replace(working, path)


def differences(fresh: Arrays, kept: Arrays) -> list[str]:
    """A sentence for each array that only one has, or that differs by more than rounding."""
    found = [f"{name} is in one of the two only." for name in sorted(set(fresh) ^ set(kept))]
    for name in sorted(set(fresh) & set(kept)):
        new, old = fresh[name], kept[name]
        if (new.dtype, new.shape) != (old.dtype, old.shape):
            found.append(f"{name} is {new.dtype} {new.shape}; {old.dtype} {old.shape} was kept.")
        elif new.dtype.kind != "f":
            if (new != old).any():
                found.append(f"{name} is {new}; {old} was kept.")
        else:
            largest = float(np.abs(new - old).max()) / max(float(np.abs(old).max()), 1e-30)
            if not largest <= TOLERANCE:
                found.append(f"{name} differs by {largest:.1e} of its largest value; {TOLERANCE:.0e} is allowed.")
    return found


def read(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=REFERENCE, help="where to write; the committed file by default")
    parser.add_argument("--compare", type=Path, help="a file that must hold the same numbers")
    wanted = parser.parse_args(arguments)
    if tfa is None:
        print(
            f"tensorflow-addons cannot be imported here, with TensorFlow {tf.__version__}. `make test-addons` makes an "
            "environment in which it can, .venv-addons, and runs this there."
        )
        return 1
    if wanted.compare and not wanted.compare.is_file():
        print(f"{wanted.compare} is not there; run this without --output and --compare first, which writes it.")
        return 1
    arrays = everything()
    write(arrays, wanted.output)
    print(f"{wanted.output}: {len(arrays)} arrays, {wanted.output.stat().st_size / 1000:.0f} kB.")
    if wanted.compare is None:
        return 0
    found = differences(arrays, read(wanted.compare))
    for sentence in found:
        print(sentence)
    if found:
        print(
            f"tensorflow-addons does not compute what {wanted.compare} says: {len(found)} of {len(arrays)} arrays "
            f"differ. If the tool was changed on purpose, run it once without --output and --compare."
        )
        return 1
    print(f"The same numbers as in {wanted.compare}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
