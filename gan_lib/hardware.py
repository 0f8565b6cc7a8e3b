"""What this machine is and how the course uses it: versions, devices, precision policy and preset.

Never in here: models, data, or anything that trains. TensorFlow is imported inside functions, so that a tool can read
the preset without waiting for it.

The decisions are plain functions of a `Machine`, which tests make up; `look_at_machine` fills one in for the computer
this runs on.

Example:
    >>> from gan_lib import hardware
    >>> print(hardware.setup(seed=1))        # doctest: +SKIP
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PRESETS = ("smoke", "quick", "full", "release")
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
CPU_FLAGS = ("amx_bf16", "avx512_bf16", "avx2")
PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "pillow", "scikit-image", "scikit-learn", "matplotlib")
TESTED = {"tensorflow": ((2, 20), (2, 21)), "keras": ((3, 13), (3, 15)), "python": ((3, 11), (3, 13))}
LEAST_DISK_GB = 2.0
LEAST_MEMORY_GB = 4.0


@dataclass(frozen=True)
class Gpu:
    """A graphics card that TensorFlow sees: its name and its compute capability (None where there is none)."""

    name: str
    compute_capability: tuple[int, int] | None = None


@dataclass(frozen=True)
class Machine:
    """What the decisions of this module depend on.

    `cpu_flags` holds those of `CPU_FLAGS` that the CPU has, or is None where the system does not tell. `nvidia` says
    whether the system knows of an NVIDIA card, whether or not TensorFlow can use it. Memory and disk are in GB (1e9
    bytes), None for unknown. `environment` holds the variables that change what the course does.
    """

    system: str = "Linux"
    python: str = "3.13.0"
    versions: dict[str, str | None] = field(default_factory=dict)
    cores: int = 2
    cpu_flags: frozenset[str] | None = frozenset()
    gpus: tuple[Gpu, ...] = ()
    nvidia: bool = False
    wsl: bool = False
    memory_gb: float | None = None
    disk_free_gb: float | None = None
    keras_backend: str = "tensorflow"
    image_data_format: str = "channels_last"
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or worth knowing: how bad ("blocks", "warning", "note"), what it is, what to do."""

    level: str
    what: str
    hint: str


def preset() -> str:
    """The preset that lessons run with: "full" where TensorFlow sees a GPU, else "quick".

    The environment variable GAN_LIB_PRESET overrides the choice.

    Raises:
        ValueError: GAN_LIB_PRESET holds something else than a preset's name.
    """
    wanted = _chosen("GAN_LIB_PRESET", PRESETS, os.environ)
    if wanted:  # decided without importing TensorFlow, which takes seconds
        return wanted
    return "full" if _gpus() else "quick"


def choose_preset(machine: Machine) -> tuple[str, str]:
    """The preset for a machine, and the reason as half a sentence.

    Raises:
        ValueError: GAN_LIB_PRESET in the machine's environment is not a preset's name.
    """
    wanted = _chosen("GAN_LIB_PRESET", PRESETS, machine.environment)
    if wanted:
        return wanted, "GAN_LIB_PRESET asks for it"
    if machine.gpus:
        return "full", "there is a GPU"
    return "quick", "there is no GPU that TensorFlow can use"


def precision_policy() -> str:
    """The Keras precision policy that suits this machine: "float32", "mixed_bfloat16" or "mixed_float16".

    The environment variable GAN_LIB_PRECISION overrides the choice; `choose_precision` gives the reason too.

    Raises:
        ValueError: GAN_LIB_PRECISION holds something else than one of the three.
    """
    return choose_precision(look_at_machine())[0]


def choose_precision(machine: Machine) -> tuple[str, str]:
    """The precision policy for a machine, and the reason as half a sentence.

    Mixed precision computes in 16 bits and keeps the weights in 32. On a GPU that is worth it from compute capability
    7.0 on (float16) and 8.0 on (bfloat16, which needs no loss scaling); several GPUs take the policy of the oldest. On
    a CPU it pays only where the processor multiplies bfloat16 itself: elsewhere it is emulated and slower.

    Raises:
        ValueError: GAN_LIB_PRECISION in the machine's environment is not a known policy.
    """
    wanted = _chosen("GAN_LIB_PRECISION", POLICIES, machine.environment)
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
    for flag in ("amx_bf16", "avx512_bf16"):
        if flag in machine.cpu_flags:
            return "mixed_bfloat16", f"the CPU multiplies bfloat16 ({flag})"
    return "float32", "the CPU has no bfloat16 (neither amx_bf16 nor avx512_bf16), and emulating it is slow"


