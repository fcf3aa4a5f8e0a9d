"""Portfolios that stream from files score bit for bit as those in memory, whatever the pieces."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scoring_case import ScoringCase

import planner.scoring.long_table as long_table
import planner.scoring.score as score_module
from planner.candidates.packages import site_packages
from planner.errors import PlannerError
from planner.runtime.memory import memory_bytes
from planner.scoring.files import open_portfolios, write_long, write_packages
from planner.scoring.long_table import from_table
from planner.scoring.neighbours import neighbours
from planner.scoring.pareto import Leaders, pareto
from planner.scoring.score import ScoreOptions, Scoring, score_portfolios
from planner.scoring.score_folder import write_scores
from planner.scoring.subsets import Subsets

FEW = ScoreOptions(scenarios=30, threads=1)


def test_subsets_of_a_file_in_small_pieces_equal_those_in_memory(
    planned: ScoringCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Subsets(site_packages(planned.candidates, planned.levels))
    whole = score_portfolios(planned.candidates, source.whole(), FEW)
    path = tmp_path / "p.parquet"
    write_packages(path, source, planned.candidates, {"plan": "base"})
    monkeypatch.setattr(score_module, "AT_ONCE", 3)
    pieces = score_portfolios(
        planned.candidates, open_portfolios(path, planned.candidates), dataclasses.replace(FEW, threads=2)
    )
    assert len(whole.table) == source.count > 3
    pd.testing.assert_frame_equal(whole.table, pieces.table, check_exact=True)
    assert len(whole.broken) > 0
    pd.testing.assert_frame_equal(
        whole.broken.astype({"portfolio": str, "family": str, "name": str}),
        pieces.broken.astype({"portfolio": str, "family": str, "name": str}), check_exact=True,
    )


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize("paths", [True, False])
def test_a_long_table_read_row_by_row_equals_the_table_in_memory(
    planned: ScoringCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, paths: bool
) -> None:
    near = neighbours(planned.candidates, planned.levels, 4)
    table = _long(planned, near)
    options = dataclasses.replace(FEW, paths=paths)
    whole = score_portfolios(planned.candidates, from_table(planned.candidates, table), options).table
    path = tmp_path / f"p.{ending}"
    if ending == "csv":
        table.to_csv(path, index=False, float_format="%.17g")
    else:
        table.to_parquet(path, index=False, row_group_size=50)
    monkeypatch.setattr(long_table, "ROWS_AT_ONCE", 70)
    read = score_portfolios(planned.candidates, open_portfolios(path, planned.candidates), options).table
    shared = [name for name in whole.columns if not name.startswith(("irr_median", "irr_low", "irr_one"))]
    pd.testing.assert_frame_equal(whole[shared], read[shared], check_exact=True)
    # The same portfolios as packages of the plan and changes, to rounding.
    packages = score_portfolios(planned.candidates, near, options).table
    np.testing.assert_allclose(packages["mean_npv_usd"], whole["mean_npv_usd"], rtol=1e-5)
    assert list(packages["portfolio"]) == list(whole["portfolio"])


def _long(planned: ScoringCase, bunch) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    levels = bunch.items.levels.toarray()
    frames = []
    for number, name in enumerate(bunch.names):
        part = bunch.portfolios.part(slice(number, number + 1))
        total = part.levels @ levels[part.candidates]
        held = np.flatnonzero(total)
        frames.append(
            pd.DataFrame(
                {
                    "portfolio": name,
                    "candidate_id": planned.candidates.table["candidate_id"].to_numpy()[bunch.items.held[held]],
                    "level": total[held],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def test_rows_of_a_portfolio_that_stand_apart_in_a_large_file_are_refused(
    planned: ScoringCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_table, "ROWS_AT_ONCE", 20)
    table = pd.concat([planned.plan.portfolio.assign(portfolio=name) for name in ("one", "two")])
    apart = pd.concat([table, table.iloc[:5]])
    apart.to_parquet(tmp_path / "p.parquet", index=False, row_group_size=10)
    with pytest.raises(PlannerError, match="do not stand together; sort"):
        list(open_portfolios(tmp_path / "p.parquet", planned.candidates).pieces(100))


def test_what_is_written_piece_by_piece_is_what_was_scored(
    planned: ScoringCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Subsets(site_packages(planned.candidates, planned.levels))
    whole = score_portfolios(planned.candidates, source, FEW)
    monkeypatch.setattr(score_module, "AT_ONCE", 3)
    for target in (tmp_path / "scores", tmp_path / "s.parquet", tmp_path / "s.csv"):
        scoring, leaders = Scoring(planned.candidates, FEW), Leaders(3)
        for piece in write_scores(scoring, scoring.pieces(source), planned.plan.case, target):
            assert not target.exists(), "the result appears at the end"
            leaders.add(piece.table)
        assert leaders.count == len(whole.table)
        feasible = whole.table[whole.table["limits_broken"] == 0]
        assert list(leaders.best["portfolio"]) == list(feasible.nlargest(3, "mean_npv_usd")["portfolio"])
        assert list(leaders.front["portfolio"]) == list(pareto(feasible)["portfolio"])
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "s.parquet"), whole.table, check_exact=True, check_dtype=False
    )
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "scores" / "scores.parquet"), whole.table, check_exact=True, check_dtype=False
    )
    assert len(pd.read_parquet(tmp_path / "scores" / "broken.parquet")) == len(whole.broken)
    written = pd.read_csv(tmp_path / "s.csv", keep_default_na=False)
    np.testing.assert_allclose(written["mean_npv_usd"], whole.table["mean_npv_usd"], rtol=1e-7)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.csv", "s.parquet", "scores"]


def test_little_memory_means_smaller_pieces_and_the_same_scores(planned: ScoringCase) -> None:
    near = neighbours(planned.candidates, planned.levels, 8)
    plenty = score_portfolios(planned.candidates, near, dataclasses.replace(FEW, float64=True)).table
    need = Scoring(planned.candidates, FEW)._values_bytes(len(near.items))
    tight = dataclasses.replace(FEW, float64=True, memory_bytes=2 * need)
    pd.testing.assert_frame_equal(plenty, score_portfolios(planned.candidates, near, tight).table, check_exact=True)
    with pytest.raises(PlannerError, match="raise --memory"):
        score_portfolios(planned.candidates, near, dataclasses.replace(tight, memory_bytes=need // 20))


def test_sizes_of_memory_are_read_as_written() -> None:
    assert memory_bytes("4") == memory_bytes("4G") == memory_bytes("4096 MB") == 4 << 30
    for written in ("a lot", "4T", "-1G", "10M"):
        with pytest.raises(PlannerError, match="--memory"):
            memory_bytes(written)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"candidate_id": "serve:nowhere"}, "no candidate"), ({"level": float("nan")}, "no number"),
        ({"portfolio": None}, "no portfolio"),
    ],
)
def test_portfolios_that_mean_nothing_are_refused(planned: ScoringCase, change: dict[str, object], said: str) -> None:
    table = planned.plan.portfolio.assign(**change)
    with pytest.raises(PlannerError, match=said):
        from_table(planned.candidates, table)
    with pytest.raises(PlannerError, match="lack the column level"):
        from_table(planned.candidates, planned.plan.portfolio.drop(columns=["level"]))
    with pytest.raises(PlannerError, match="no rows"):
        from_table(planned.candidates, planned.plan.portfolio.iloc[:0])


def test_packages_are_written_as_parquet_alone(planned: ScoringCase, tmp_path: Path) -> None:
    source = Subsets(site_packages(planned.candidates, planned.levels))
    with pytest.raises(PlannerError, match=r"ends in \.parquet"):
        write_packages(tmp_path / "p.csv", source, planned.candidates, {})
    with pytest.raises(PlannerError, match=r"\.parquet or \.csv"):
        write_long(tmp_path / "p.xlsx", site_packages(planned.candidates, planned.levels), planned.candidates)
    (tmp_path / "bad.parquet").write_text("not parquet")
    with pytest.raises(PlannerError, match="cannot be read as Parquet"):
        open_portfolios(tmp_path / "bad.parquet", planned.candidates)
    with pytest.raises(PlannerError, match="not a file of portfolios"):
        open_portfolios(tmp_path / "none.parquet", planned.candidates)
