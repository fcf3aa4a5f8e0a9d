from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from stand_in.cupy_like import cupy_like

from kernels import backend
from kernels.backend import (
    Device,
    DeviceError,
    DeviceKind,
    array_beside,
    array_namespace,
    choose_device,
    count_beside,
    require_floating,
    running_sum,
    zeros_beside,
)


def test_arrays_of_one_library_give_its_namespace(library) -> None:
    x = library.array([1.0, 2.0])
    xp = array_namespace(x, x + 1.0)
    assert hasattr(xp, "take_along_axis")
    two = library.array([[1.0, 2.0], [3.0, 4.0]])
    assert library.back(running_sum(two, axis=1)).tolist() == [[1.0, 3.0], [3.0, 7.0]]
    assert library.back(running_sum(two, axis=0, include_initial=True)).tolist() == [[0.0, 0.0], [1.0, 2.0], [4.0, 6.0]]
    assert library.back(zeros_beside((2, 1), two)).tolist() == [[0.0], [0.0]]
    assert library.back(count_beside(3, x)).tolist() == [0, 1, 2]
    assert library.back(array_beside([1, 2], x, dtype=xp.float32) * 2.0).tolist() == [2.0, 4.0]


def test_two_libraries_in_one_call_are_refused() -> None:
    strict = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    with pytest.raises(TypeError, match=r"array_api_strict.*numpy"):
        array_namespace(np.ones(2), strict.ones(2))


@pytest.mark.parametrize("value", [[1.0], 1.0, np.float64(1.0), None])
def test_what_is_no_array_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="an array expected"):
        array_namespace(value)


def test_whole_numbers_are_not_taken_for_money() -> None:
    require_floating(np.ones(1, np.float32), np.ones(1))
    with pytest.raises(TypeError, match="int64"):
        require_floating(np.ones(1, np.int64))


def test_the_cpu_can_be_asked_for() -> None:
    device = choose_device("cpu")
    assert (device.kind, device.xp) == (DeviceKind.CPU, np)
    assert "\n" not in device.why
    assert device.free_bytes() > 1 << 20


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ValueError, match="use auto, cpu or gpu"):
        choose_device("cuda")


def test_without_a_driver_auto_is_the_cpu_and_a_gpu_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_CUDA_DRIVERS", ("libno-such-driver.so.1",))
    monkeypatch.setitem(sys.modules, "cupy", None)  # an import of it would raise
    device = choose_device("auto")
    assert (device.kind, device.why) == (DeviceKind.CPU, "CPU: no NVIDIA driver was found")
    with pytest.raises(DeviceError, match=r"no NVIDIA driver.*\[gpu\]"):
        choose_device("gpu")


def _device_with_fake_cupy(monkeypatch: pytest.MonkeyPatch, total: object) -> backend.Device:
    class Fake:
        __version__ = "0"
        float64 = float

        class cuda:
            @staticmethod
            def get_current_stream() -> type:
                return type("Stream", (), {"synchronize": staticmethod(lambda: None)})

            @staticmethod
            def Device() -> object:
                return type("Id", (), {"id": 0})

            class runtime:
                @staticmethod
                def getDeviceProperties(number: int) -> dict[str, bytes]:
                    return {"name": b"Test GPU"}

        @staticmethod
        def arange(count: int, dtype: type) -> np.ndarray:
            return np.arange(count, dtype=dtype)

        @staticmethod
        def sum(values: np.ndarray) -> object:
            if isinstance(total, Exception):
                raise total
            return values.sum() if total is None else total

    monkeypatch.setattr(backend, "_driver_is_present", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "cupy", Fake)
    return choose_device("auto")


def test_a_gpu_is_taken_only_when_its_kernel_comes_back_right(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _device_with_fake_cupy(monkeypatch, None)
    assert device.kind is DeviceKind.GPU
    assert "Test GPU" in device.why
    device = _device_with_fake_cupy(monkeypatch, 1.0)
    assert device.kind is DeviceKind.CPU
    assert "came back with 1.0" in device.why
    device = _device_with_fake_cupy(monkeypatch, RuntimeError("driver too old\nmore"))
    assert device.kind is DeviceKind.CPU
    assert device.why == "CPU: CuPy cannot run a kernel here (driver too old)"


def test_free_memory_of_a_gpu_counts_what_cupy_keeps_unused() -> None:
    module = cupy_like(free_bytes=1000)
    module.get_default_memory_pool = lambda: SimpleNamespace(free_bytes=lambda: 24)  # type: ignore[attr-defined]
    assert Device(DeviceKind.GPU, "GPU: a stand-in", module).free_bytes() == 1024


def test_kernels_import_nothing_but_numpy_and_scipy() -> None:
    modules = (
        "backend pieces draws correlation factor_models irr reference.measures cpu.measures reference.paths "
        "cpu.path_bounds cpu.paths reference.portfolio cpu.portfolio devices cuda.engine"
    )
    code = (
        "import sys, importlib\n"
        f"for name in {modules.split()!r}: importlib.import_module('kernels.' + name)\n"
        "from kernels.backend import choose_device\n"
        "choose_device('cpu')\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'planner', 'pandas', 'pulp', 'cupy', "
        "'highspy', 'pyarrow', 'numba'}))\n"
    )
    root = importlib.util.find_spec("kernels").submodule_search_locations[0].rpartition("kernels")[0]
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert answer.stdout.strip() == ""
