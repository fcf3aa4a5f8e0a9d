"""Scores by partitions: the same as in one go, whatever is interrupted, spoiled or asked twice."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cluster_case import FILES, Made

from planner.errors import PlannerError
from planner.scoring import score_partitions as room
from planner.scoring.files import open_portfolios
from planner.scoring.pareto import Leaders
from planner.scoring.partition_job import Worker
from planner.scoring.score import score_portfolios
from planner.scoring.score_partitions import score_partitions
from planner.storage.journal import unfinished
from planner.storage.partitions import How, file_of


def tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.read_parquet(folder / "scores.parquet"), pd.read_parquet(folder / "broken.parquet")


def run(made: Made, target: Path, **how: Any) -> room.Scored:
    return score_partitions(made.job(), made.parts(), str(target), How(**how), read_from="p")


def test_partitions_are_the_same_scores_as_one_go(made: Made, tmp_path: Path) -> None:
    target = tmp_path / "scores"
    scored = run(made, target)
    whole = score_portfolios(made.candidates, open_portfolios(made.file, made.candidates), made.job().options)
    found, broken = tables(target)
    pd.testing.assert_frame_equal(found, whole.table, check_exact=True)
    pd.testing.assert_frame_equal(broken.astype(str), whole.broken.astype(str))
    assert scored.leaders.count == len(whole.table) == sum(done.rows for done in scored.done)
    leaders = Leaders()
    leaders.add(whole.table)
    assert scored.leaders.within == leaders.within
    for found_rows, rows in ((scored.leaders.best, leaders.best), (scored.leaders.front, leaders.front)):
        pd.testing.assert_frame_equal(found_rows.reset_index(drop=True), rows.reset_index(drop=True), check_exact=True)
    assert scored.leaders.best["portfolio"].iloc[0] in set(
        pd.read_parquet(target / "futures.parquet").columns.str.removeprefix("npv_usd of ")
    )
    record = json.loads((target / "run.json").read_text())
    assert (record["portfolios"], record["partitions"]) == (len(whole.table), FILES)
    assert not Path(unfinished(str(target))).exists()


class _Cut(Exception):
    pass


def interrupted(made: Made, target: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """A run that dies when some partitions are done."""
    score = Worker.score
    count = 0

    def once(self: Worker, part: Any) -> Any:
        nonlocal count
        if count == after:
            raise _Cut
        count += 1
        return score(self, part)

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "score", once)
        with pytest.raises(_Cut):
            run(made, target)
    assert not target.exists()


def scored_again(made: Made, target: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Resume, and say which partitions were scored."""
    score, seen = Worker.score, list[int]()

    def noted(self: Worker, part: Any) -> Any:
        seen.append(part.number)
        return score(self, part)

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "score", noted)
        run(made, target, resume=True)
    return seen


def test_an_interrupted_run_goes_on_where_it_was(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(made, tmp_path / "whole")
    target = tmp_path / "scores"
    interrupted(made, target, monkeypatch, after=2)
    assert scored_again(made, target, monkeypatch) == [2, 3]
    for found, expected in zip(tables(target), tables(tmp_path / "whole"), strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    whole, again = (
        json.loads((folder / "run.json").read_text())["checksums"] for folder in (tmp_path / "whole", target)
    )
    assert whole == again


@pytest.mark.parametrize("table", ["scores", "broken", "leading"])
def test_a_part_that_is_not_as_it_was_written_is_scored_again(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    target = tmp_path / "scores"
    interrupted(made, target, monkeypatch, after=3)
    spoiled = Path(file_of(unfinished(str(target)), table, 1))
    content = bytearray(spoiled.read_bytes())
    content[len(content) // 2] ^= 1
    spoiled.write_bytes(content)
    assert scored_again(made, target, monkeypatch) == [1, 3]


def test_a_part_without_its_record_is_scored_again(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "scores"
    interrupted(made, target, monkeypatch, after=2)
    (Path(unfinished(str(target))) / "done" / "000000.json").write_text("{")
    assert scored_again(made, target, monkeypatch) == [0, 2, 3]


def test_another_job_does_not_go_on(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "scores"
    interrupted(made, target, monkeypatch, after=1)
    with pytest.raises(PlannerError, match="options differ"):
        score_partitions(made.job(scenarios=31), made.parts(), str(target), How(resume=True), read_from="p")
    changed = replace(made.parts(), fingerprint="other")
    with pytest.raises(PlannerError, match="portfolios differ"):
        score_partitions(
            replace(made.job(), fingerprint="other"), changed, str(target), How(resume=True), read_from="p"
        )


def test_threads_and_memory_may_differ_when_a_run_goes_on(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "scores"
    interrupted(made, target, monkeypatch, after=1)
    score_partitions(
        made.job(threads=2, memory_bytes=1 << 29), made.parts(), str(target), How(resume=True), read_from="p"
    )
    assert target.is_dir()


def test_what_is_unfinished_is_not_run_over(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "scores"
    interrupted(made, target, monkeypatch, after=1)
    with pytest.raises(PlannerError, match="--resume"):
        run(made, target)
    run(made, target, force=True)
    assert target.is_dir()


def test_nothing_to_resume_is_said(made: Made, tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="no unfinished run"):
        run(made, tmp_path / "scores", resume=True)


def test_scores_that_are_there_stay_unless_forced(made: Made, tmp_path: Path) -> None:
    target = tmp_path / "scores"
    run(made, target)
    before = (target / "run.json").read_text()
    with pytest.raises(PlannerError, match="--force"):
        run(made, target)
    assert (target / "run.json").read_text() == before
    run(made, target, force=True)


def test_a_disk_that_fills_up_keeps_what_was_finished(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "scores"
    run(made, target)
    before = (target / "run.json").read_text()
    written, fsync = [], os.fsync

    def full(number: int) -> None:
        written.append(number)
        if len(written) > 7:
            raise OSError(28, "No space left on device")
        fsync(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(PlannerError, match="No space left on device; what was finished before is kept"):
            run(made, target, force=True)
    assert (target / "run.json").read_text() == before
    assert not list(tmp_path.glob("**/.part-*"))
    score_partitions(made.job(), made.parts(), str(target), How(resume=True, force=True), read_from="p")
    assert json.loads((target / "run.json").read_text())["checksums"] == json.loads(before)["checksums"]


def test_a_store_is_read_from_and_written_to(made: Made, tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    import fsspec

    from planner.scoring.partitions import partitions_of

    store = fsspec.filesystem("memory")
    for file in made.folder.iterdir():
        store.pipe_file(f"/portfolios/{file.name}", file.read_bytes())
    parts = partitions_of("memory://portfolios")
    job = replace(made.job(), fingerprint=parts.fingerprint)
    score_partitions(job, parts, "memory://scores", How(), read_from="memory://portfolios")
    run(made, tmp_path / "scores")
    kept = json.loads(store.cat_file("/scores/run.json"))
    assert kept["checksums"] == json.loads((tmp_path / "scores" / "run.json").read_text())["checksums"]
    with pytest.raises(PlannerError, match="--force"):
        score_partitions(job, parts, "memory://scores", How(), read_from="memory://portfolios")
