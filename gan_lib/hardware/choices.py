"""What is chosen for a machine: the precision policy and the preset, each with its reason.

Never in here: looking at the machine; it comes as an argument, so that tests can make one up.
"""

from __future__ import annotations

from collections.abc import Mapping

from gan_lib.hardware.machine import Machine

PRESETS = ("smoke", "quick", "full", "release")
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")


def choose_preset(machine: Machine) -> tuple[str, str]:
    """The preset for a machine, and the reason as half a sentence.

    Raises:
        ValueError: GAN_LIB_PRESET in the machine's environment is not a preset's name.
    """
    wanted = chosen("GAN_LIB_PRESET", PRESETS, machine.environment)
    if wanted:
        return wanted, "GAN_LIB_PRESET asks for it"
    if machine.gpus:
        return "full", "there is a GPU"
    return "quick", "there is no GPU that TensorFlow can use"


def choose_precision(machine: Machine) -> tuple[str, str]:
    """The precision policy for a machine, and the reason as half a sentence.

    Mixed precision computes in 16 bits and keeps the weights in 32. On a GPU that is worth it from compute capability
    7.0 on (float16) and 8.0 on (bfloat16, which needs no loss scaling); several GPUs take the policy of the oldest. On
    a CPU it pays only where the processor multiplies bfloat16 itself: elsewhere it is emulated and slower.

    Raises:
        ValueError: GAN_LIB_PRECISION in the machine's environment is not a known policy.
    """
    wanted = chosen("GAN_LIB_PRECISION", POLICIES, machine.environment)
    if wanted:
        return wanted, "GAN_LIB_PRECISION asks for it"
    if machine.gpus:
        capabilities = [gpu.compute_capability for gpu in machine.gpus]
        if None in capabilities:
            return "float32", "the GPU does not tell its compute capability"
        oldest = min(capabilities)
        number = f"compute capability {oldest[0]}.{oldest[1]}"
        if oldest >= (8, 0):
            return "mixed_bfloat16", f"the GPU ({number}) has fast bfloat16"
        if oldest >= (7, 0):
            return "mixed_float16", f"the GPU ({number}) has fast float16, but no bfloat16"
        return "float32", f"the GPU ({number}) has no fast 16-bit arithmetic"
    if machine.cpu_flags is None:
        return "float32", "this system does not tell whether the CPU has bfloat16"
    for flag in BFLOAT16_FLAGS:
        if flag in machine.cpu_flags:
            return "mixed_bfloat16", f"the CPU multiplies bfloat16 ({flag})"
    return "float32", "the CPU has no bfloat16 (neither amx_bf16 nor avx512_bf16), and emulating it is slow"


def chosen(name: str, known: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    """What an environment variable asks for, None if it is unset or empty.

    Raises:
        ValueError: it asks for something unknown; the sentence lists what is known.
    """
    value = environment.get(name, "").strip()
    if value and value not in known:
        raise ValueError(f"{name} is {value!r}; one of {', '.join(known)} was expected.")
    return value or None