def setup(*, seed: int = 0) -> str:
    """Prepare Keras for a lesson: precision policy and random seeds. Returns a summary for the lesson to print.

    On a GPU it also asks TensorFlow to take memory as it is needed. Otherwise the first notebook takes the whole card,
    and the next one that is opened beside it fails for lack of memory.

    Args:
        seed: a whole number from 0 to 2**32 - 1 for Python's, NumPy's and TensorFlow's random numbers.

    Raises:
        ValueError: the seed is out of range, or an environment variable asks for an unknown preset or policy.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"The seed is {seed!r}; a whole number from 0 to {2**32 - 1} was expected.")
    import keras
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # the card is in use already, in this kernel; it keeps the setting it has
            break
    machine = look_at_machine()
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


def summary(machine: Machine) -> str:
    """A machine in one line, for example "Linux, 2 CPU cores (avx2, amx_bf16), 25 GB memory, no GPU"."""
    flags = "flags unknown" if machine.cpu_flags is None else ", ".join(sorted(machine.cpu_flags)) or "no avx2"
    cores = "1 CPU core" if machine.cores == 1 else f"{machine.cores} CPU cores"
    parts = [machine.system + (" in WSL" if machine.wsl else ""), f"{cores} ({flags})"]
    if machine.memory_gb is not None:
        parts.append(f"{machine.memory_gb:.0f} GB memory")
    parts.append(", ".join(gpu.name for gpu in machine.gpus) or "no GPU")
    return ", ".join(parts)


def findings(machine: Machine) -> list[Finding]:
    """What is wrong with a machine, the worst first, each with a way out; an empty list is a healthy machine."""
    found = [
        *_gpu_findings(machine),
        *_version_findings(machine),
        *_environment_findings(machine),
        *_size_findings(machine),
    ]
    return sorted(found, key=lambda finding: ("blocks", "warning", "note").index(finding.level))


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
            _chosen(name, known, machine.environment)
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
    if not machine.gpus and not flags & {"amx_bf16", "avx512_bf16"}:
        what = "The CPU has no bfloat16 that TensorFlow could use: expect up to twice the minutes that lessons state."
        found.append(Finding("note", what, "Nothing is wrong; the lessons compute in float32 here."))
    return found


def look_at_machine(folder: Path | None = None) -> Machine:
    """Look at the computer this runs on. Imports TensorFlow, which takes some seconds the first time.

    Args:
        folder: where the data lie, for the free disk space; the current folder if None.
    """
    import psutil

    backend, data_format = _keras_settings()
    names = ("GAN_LIB_PRESET", "GAN_LIB_PRECISION", "CUDA_VISIBLE_DEVICES")
    names += ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
    return Machine(
        system=platform.system() or "an unknown system",
        python=platform.python_version(),
        versions={package: _version(package) for package in PACKAGES},
        cores=_cores(),
        cpu_flags=cpu_flags(),
        gpus=_gpus(),
        nvidia=_nvidia_present(),
        wsl="microsoft" in platform.release().lower(),
        memory_gb=psutil.virtual_memory().total / 1e9,
        disk_free_gb=_disk_free_gb(folder or Path.cwd()),
        keras_backend=backend,
        image_data_format=data_format,
        environment={name: os.environ[name] for name in names if name in os.environ},
    )


def cpu_flags(system: str | None = None, cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str] | None:
    """Those of `CPU_FLAGS` that this CPU has, or None where the system does not tell (Windows)."""
    system = system or platform.system()
    try:
        if system == "Linux":
            text = cpuinfo.read_text(errors="replace")
        elif system == "Darwin":
            command = ["sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features"]
            text = subprocess.run(command, capture_output=True, text=True, timeout=10).stdout
        else:
            return None
    except (OSError, subprocess.SubprocessError):
        return None
    words = set(text.lower().split())
    return frozenset(flag for flag in CPU_FLAGS if flag in words)


def _chosen(name: str, known: tuple[str, ...], environment: Any) -> str | None:
    """What the environment variable asks for, None if it is unset or empty."""
    value = environment.get(name, "").strip()
    if value and value not in known:
        raise ValueError(f"{name} is {value!r}; one of {', '.join(known)} was expected.")
    return value or None


@functools.cache
def _gpus() -> tuple[Gpu, ...]:
    try:
        import tensorflow as tf
    except ImportError:
        return ()
    found = []
    for device in tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(device)
        found.append(Gpu(details.get("device_name", "GPU"), details.get("compute_capability")))
    return tuple(found)


def _nvidia_present() -> bool:
    """Whether the system knows of an NVIDIA card: the driver's folder, or an `nvidia-smi` that lists one."""
    if any(Path("/proc/driver/nvidia/gpus").glob("*")):
        return True
    command = shutil.which("nvidia-smi")
    if command is None:
        return False
    try:
        listed = subprocess.run([command, "-L"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return False
    return listed.returncode == 0 and "GPU" in listed.stdout


def _keras_settings() -> tuple[str, str]:
    """Keras' backend and image layout. Read without building anything, since a foreign backend may not be installed."""
    try:
        import keras
    except Exception:  # a backend that is not installed fails in many ways, and all mean the same here
        return os.environ.get("KERAS_BACKEND", "unknown"), "channels_last"
    return keras.config.backend(), keras.config.image_data_format()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        pass
    if package == "tensorflow":  # builds under another name (tensorflow-cpu, a vendor's) are TensorFlow all the same
        try:
            import tensorflow as tf
        except ImportError:
            return None
        return tf.__version__
    return None


def _major_minor(version: str) -> tuple[int, int]:
    numbers = ["".join(character for character in part if character.isdigit()) for part in version.split(".")[:2]]
    return tuple(int(number or 0) for number in [*numbers, "0"][:2])  # type: ignore[return-value]


def _cores() -> int:
    """The cores this process may use, which in a container are fewer than the machine's."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _disk_free_gb(folder: Path) -> float | None:
    """Free space in GB at a folder, or at the nearest parent that exists."""
    for place in (folder, *folder.absolute().parents):
        if place.exists():
            return shutil.disk_usage(place).free / 1e9
    return None
