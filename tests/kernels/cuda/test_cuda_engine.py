"""The engine of a GPU against that of the CPU: the fused kernels built for the CPU, on arrays that stand in for
CuPy's."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from stand_in.cuda_on_cpu import CandidateBuilder
from stand_in.cupy_like import cupy_like

from kernels.backend import Device, DeviceKind, choose_device
from kernels.cuda import loader, portfolio_measures
from kernels.cuda.engine import GpuEngine
from kernels.devices import CpuEngine, engine_on
from kernels.lines import Line
from kernels.reference.portfolio import Portfolios, portfolios_from_dense
from kernels.reference.unit_npv import schedule_values
from kernels.terms import ScheduleTerm, Term, WindowTerm

SCENARIOS, CANDIDATES, MONTHS = 24, 6, 37


@pytest.fixture(params=["CPU", "cupy"])
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Device:
    if request.param == "cupy":
        if not request.config.getoption("--run-gpu"):
            pytest.skip("needs an NVIDIA GPU; run with --run-gpu")
        return choose_device("gpu")
    builder: CandidateBuilder = request.getfixturevalue("builder")
    module = cupy_like()
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(loader, "compiled", builder.kernel)
    return Device(DeviceKind.GPU, "GPU: a stand-in", module)


@pytest.fixture
def held() -> Portfolios:
    rng = np.random.default_rng(8)
    return portfolios_from_dense(rng.uniform(0.2, 2.0, (40, CANDIDATES)) * (rng.random((40, CANDIDATES)) < 0.6))


WEIGHTS = {
    "equal": np.full(SCENARIOS, 1 / SCENARIOS),
    "one of weight 0": np.concatenate(([0.0], np.full(SCENARIOS - 1, 1 / (SCENARIOS - 1)))),
    "unequal": np.arange(1.0, SCENARIOS + 1) / (SCENARIOS * (SCENARIOS + 1) / 2),
}


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_npv_measures_are_those_of_the_cpu_for_any_pieces(
    gpu: Device, held: Portfolios, weights: np.ndarray, dtype: type, tolerance: float
) -> None:
    unit = np.random.default_rng(1).normal(1.0, 3.0, (CANDIDATES, SCENARIOS)).astype(dtype)
    fast, plain = engine_on(gpu, threads=2), CpuEngine(1)
    assert isinstance(fast, GpuEngine)
    expected = plain.npv_measures(held, plain.brought(unit), weights, alpha=0.9, budget_bytes=1 << 30)
    brought = fast.brought(unit)
    assert type(brought).__module__.partition(".")[0] == "cupy"
    whole, pieces = (
        fast.npv_measures(held, brought, weights, alpha=0.9, budget_bytes=budget) for budget in (1 << 30, 1)
    )
    for name, values in vars(expected).items():
        found = getattr(whole, name)
        assert type(found) is np.ndarray
        np.testing.assert_allclose(found, values, rtol=tolerance, atol=10 * tolerance, err_msg=name)
        np.testing.assert_array_equal(getattr(pieces, name), found, err_msg=name)
    assert bool(fast.not_fused) == (weights is WEIGHTS["unequal"])


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_path_measures_are_those_of_the_cpu_for_any_pieces(gpu: Device, held: Portfolios, weights: np.ndarray) -> None:
    cash = np.random.default_rng(2).normal(1.0, 2.0, (CANDIDATES, SCENARIOS, MONTHS))
    cash[:, :, :5] -= 5.0
    fast, plain = engine_on(gpu, threads=1), CpuEngine(1)
    expected = plain.path_measures(
        held, plain.cumulative_paths(cash, dtype=np.float64, budget_bytes=1), weights, alpha=0.9, budget_bytes=1 << 30
    )
    for budget in (1 << 30, 1):
        ready = fast.cumulative_paths(cash, dtype=np.float64, budget_bytes=budget)
        found = fast.path_measures(held, ready, weights, alpha=0.9, budget_bytes=budget)
        for name, values in vars(expected).items():
            assert type(getattr(found, name)) is np.ndarray
            np.testing.assert_allclose(getattr(found, name), values, rtol=1e-12, atol=1e-12, err_msg=name)


def _blocks() -> tuple[list[list[Term]], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    paths = rng.lognormal(0.0, 0.3, (3, SCENARIOS, MONTHS))
    events = np.concatenate((rng.integers(0, 10, (2, SCENARIOS)), rng.integers(5, MONTHS + 1, (2, SCENARIOS))))
    discount = 1.1 ** -((np.arange(MONTHS) + 0.5) / 12)
    values = schedule_values(np.array([[0.5, 0.3, 0.2]]), discount)

    def window(line: Line, units: int) -> WindowTerm:
        return WindowTerm(
            line, rng.normal(size=units), rng.integers(0, 3, units), rng.integers(0, 2, units),
            rng.integers(2, 4, units),
        )

    blocks: list[list[Term]] = [
        [
            window(Line.REVENUE, 4),
            ScheduleTerm(Line.DEPRECIATION, rng.random(4), np.zeros(4, dtype=np.int64), rng.integers(0, 2, 4)),
        ],
        [window(Line.ENERGY, 1), window(Line.INTEREST, 1)],
    ]
    return blocks, paths, events, values, discount


def test_unit_npvs_of_all_blocks_are_those_of_the_cpu(gpu: Device) -> None:
    blocks, *tables = _blocks()
    expected = CpuEngine(1).unit_npv(blocks, *tables, tax_rate=0.3)
    found = engine_on(gpu, threads=1).unit_npv(blocks, *tables, tax_rate=0.3)
    assert type(found) is np.ndarray
    assert expected.shape == (5, SCENARIOS)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_device_out_of_memory_goes_on_in_halves(
    gpu: Device, held: Portfolios, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As CuPy's, the error is a MemoryError; pieces of more than seven portfolios, and strips of more than five
    scenarios, do not fit."""
    unit = np.random.default_rng(1).normal(1.0, 3.0, (CANDIDATES, SCENARIOS))
    cash = np.random.default_rng(2).normal(1.0, 2.0, (CANDIDATES, SCENARIOS, MONTHS))
    fast, weights = engine_on(gpu, threads=1), WEIGHTS["equal"]
    whole = fast.npv_measures(held, fast.brought(unit), weights, alpha=0.9, budget_bytes=1 << 30)
    running = fast.cumulative_paths(cash, dtype=np.float64, budget_bytes=1 << 30).running
    measure, bring, tries = portfolio_measures.portfolio_npv_measures, gpu.xp.asarray, []

    def small(portfolios: Portfolios, *arguments: object, **named: object) -> object:
        tries.append(len(portfolios))
        if len(portfolios) > 7:
            raise MemoryError("out of memory")
        return measure(portfolios, *arguments, **named)  # type: ignore[arg-type]

    def narrow(array: np.ndarray) -> object:
        if array.ndim == 3 and array.shape[1] > 5:
            raise MemoryError("out of memory")
        return bring(array)

    monkeypatch.setattr(portfolio_measures, "portfolio_npv_measures", small)
    again = fast.npv_measures(held, fast.brought(unit), weights, alpha=0.9, budget_bytes=1 << 30)
    assert tries[0] == 40
    assert sum(count for count in tries if count <= 7) == len(held)
    for name, values in vars(whole).items():
        np.testing.assert_array_equal(getattr(again, name), values, err_msg=name)
    if gpu.why == "GPU: a stand-in":
        monkeypatch.setattr(gpu.xp, "asarray", narrow)
        strips = fast.cumulative_paths(cash, dtype=np.float64, budget_bytes=1 << 30).running
        np.testing.assert_array_equal(strips, running)
