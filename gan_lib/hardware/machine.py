"""Looking at the computer this runs on: a `Machine` with its versions, CPU, GPUs, memory, disk and environment.

Never in here: deciding anything from it (`choices`) or judging it (`advice`).
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CPU_FLAGS = ("amx_bf16", "avx512_bf16", "avx2")
PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "pillow", "scikit-image", "scikit-learn", "matplotlib")
ENVIRONMENT = (
    "GAN_LIB_PRESET",
    "GAN_LIB_PRECISION",
    "CUDA_VISIBLE_DEVICES",
    "KERAS_MAX_EPOCHS",
    "KERAS_MAX_STEPS_PER_EPOCH",
)


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


def summary(machine: Machine) -> str:
    """A machine in one line, for example "Linux, 2 CPU cores (avx2, amx_bf16), 25 GB memory, no GPU"."""
    flags = "flags unknown" if machine.cpu_flags is None else ", ".join(sorted(machine.cpu_flags)) or "no avx2"
    cores = "1 CPU core" if machine.cores == 1 else f"{machine.cores} CPU cores"
    parts = [machine.system + (" in WSL" if machine.wsl else ""), f"{cores} ({flags})"]
    if machine.memory_gb is not None:
        parts.append(f"{machine.memory_gb:.0f} GB memory")
    parts.append(", ".join(gpu.name for gpu in machine.gpus) or "no GPU")
    return ", ".join(parts)


def look_at_machine(folder: Path | None = None) -> Machine:
    """Look at the computer this runs on. Imports TensorFlow, which takes some seconds the first time.

    Args:
        folder: where the data lie, for the free disk space; the current folder if None.
    """
    import psutil

    gpus = visible_gpus()  # first of all, since it imports TensorFlow in silence
    backend, data_format = _keras_settings()
    return Machine(
        system=platform.system() or "an unknown system",
        python=platform.python_version(),
        versions={package: _version(package) for package in PACKAGES},
        cores=_cores(),
        cpu_flags=cpu_flags(),
        gpus=gpus,
        nvidia=_nvidia_present(),
        wsl="microsoft" in platform.release().lower(),
        memory_gb=psutil.virtual_memory().total / 1e9,
        disk_free_gb=_disk_free_gb(folder or Path.cwd()),
        keras_backend=backend,
        image_data_format=data_format,
        environment={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
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


@functools.cache
def visible_gpus() -> tuple[Gpu, ...]:
    """The graphics cards that TensorFlow can use; none where TensorFlow is not installed."""
    # With an NVIDIA card in the machine the start-up lines of TensorFlow may say why it is not used, so they stay.
    with contextlib.nullcontext() if _nvidia_present() else _without_chatter():
        try:
            import tensorflow as tf
        except ImportError:
            return ()
        devices = tf.config.list_physical_devices("GPU")
    found = []
    for device in devices:
        details = tf.config.experimental.get_device_details(device)
        found.append(Gpu(details.get("device_name", "GPU"), details.get("compute_capability")))
    return tuple(found)


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Send what is written to standard error below Python to nowhere; TF_CPP_MIN_LOG_LEVEL does not reach all of it."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error (pythonw on Windows)
        yield
        return
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


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
