"""Which array library the mathematics runs on: the namespace of the arrays at hand, and the device chosen at the
edge."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = Any
"""An array of any namespace that follows the array API standard (NumPy, CuPy, array-api-strict)."""

Namespace: TypeAlias = Any
"""The functions of the array API standard, as a module."""

_CUDA_DRIVERS = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1", "libcuda.so")
_ASSUMED_FREE_BYTES = 1 << 30
"""Where the system does not say how much memory is free."""


class DeviceKind(Enum):
    """Where the arrays live."""

    CPU = "cpu"
    GPU = "gpu"


class DeviceError(RuntimeError):
    """The device that was asked for cannot be used."""


@dataclass(frozen=True)
class Device:
    """The device chosen once at the edge: its kind, one line on what was chosen and why, and its namespace."""

    kind: DeviceKind
    why: str
    xp: Namespace

    def free_bytes(self) -> int:
        """Memory that is free on this device now, in bytes."""
        if self.kind is DeviceKind.GPU:
            free, _total = self.xp.cuda.runtime.memGetInfo()
            return int(free) + int(self.xp.get_default_memory_pool().free_bytes())  # blocks that CuPy keeps, unused
        return free_host_bytes()

    def from_host(self, array: npt.ArrayLike) -> Array:
        """The same array on this device."""
        return self.xp.asarray(array)


def array_namespace(*arrays: Array) -> Namespace:
    """The one namespace of all the arrays.

    Raises TypeError when an argument is no array, or when two of them come from different libraries: moving data
    between devices is a decision of the caller.
    """
    found: dict[str, Namespace] = {}
    for array in arrays:
        namespace = _namespace_of(array)
        found[namespace.__name__] = namespace
    if len(found) != 1:
        raise TypeError(f"arrays of one library expected, got {sorted(found) or 'none'}; convert them before the call")
    return next(iter(found.values()))


def _namespace_of(array: Array) -> Namespace:
    if _is_cupy(array):  # CuPy 14 has most functions of the standard, and no `__array_namespace__` on its arrays
        return sys.modules["cupy"]
    if isinstance(array, np.generic):
        raise TypeError(f"an array expected, got the scalar {array!r}")
    try:
        return array.__array_namespace__()
    except AttributeError:
        raise TypeError(f"an array expected, got {type(array).__name__}") from None


def _is_cupy(array: Array) -> bool:
    return type(array).__module__.partition(".")[0] == "cupy"


def array_beside(values: Any, beside: Array, *, dtype: Any) -> Array:
    """`values` (a number or nested sequence of numbers) as an array of the same library and device as `beside`."""
    xp = array_namespace(beside)
    if _is_cupy(beside):  # its creation functions know no `device`
        return xp.asarray(values, dtype=dtype)
    return xp.asarray(values, dtype=dtype, device=beside.device)


def count_beside(count: int, beside: Array) -> Array:
    """0, 1, ..., count - 1 as int64, on the device of `beside`."""
    xp = array_namespace(beside)
    if _is_cupy(beside):
        return xp.arange(count, dtype=xp.int64)
    return xp.arange(count, dtype=xp.int64, device=beside.device)


def zeros_beside(shape: tuple[int, ...], beside: Array) -> Array:
    """Zeros of a shape, of the dtype and on the device of `beside`."""
    xp = array_namespace(beside)
    if _is_cupy(beside):
        return xp.zeros(shape, dtype=beside.dtype)
    return xp.zeros(shape, dtype=beside.dtype, device=beside.device)


def running_sum(values: Array, /, *, axis: int, include_initial: bool = False) -> Array:
    """Sums up to and with each entry along an axis, with a 0 in front of them if asked for: the standard's
    `cumulative_sum`."""
    xp = array_namespace(values)
    if not _is_cupy(values):
        return xp.cumulative_sum(values, axis=axis, include_initial=include_initial)
    total = xp.cumsum(values, axis=axis)  # CuPy 14 has the older function alone
    if not include_initial:
        return total
    shape = list(values.shape)
    shape[axis] = 1
    return xp.concatenate([zeros_beside(tuple(shape), values), total], axis=axis)


def require_floating(*arrays: Array) -> None:
    """Raise TypeError unless every array is float32 or float64."""
    for array in arrays:
        xp = array_namespace(array)
        if array.dtype not in (xp.float32, xp.float64):
            raise TypeError(f"float32 or float64 expected, got {array.dtype}")


def to_host(array: Array) -> npt.NDArray[Any]:
    """A NumPy array with the same values; a CuPy array is copied from its device."""
    if _is_cupy(array):
        host: npt.NDArray[Any] = sys.modules["cupy"].asnumpy(array)
        return host
    return np.asarray(array)


def choose_device(choice: str) -> Device:
    """The device for "auto", "cpu" or "gpu".

    "auto" takes the GPU if a kernel launched there comes back with the right sum, else the CPU. CuPy is imported only
    where an NVIDIA driver is present. Raises DeviceError when a GPU is asked for and cannot be used, ValueError for
    another word.
    """
    if choice == "cpu":
        return Device(DeviceKind.CPU, "CPU: asked for", np)
    if choice not in ("auto", "gpu"):
        raise ValueError(f"device {choice!r} is not known; use auto, cpu or gpu")
    cupy, finding = _probe_gpu()
    if cupy is not None:
        reason = "asked for" if choice == "gpu" else "a probe kernel ran"
        return Device(DeviceKind.GPU, f"GPU: {reason}; {finding}", cupy)
    if choice == "gpu":
        raise DeviceError(
            f"a GPU was asked for, but {finding}; use the CPU (cpu or auto), or install the [gpu] extra and an NVIDIA "
            "driver"
        )
    return Device(DeviceKind.CPU, f"CPU: {finding}", np)


def _probe_gpu() -> tuple[Namespace | None, str]:
    """CuPy when it works on a GPU here, and what was found."""
    if not _driver_is_present():
        return None, "no NVIDIA driver was found"
    if importlib.util.find_spec("cupy") is None:
        return None, "CuPy is not installed"
    try:
        cupy = importlib.import_module("cupy")
        numbers = cupy.arange(1024, dtype=cupy.float64)
        total = cupy.sum(numbers * numbers)
        cupy.cuda.get_current_stream().synchronize()
        name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
        answer = float(total)
    except Exception as error:  # whatever a broken driver or installation raises is the finding
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        return None, f"CuPy cannot run a kernel here ({reason})"
    if answer != 1023 * 1024 * 2047 / 6:
        return None, f"the probe kernel on {name} came back with {answer}"
    return cupy, f"{name} with CuPy {cupy.__version__}"


def _driver_is_present() -> bool:
    for library in _CUDA_DRIVERS:
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        return True
    return False


def free_host_bytes() -> int:
    """Memory that this process may still take without swapping, in bytes."""
    candidates = [size for size in (_meminfo_available(), _cgroup_available()) if size is not None]
    if candidates:
        return min(candidates)
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _ASSUMED_FREE_BYTES


def _meminfo_available() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _cgroup_available() -> int | None:
    """What is left of the limit of a container (control groups, version 2)."""
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as limit, open(
            "/sys/fs/cgroup/memory.current", encoding="ascii"
        ) as used:
            return max(0, int(limit.read()) - int(used.read()))
    except (OSError, ValueError):  # absent, or "max"
        return None
