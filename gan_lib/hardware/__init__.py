"""What this machine is and how the course uses it: versions, devices, precision policy and preset.

Never in here: models, data, or anything that trains. TensorFlow is imported inside functions, so that a tool can read
the preset without waiting for it.

Example:
    >>> from gan_lib import hardware
    >>> print(hardware.setup(seed=1))        # doctest: +SKIP
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from gan_lib.hardware.advice import LEVELS, Finding, findings
from gan_lib.hardware.choices import POLICIES, PRESETS, choose_precision, choose_preset, chosen
from gan_lib.hardware.machine import CPU_FLAGS, Gpu, Machine, cpu_flags, look_at_machine, summary, visible_gpus

__all__ = [
    "CPU_FLAGS",
    "LEVELS",
    "POLICIES",
    "PRESETS",
    "Finding",
    "Gpu",
    "Machine",
    "choose_precision",
    "choose_preset",
    "cpu_flags",
    "describe",
    "describe_lines",
    "findings",
    "keep_float32",
    "look_at_machine",
    "precision_policy",
    "preset",
    "setup",
    "summary",
]


def preset() -> str:
    """The preset that lessons run with: "full" where TensorFlow sees a GPU, else "quick".

    The environment variable GAN_LIB_PRESET overrides the choice.

    Raises:
        ValueError: GAN_LIB_PRESET holds something else than a preset's name.
    """
    wanted = chosen("GAN_LIB_PRESET", PRESETS, os.environ)
    if wanted:  # decided without importing TensorFlow, which takes seconds
        return wanted
    return "full" if visible_gpus() else "quick"


def precision_policy() -> str:
    """The Keras precision policy that suits this machine: "float32", "mixed_bfloat16" or "mixed_float16".

    The environment variable GAN_LIB_PRECISION overrides the choice; `choose_precision` gives the reason too.

    Raises:
        ValueError: GAN_LIB_PRECISION holds something else than one of the three.
    """
    return choose_precision(look_at_machine())[0]


def keep_float32() -> None:
    """Tell TensorFlow to compute float32 as float32 on a GPU too.

    From Ampere on (compute capability 8.0) it multiplies matrices and convolves in TensorFloat-32 otherwise, with 10
    bits of mantissa instead of 23: a classifier or a judge that asks for float32 would measure something else there.
    """
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_tensor_float_32_execution(False)


def setup(*, seed: int = 0) -> str:
    """Prepare Keras for a lesson: precision policy and random seeds. Returns a summary for the lesson to print.

    On a GPU it also asks TensorFlow to take memory as it is needed. Otherwise the first notebook takes the whole card,
    and the next one that is opened beside it fails for lack of memory. And float32 is kept; see `keep_float32`.

    Args:
        seed: a whole number from 0 to 2**32 - 1 for Python's, NumPy's and TensorFlow's random numbers.

    Raises:
        ValueError: the seed is out of range, or an environment variable asks for an unknown preset or policy.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"The seed is {seed!r}; a whole number from 0 to {2**32 - 1} was expected.")
    machine = look_at_machine()  # imports TensorFlow, without its start-up lines
    import keras
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # the card is in use already, in this kernel; it keeps the setting it has
            break
    keep_float32()
    # Keras 3.15 gives this advice at every fit() on a tf.data.Dataset, whose order is the dataset's own business.
    warnings.filterwarnings("ignore", message=".*shuffle=True.* was passed, but will be ignored")
    policy, policy_reason = choose_precision(machine)
    chosen, preset_reason = choose_preset(machine)
    keras.mixed_precision.set_global_policy(policy)
    keras.utils.set_random_seed(seed)
    names = (("TensorFlow", "tensorflow"), ("Keras", "keras"), ("NumPy", "numpy"))
    versions = ", ".join(f"{name} {machine.versions.get(package)}" for name, package in names)
    return "\n".join(
        [
            f"Versions   Python {machine.python}, {versions}",
            f"Machine    {summary(machine)}",
            f"Precision  {policy}: {policy_reason}",
            f"Preset     {chosen}: {preset_reason}",
            f"Seed       {seed}",
        ]
    )


def describe_lines(machine: Machine) -> list[str]:
    """A machine in lines for a terminal: versions, device, memory and disk, policy and preset with their reasons.

    A policy or preset that the environment asks for and nobody knows is left out; `findings` names it.
    """
    versions = [f"Python {machine.python}"] + [f"{name} {version}" for name, version in machine.versions.items()]
    lines = ["Versions   " + ", ".join(versions), f"Machine    {summary(machine)}"]
    if machine.disk_free_gb is not None:
        lines.append(f"Disk       {machine.disk_free_gb:.0f} GB free where the data lie")
    for title, choose in (("Precision", choose_precision), ("Preset", choose_preset)):
        try:
            choice, reason = choose(machine)
        except ValueError:
            continue
        lines.append(f"{title:<9}  {choice}: {reason}")
    return lines


def describe() -> dict[str, Any]:
    """This machine as a dictionary of plain values, fit for JSON: versions, devices, policy, preset and why."""
    machine = look_at_machine()
    policy, policy_reason = choose_precision(machine)
    chosen, preset_reason = choose_preset(machine)
    return {
        "summary": summary(machine),
        "system": machine.system,
        "python": machine.python,
        "versions": dict(machine.versions),
        "cores": machine.cores,
        "cpu_flags": None if machine.cpu_flags is None else sorted(machine.cpu_flags),
        "gpus": [gpu.name for gpu in machine.gpus],
        "memory_gb": machine.memory_gb,
        "disk_free_gb": machine.disk_free_gb,
        "policy": policy,
        "policy_reason": policy_reason,
        "preset": chosen,
        "preset_reason": preset_reason,
    }
