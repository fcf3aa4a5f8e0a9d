"""`planner plan --adapt` and `planner replay` from end to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from command_line import Run

import planner
from planner.adapting.walk import Walker

ROOT = Path(__file__).resolve().parents[2]
WAITING, PATHS = ROOT / "fixtures" / "waiting", ROOT / "fixtures" / "waiting_futures.csv"
ADAPT = ("--adapt", "--reviews", "2027-Q4", "--branches", 2, "--futures", PATHS, "--gap", 1e-9)


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    adapt = planner.AdaptOptions(reviews=("2027-10",), branches=(2,), imported=str(PATHS))
    found = planner.plan(WAITING, adapt=adapt, gap=1e-9)
    return planner.write_policy(found, tmp_path_factory.mktemp("adapt") / "policy")


def test_a_policy_is_printed_and_written(run: Run, policy: Path) -> None:
    code, said, err = run("plan", WAITING, *ADAPT)
    assert code == 0, err
    for words in ("leave open: 1 decision", "never changes $1.7M <= policy $7.4M", "adapting is worth $5.8M"):
        assert words in " ".join(said.split())
    said_in_short = json.loads((policy / "policy.json").read_text(encoding="utf-8"))
    assert said_in_short["policy"]["mean_npv_usd"] == pytest.approx(7_418_000.0)
    assert said_in_short["open"] == ["phase grid:p1", "gpus g1"]
    decisions = pd.read_csv(policy / "decisions.csv").set_index("name")
    assert decisions.loc["grid:p1", ["review", "most", "taken_share"]].tolist() == ["2027-10", 2.5, 0.5]
    record = json.loads((policy / "run.json").read_text(encoding="utf-8"))
    assert record["adapt"]["reviews"] == ["2027-10"]
    assert record["certificate"]["bound_usd"] >= record["certificate"]["objective_usd"] - 1.0


def test_json_is_the_file(run: Run, policy: Path) -> None:
    code, said, _ = run("plan", WAITING, *ADAPT, "--json")
    assert code == 0
    assert json.loads(said) == json.loads((policy / "policy.json").read_text(encoding="utf-8"))


def test_the_screen_has_room_for_it(run: Run) -> None:
    _, said, _ = run("plan", WAITING, *ADAPT, columns=100)
    lines = said.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100


def test_a_replay_is_printed_and_written(run: Run, policy: Path, tmp_path: Path) -> None:
    code, said, err = run("replay", policy, "--futures", PATHS, "--out", tmp_path / "replayed", "--workers", 1)
    assert code == 0, err
    assert "2 futures that the policy has not seen" in said
    assert "not better beyond its standard error" in " ".join(said.split())
    ways = pd.read_csv(tmp_path / "replayed" / "ways.csv").set_index("way")
    assert ways.loc["policy", "mean_npv_usd"] == pytest.approx(7_418_000.0)
    assert ways.loc["steady", "mean_npv_usd"] == pytest.approx(1_660_000.0)
    assert ways.loc["known", "mean_npv_usd"] == pytest.approx(7_418_000.0)
    signs = pd.read_csv(tmp_path / "replayed" / "signs.csv")
    assert (signs["sign_was_right"] == 1.0).all()


def test_an_interrupted_replay_goes_on(
    run: Run, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("replay", policy, "--futures", PATHS, "--out", tmp_path / "replayed", "--workers", 1)
    walk = Walker.__call__

    def stop(self: Walker, future: int) -> object:
        if future == 1:
            raise KeyboardInterrupt
        return walk(self, future)

    with monkeypatch.context() as patch:
        patch.setattr(Walker, "__call__", stop)
        code, _, err = run(*asked)
    assert code == 130
    assert "stopped after 1 of 2 futures; go on with --resume" in err
    code, _, err = run(*asked, "--resume")
    assert code == 0, err
    assert len(pd.read_csv(tmp_path / "replayed" / "replay.csv")) == 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--adapt", "--why", "g1"), "--why is not for a policy"),
        (("--adapt", "--solver", "cbc"), "--solver is not for a policy"),
        (("--adapt", "--threads", "2"), "--threads is not for a policy"),
        (("--adapt", "--prices", "full"), "--prices full is not for a policy"),
        (("--adapt", "--futures", "none"), "--futures none is not for a policy"),
        (("--reviews", "2027-10"), "give --adapt too"),
        (("--adapt", "--reviews", "soon"), "is not a month"),
        (("--adapt", "--reviews", "2027-01", "--futures", PATHS), "not after the start"),
        (("--adapt", "--branches", "two"), "are not numbers of groups"),
        (("--adapt", "--branches", "2,2", "--futures", PATHS), "are for 2 reviews, but 1"),
        (("--adapt", "--branches", "0", "--futures", PATHS), "give 1 or more groups"),
        (("--adapt",), "given from outside"),
    ],
)
def test_what_makes_no_policy_is_refused(run: Run, asked: tuple[str, ...], words: str) -> None:
    code, said, err = run("plan", WAITING, *asked)
    assert code == 2
    assert words in " ".join(err.split())
    assert not said


def test_a_case_without_a_plan_has_no_policy(run: Run, tmp_path: Path) -> None:
    code, said, _ = run(
        "plan", ROOT / "fixtures" / "tiny", "--adapt", "--scenarios", 4, "--exclude", "power[grid:p1]", "--exclude",
        "power[cells:p1]", "--fix", "leases.size[beta]=4000", "--out", tmp_path / "none",
    )
    assert code == 3
    assert "says why there is none" in said
    record = json.loads((tmp_path / "none" / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "infeasible"
    assert record["certificate"] is None


def test_a_folder_of_something_else_is_refused(run: Run, policy: Path, tmp_path: Path) -> None:
    planner.write_run(planner.plan(WAITING, prices="none"), tmp_path / "plan")
    shutil.copytree(policy, tmp_path / "spoilt")
    (tmp_path / "spoilt" / "levels.parquet").write_bytes(b"")
    shutil.copytree(policy, tmp_path / "edited")
    record = (tmp_path / "edited" / "run.json").read_text(encoding="utf-8")
    (tmp_path / "edited" / "run.json").write_text(record.replace("2027-10", "2027-11"), encoding="utf-8")
    for folder, words in (
        ("plan", "is of planner plan, not of a policy"), ("nowhere", "is not a policy (it has no run.json)"),
        ("spoilt", "its checksum differs from that in the record beside it); make the policy again"),
        ("edited", "is not as it was written"),
    ):
        code, _, err = run("replay", tmp_path / folder)
        assert code == 2
        assert words in " ".join(err.split())


def test_what_the_time_limit_leaves_out_is_said(run: Run, tmp_path: Path) -> None:
    """With no time at all there is no policy; that is a status, not a fault."""
    code, said, _ = run("plan", WAITING, *ADAPT, "--time-limit", 0, "--out", tmp_path / "none")
    assert code == 5
    assert "says why there is none" in said or "time" in said
