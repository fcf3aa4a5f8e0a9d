"""The `.cu` files themselves: they compile for the GPU, ship with the package, and are read without CuPy."""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from stand_in.cuda_on_cpu import CandidateBuilder

from kernels.backend import DeviceError
from kernels.cuda import loader
from kernels.cuda.group import group_for, most_scenarios, padded

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "kernels" / "cuda").glob("*.cu"))
WIDEST = {"float32": most_scenarios(np.float32), "float64": most_scenarios(np.float64)}


def test_there_are_files() -> None:
    assert {
        "group.cu", "limits.cu", "portfolio_measures.cu", "portfolio_paths.cu", "unit_npv.cu"
    } == {path.name for path in FILES}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nvcc_compiles_every_file_for_hopper(path: Path, dtype: str, tmp_path: Path) -> None:
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("nvcc is not installed, so no GPU code is made here")
    written = tmp_path / "whole.cu"
    written.write_text(loader.source(path.name), encoding="utf-8")
    for scenarios in (1000, WIDEST[dtype]) if path.name.startswith("portfolio") else (1000,):
        flags = [f"-D{key}={value}" for key, value in group_for(scenarios, dtype).defines(dtype)]
        words = [nvcc, "-cubin", "-arch=sm_90", "-std=c++17", *flags, str(written), "-o", str(tmp_path / "whole.cubin")]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (tmp_path / "whole.cubin").stat().st_size > 0


def test_every_file_is_package_data() -> None:
    declared = tomllib.loads(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )["tool"]["setuptools"]["package-data"]["kernels"]
    for path in FILES:
        assert any(fnmatch.fnmatch(f"cuda/{path.name}", pattern) for pattern in declared), path.name


def test_included_files_are_put_in_place() -> None:
    text = loader.source("portfolio_paths.cu")
    assert "#include" not in text
    assert text.index("Real select_rank(") < text.index("    spread(const Real*")


def test_reading_and_refusing_need_no_cupy() -> None:
    code = (
        "import sys; sys.modules['cupy'] = None\n"
        "import numpy as np\n"
        "from kernels.cuda import loader, portfolio_measures, portfolio_paths, unit_npv\n"
        "assert loader.source('unit_npv.cu')\n"
        "print(portfolio_measures.can_use(np.ones((2, 3)), np.full(3, 1 / 3)))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == "(False, 'an array of CuPy expected, got one of numpy')"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scenarios", [1, 4, 31, 33, 127, 128, 512, 513, 1000, 1024, 1025, 5000, 16_384])
def test_a_group_holds_its_scenarios(scenarios: int, dtype: str) -> None:
    group = group_for(scenarios, dtype)
    assert group.pitch >= scenarios
    assert group.values % 4 == 0
    threads, groups = group.block
    assert threads * groups <= 1024
    assert threads % 32 == 0
    assert groups == 1 or group.warps == 1  # a barrier of the block may only stand where one group has it to itself
    assert group.pitch - scenarios < 4 * group.threads or group.values == 4


def test_no_group_for_too_many_scenarios() -> None:
    with pytest.raises(ValueError, match="1 to 32,768 scenarios expected in float32, got 32,769"):
        group_for(32_769, np.float32)


def test_padding_keeps_values_and_adds_zeros() -> None:
    table = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(padded(table, 5), [[0, 1, 2, 0, 0], [3, 4, 5, 0, 0]])


class _Kernel:
    max_threads_per_block, shared_size_bytes = 256, 1024
    calls: list[object]

    def __init__(self) -> None:
        self.calls = []

    def __call__(self, *words: object) -> None:
        self.calls.append(words)


def test_what_does_not_fit_is_not_launched() -> None:
    kernel = _Kernel()
    with pytest.raises(DeviceError, match="512 threads was asked for, and this kernel fits 256"):
        loader.launch(kernel, (1,), (512,), ())
    with pytest.raises(DeviceError, match=r"grid of \(1, 65536\) blocks"):
        loader.launch(kernel, (1, 65_536), (32,), ())
    kernel.shared_size_bytes = 50_000
    with pytest.raises(DeviceError, match="50000 bytes of shared memory"):
        loader.launch(kernel, (1,), (32,), ())
    kernel.shared_size_bytes = 0
    loader.launch(kernel, (0,), (32,), ())
    assert kernel.calls == []
    loader.launch(kernel, (3,), (32, 4), ("a",))
    assert kernel.calls == [((3,), (32, 4), ("a",))]


def test_other_types_have_no_kernel() -> None:
    with pytest.raises(TypeError, match="float16"):
        loader.real_type(np.float16)


FAULTY = """
extern "C" __global__ void missing(int* out) {
    __shared__ int place[64];
    place[threadIdx.x] = threadIdx.x;
    out[threadIdx.x] = place[63 - threadIdx.x];
    place[threadIdx.x] = -1;
}
extern "C" __global__ void apart(int* out) {
    if (threadIdx.x < 32) __syncthreads();
    else __shfl_sync(0xffffffffu, 1, 0);
    out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, (int)threadIdx.x, 1);
    if (threadIdx.x == 0) __syncthreads();
    else __shfl_sync(0xffffffffu, 1, 0);
}
"""


@pytest.mark.parametrize("name", ["missing", "apart"])
def test_the_stand_in_for_a_gpu_sees_faults(
    name: str, builder: CandidateBuilder, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loader, "source", lambda file: FAULTY)
    kernel = builder._kernel("faulty", name, ())
    out = np.zeros(64, dtype=np.int32)
    if name == "missing":  # a barrier: a thread reads before its neighbour has written, or after it has gone on
        kernel((1,), (64,), (out,))
        assert out.tolist() != list(range(63, -1, -1))
    else:  # threads of one warp at different barriers
        with pytest.raises(AssertionError, match="apart failed"):
            kernel((1,), (64,), (out,))
        assert "never open" in capfd.readouterr().err


def test_the_stand_in_checks_arguments(
    builder: CandidateBuilder, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        loader, "source",
        lambda file: 'extern "C" __global__ void twice(int n, double x, double* out) { *out = n * x; }',
    )
    kernel, out = builder._kernel("twice", "twice", ()), np.zeros(1)
    kernel((1,), (1,), (np.int32(2), np.float64(4.5), out))
    assert out.tolist() == [9.0]
    with pytest.raises(AssertionError, match="twice failed"):
        kernel((1,), (1,), (np.int64(2), np.float64(4.5), out))
    assert "argument 0 has 8 bytes, not 4" in capfd.readouterr().err
