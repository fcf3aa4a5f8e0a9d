"""`--device gpu`: the same scores from the fused kernels, here built for the CPU and fed with arrays that stand in for
CuPy's."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from scoring_case import ScoringCase
from stand_in.cuda_on_cpu import CandidateBuilder, compiler
from stand_in.cupy_like import cupy_like

from kernels.backend import Device, DeviceError, DeviceKind
from kernels.cuda import loader, portfolio_measures
from planner.candidates.packages import site_packages
from planner.errors import PlannerError
from planner.runtime import device as planner_device
from planner.scoring.score import ScoreOptions, Scoring, score_portfolios
from planner.scoring.subsets import Subsets

FEW = ScoreOptions(scenarios=12, float64=True, threads=2, device="cpu")


@pytest.fixture
def gpu(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if compiler() is None:
        pytest.skip("no C++ compiler (g++ or clang++) here to run CUDA kernels on the CPU")
    module = cupy_like()
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(loader, "compiled", CandidateBuilder(tmp_path_factory.mktemp("cuda")).kernel)
    chosen = {
        "gpu": Device(DeviceKind.GPU, "GPU: a stand-in", module), "cpu": Device(DeviceKind.CPU, "CPU: asked for", np)
    }
    monkeypatch.setattr(planner_device, "choose_device", chosen.__getitem__)


@pytest.mark.usefixtures("gpu")
def test_scores_from_a_gpu_are_those_of_the_cpu(planned: ScoringCase) -> None:
    source = Subsets(site_packages(planned.candidates, planned.levels))
    plain = score_portfolios(planned.candidates, source, FEW).table
    scoring = Scoring(planned.candidates, dataclasses.replace(FEW, device="gpu"))
    (piece,) = scoring.pieces(source)
    assert scoring.device.why == "GPU: a stand-in"
    assert scoring.not_fused == {}
    assert list(piece.table.columns) == list(plain.columns)
    for name in plain.columns:
        values = plain[name]
        if values.dtype.kind == "f":
            scale = np.abs(values[np.isfinite(values)]).max() if np.isfinite(values).any() else 1.0
            np.testing.assert_allclose(piece.table[name], values, rtol=1e-9, atol=1e-9 * max(scale, 1.0), err_msg=name)
        else:
            assert piece.table[name].tolist() == values.tolist(), name


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("error", [DeviceError("use fewer scenarios"), MemoryError("use fewer scenarios")])
def test_what_does_not_fit_a_gpu_is_said_with_the_remedy(
    planned: ScoringCase, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(portfolio_measures, "portfolio_npv_measures", refuse)
    with pytest.raises(PlannerError, match="use fewer scenarios"):
        score_portfolios(
            planned.candidates, Subsets(site_packages(planned.candidates, planned.levels)),
            dataclasses.replace(FEW, device="gpu"),
        )


def test_a_gpu_that_is_not_there_is_said_with_the_remedy(planned: ScoringCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernels.backend._CUDA_DRIVERS", ("libno-such-driver.so.1",))
    with pytest.raises(PlannerError, match=r"a GPU was asked for, but no NVIDIA driver was found; use the CPU"):
        Scoring(planned.candidates, dataclasses.replace(FEW, device="gpu"))
    with pytest.raises(PlannerError, match="use auto, cpu or gpu"):
        Scoring(planned.candidates, dataclasses.replace(FEW, device="cuda"))
    assert Scoring(
        planned.candidates, dataclasses.replace(FEW, device="auto")
    ).device.why == "CPU: no NVIDIA driver was found"
