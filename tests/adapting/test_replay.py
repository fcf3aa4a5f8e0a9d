"""A policy read back and replayed: as it was made, in any order of work, and after an interruption."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from adapting.waiting_case import adapted, waiting_case

import planner
from planner.adapting.policy import Policy
from planner.adapting.policy_folder import read_policy, write_policy
from planner.adapting.replay import ReplayOptions, futures_to_walk, replay
from planner.adapting.walk import Walker
from planner.case.write import write_case
from planner.errors import PlannerError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, Path]:
    """A policy with two reviews, and its folder."""
    where = tmp_path_factory.mktemp("policy")
    write_case(waiting_case(4), where / "case")
    found = adapted(planner.read(where / "case"), reviews=("2027-10", "2028-07"), branches=(2, 2), scenarios=24)
    return found, write_policy(found, where / "policy")


def test_a_folder_holds_the_policy(made: tuple[Policy, Path]) -> None:
    found, folder = made
    again = read_policy(folder)
    assert found.best is not None
    assert again.best is not None
    assert again.best.objective_usd == pytest.approx(found.best.objective_usd, rel=1e-9)
    np.testing.assert_allclose(again.best.npv_usd, found.best.npv_usd, rtol=1e-6)
    for one, other in zip(found.choices, again.choices, strict=True):
        assert one.decision.verdict is other.decision.verdict
        assert (one.sign is None) == (other.sign is None)
    decisions, nodes = (pd.read_csv(folder / f"{name}.csv") for name in ("decisions", "nodes"))
    assert set(decisions["verdict"]) <= {"now", "open", "later", "never"}
    leaves = nodes[~nodes["node"].isin(nodes["parent"].astype(str))]
    assert leaves["probability"].sum() == pytest.approx(1.0)
    mean = float((leaves["probability"] * leaves["mean_npv_usd"]).sum())
    assert mean == pytest.approx(found.measure.mean(found.best.npv_usd), rel=1e-9)
    record = json.loads((folder / "policy.json").read_text(encoding="utf-8"))
    assert record["value_of_adapting_usd"] == pytest.approx(found.value_of_adapting_usd, rel=1e-9, abs=1e-3)


def test_on_its_own_futures_the_rule_is_the_policy(made: tuple[Policy, Path]) -> None:
    found, _ = made
    walker = Walker(found, found.futures, rule=True)
    assert found.best is not None
    walked = [walker(number).rule_usd for number in range(len(found.futures))]
    np.testing.assert_allclose(walked, found.best.npv_usd, rtol=1e-9)


def test_each_way_is_bounded_by_the_plan_that_knew(made: tuple[Policy, Path]) -> None:
    found, _ = made
    walker = Walker(found, futures_to_walk(found, ReplayOptions(futures=4)), rule=False)
    for number in range(4):
        one = walker(number)
        ways = (one.policy_usd, one.rule_usd, one.steady_usd, one.base_usd, one.base_again_usd)
        assert max(ways) <= one.known_usd + 1e-6 * abs(one.known_usd) + 1.0


def test_who_is_interrupted_goes_on_to_the_same_bytes(made: tuple[Policy, Path], tmp_path: Path) -> None:
    _, folder = made
    options = ReplayOptions(futures=5, workers=1)
    whole = replay(folder, options, out=tmp_path / "whole")
    assert not whole.interrupted

    def stop(done: int, of: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    part = replay(folder, options, out=tmp_path / "parted", progress=stop)
    assert part.interrupted
    assert len(part.walked) == 3
    assert not (tmp_path / "parted").exists()
    replay(folder, options, out=tmp_path / "parted", resume=True)
    for name in ("replay.csv", "ways.csv", "signs.csv"):
        assert (tmp_path / "parted" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_workers_change_nothing(made: tuple[Policy, Path], tmp_path: Path) -> None:
    _, folder = made
    alone, shared = (
        replay(folder, ReplayOptions(futures=4, workers=workers), out=tmp_path / str(workers)) for workers in (1, 2)
    )
    pd.testing.assert_frame_equal(alone.table, shared.table)


def test_the_summary_is_that_of_the_table(made: tuple[Policy, Path], tmp_path: Path) -> None:
    _, folder = made
    found = replay(folder, ReplayOptions(futures=6, rule=True), out=tmp_path / "ruled")
    table, ways = (pd.read_csv(tmp_path / "ruled" / f"{name}.csv") for name in ("replay", "ways"))
    row = ways.set_index("way").loc["steady"]
    difference = table["rule_npv_usd"] - table["steady_npv_usd"]
    assert row["mean_npv_usd"] == pytest.approx(table["steady_npv_usd"].mean())
    assert row["policy_less_usd"] == pytest.approx(difference.mean(), abs=1.0)
    assert row["policy_less_error_usd"] == pytest.approx(difference.std(ddof=1) / np.sqrt(6), rel=1e-6, abs=1e-3)
    beyond = difference.mean() > difference.std(ddof=1) / np.sqrt(6)
    assert ("not better" in found.verdict) != beyond


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"seed": 1}, "draws the futures that the policy was made for"), ({"futures": 0}, "give 1 or more"),
    ],
)
def test_what_cannot_be_replayed_is_refused(made: tuple[Policy, Path], asked: dict[str, Any], words: str) -> None:
    found, folder = made
    if "seed" in asked:
        asked = {"seed": found.futures.seed}
    with pytest.raises(PlannerError, match=words):
        replay(folder, ReplayOptions(**asked))
