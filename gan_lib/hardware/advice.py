"""What is wrong with a machine, or worth knowing about it, and the way out of each.

Never in here: looking at the machine; it comes as an argument, so that tests can make one up.
"""

from __future__ import annotations

from dataclasses import dataclass

from gan_lib.hardware.choices import BFLOAT16_FLAGS, POLICIES, PRESETS, chosen
from gan_lib.hardware.machine import Machine

TESTED = {"tensorflow": ((2, 20), (2, 21)), "keras": ((3, 13), (3, 15)), "python": ((3, 11), (3, 13))}
LEAST_DISK_GB = 2.0
LEAST_MEMORY_GB = 4.0
LEVELS = ("blocks", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or worth knowing: how bad ("blocks", "warning", "note"), what it is, what to do."""

    level: str
    what: str
    hint: str


def findings(machine: Machine) -> list[Finding]:
    """What is wrong with a machine, the worst first, each with a way out; an empty list is a healthy machine."""
    found = [
        *_gpu_findings(machine),
        *_version_findings(machine),
        *_environment_findings(machine),
        *_size_findings(machine),
    ]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def _gpu_findings(machine: Machine) -> list[Finding]:
    if machine.gpus:
        return []
    hidden = machine.environment.get("CUDA_VISIBLE_DEVICES")
    if machine.nvidia and hidden is not None and hidden.strip() in ("", "-1"):
        what = "There is an NVIDIA GPU, but CUDA_VISIBLE_DEVICES hides it from TensorFlow."
        return [Finding("warning", what, "Unset CUDA_VISIBLE_DEVICES and start again.")]
    if machine.nvidia and machine.system == "Windows":
        what = "There is an NVIDIA GPU, but TensorFlow on Windows cannot use it (since version 2.11)."
        return [Finding("warning", what, "Run the course inside WSL2; the README says how. The CPU works meanwhile.")]
    if machine.nvidia:
        version = machine.versions.get("tensorflow")
        package = "tensorflow[and-cuda]" + (f"=={version}" if version else "")
        hint = (
            f'In the environment of the course: python -m pip install "{package}" (about 3 GB), then start again. '
            "If it stays unseen, `nvidia-smi` must list the card and show CUDA 12 or newer; else update its driver."
        )
        return [Finding("warning", "There is an NVIDIA GPU, but TensorFlow does not see it.", hint)]
    if machine.system == "Darwin":
        what = "On macOS the course computes on the CPU: current TensorFlow has no GPU support there."
        return [Finding("note", what, "The quick preset is made for that; for more, open a lesson in Colab.")]
    return []


def _version_findings(machine: Machine) -> list[Finding]:
    found = []
    for name, (first, last) in TESTED.items():
        version = machine.python if name == "python" else machine.versions.get(name)
        span = f"{first[0]}.{first[1]} to {last[0]}.{last[1]}"
        if version is None:
            what = f"{name} is not installed."
            hint = "Run `python -m pip install -r requirements.txt` in the environment of the course."
            found.append(Finding("blocks", what, hint))
        elif not first <= _major_minor(version) <= last:
            what = f"{name} {version} is outside what the course is tested with ({span})."
            hint = "`make course` builds an environment that fits; it may also work as it is."
            found.append(Finding("warning", what, hint))
    return found


def _environment_findings(machine: Machine) -> list[Finding]:
    found = []
    for name, known in (("GAN_LIB_PRESET", PRESETS), ("GAN_LIB_PRECISION", POLICIES)):
        try:
            chosen(name, known, machine.environment)
        except ValueError as error:
            found.append(Finding("blocks", str(error), f"Set {name} to one of these, or unset it."))
    if machine.keras_backend != "tensorflow":
        what = f"Keras is set to the {machine.keras_backend} backend; the course is written for TensorFlow."
        hint = 'Unset KERAS_BACKEND, and set "backend": "tensorflow" in .keras/keras.json in your home folder.'
        found.append(Finding("blocks", what, hint))
    if machine.image_data_format != "channels_last":
        what = f"Keras is set to {machine.image_data_format}; pictures of the course have their channels last."
        hint = 'Set "image_data_format": "channels_last" in .keras/keras.json in your home folder.'
        found.append(Finding("blocks", what, hint))
    for name in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):
        if machine.environment.get(name):
            what = f"{name} is {machine.environment[name]}: Keras cuts every training short."
            found.append(Finding("warning", what, f"Unset {name}, unless you want that."))
    return found


def _size_findings(machine: Machine) -> list[Finding]:
    found = []
    if machine.disk_free_gb is not None and machine.disk_free_gb < LEAST_DISK_GB:
        what = f"Only {machine.disk_free_gb:.1f} GB of disk are free where the data lie."
        hint = f"Make room for {LEAST_DISK_GB:.0f} GB, or point GAN_LIB_DATA to a folder on another disk."
        found.append(Finding("warning", what, hint))
    if machine.memory_gb is not None and machine.memory_gb < LEAST_MEMORY_GB:
        what = f"The machine has {machine.memory_gb:.1f} GB of memory; lessons take up to 3 GB."
        found.append(Finding("warning", what, "Close other programs, and run one lesson at a time."))
    if machine.cores == 1:
        what = "The machine has a single CPU core: expect about twice the minutes that the lessons state."
        found.append(Finding("note", what, "GAN_LIB_PRESET=smoke runs every cell in seconds, without learning much."))
    flags = machine.cpu_flags or frozenset()
    if not machine.gpus and not flags & set(BFLOAT16_FLAGS):
        what = "The CPU has no bfloat16 that TensorFlow could use: expect up to twice the minutes that lessons state."
        found.append(Finding("note", what, "Nothing is wrong; the lessons compute in float32 here."))
    return found


def _major_minor(version: str) -> tuple[int, int]:
    numbers = ["".join(character for character in part if character.isdigit()) for part in version.split(".")[:2]]
    return tuple(int(number or 0) for number in [*numbers, "0"][:2])  # type: ignore[return-value]
