"""One body, every array library: NumPy, NumPy that cannot be written to, the strict namespace on two devices, CuPy and
its stand-in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from stand_in.cupy_like import asnumpy, cupy_like


@dataclass(frozen=True)
class Library:
    """How to bring arrays to a library and back."""

    name: str
    bring: Callable[[np.ndarray], Any]
    back: Callable[[Any], np.ndarray]

    def array(self, values: Any, dtype: Any = np.float64) -> Any:
        return self.bring(np.array(values, dtype=dtype))


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _strict(device_name: str) -> Library:
    xp = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    device = xp.Device(device_name)

    def back(array: Any) -> np.ndarray:
        assert array.device == device, f"the result left the device: {array.device}"
        return np.asarray(array.to_device(xp.Device("CPU_DEVICE")))

    return Library(f"strict on {device_name}", lambda array: xp.asarray(array, device=device), back)


def _cupy(request: pytest.FixtureRequest) -> Library:
    if not request.config.getoption("--run-gpu"):
        pytest.skip("needs an NVIDIA GPU; run with --run-gpu")
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    return Library("cupy", cupy.asarray, cupy.asnumpy)


def _cupy_like(request: pytest.FixtureRequest) -> Library:
    module = cupy_like()
    request.getfixturevalue("monkeypatch").setitem(sys.modules, "cupy", module)

    def back(array: Any) -> np.ndarray:
        assert isinstance(array, np.generic | module.ndarray), f"the result left the device: {type(array)}"  # type: ignore[name-defined]
        return asnumpy(array)

    return Library("CuPy's functions on the CPU", module.asarray, back)  # type: ignore[attr-defined]


@pytest.fixture(params=["numpy", "numpy read-only", "strict", "strict, other device", "cupy's functions", "cupy"])
def library(request: pytest.FixtureRequest) -> Library:
    """Each array library in turn; a body that runs on all of them uses the standard and writes nothing in place."""
    if request.param == "numpy":
        return Library("numpy", np.asarray, np.asarray)
    if request.param == "numpy read-only":
        return Library("numpy read-only", _read_only, np.asarray)
    if request.param == "strict":
        return _strict("CPU_DEVICE")
    if request.param == "strict, other device":
        return _strict("device1")
    if request.param == "cupy's functions":
        return _cupy_like(request)
    return _cupy(request)
