"""`planner portfolios` and `planner score` from end to end."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from command_line import Run

from planner.case.generate import generate_case
from planner.case.write import write_case


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A case and a run of it."""
    from planner.case.read import read_case
    from planner.planning.make_plan import plan
    from planner.run_folder import write_run

    root = tmp_path_factory.mktemp("scores")
    write_case(generate_case(sites=3, leases=4, skus=2, months=36, seed=8), root / "case")
    write_run(plan(read_case(root / "case"), prices="none"), root / "run")
    return root / "case", root / "run"


@pytest.mark.parametrize(
    "how",
    [
        ("--subsets", "sites"), pytest.param(("--neighbours", "5"), marks=pytest.mark.slow),
        pytest.param(("--random", "3", "--seed", "1"), marks=pytest.mark.slow),
    ],
)
def test_portfolios_of_a_plan_are_made_scored_and_written(
    run: Run, made: tuple[Path, Path], tmp_path: Path, how: tuple[str, ...]
) -> None:
    case, base = made
    path, out = tmp_path / "p.parquet", tmp_path / "scores"
    code, said, _ = run("portfolios", case, "--plan", base, *how, "--out", path)
    assert code == 0
    assert "portfolios of" in said
    code, said, _ = run("score", case, "--portfolios", path, "--scenarios", 20, "--out", out, "--memory", "500M")
    assert code == 0
    table = pd.read_parquet(out / "scores.parquet")
    assert f"{len(table):,} portfolios over 20 futures" in said
    record = json.loads((out / "run.json").read_text())
    assert record["portfolios"] == len(table)
    assert record["options"]["scenarios"] == 20
    assert set(
        pd.read_parquet(out / "broken.parquet")["portfolio"]
    ) == set(table.loc[table["limits_broken"] > 0, "portfolio"])
    code, _, error = run("score", case, "--portfolios", path, "--scenarios", 20, "--out", out)
    assert (code, "--force" in error) == (2, True)


def test_bundles_are_made_and_scored_as_json(run: Run, made: tuple[Path, Path], tmp_path: Path) -> None:
    case, base = made
    held = pd.read_csv(base / "portfolio.csv")["candidate_id"]
    site, gpu, month = re.fullmatch(r"own:([^:]+):([^@]+)@(.+)", held[held.str.startswith("own:")].iloc[0]).groups()  # type: ignore[union-attr]
    sold = held[held.str.startswith(f"sell:{site}:")].iloc[0]
    path = re.fullmatch(r"sell:[^:]+:[^:]+:(.+)@.*", sold)[1]  # type: ignore[index]
    rows = [
        {
            "portfolio": "mine", "site_id": site, "power_path": path, "gpu_id": gpu, "use": "market", "start": month,
            "level": 10,
        }
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "bundles.csv", index=False)
    code, _, error = run("portfolios", case, "--bundles", tmp_path / "bundles.csv", "--out", tmp_path / "b.csv")
    assert (code, error) == (0, "")
    code, said, _ = run("score", case, "--portfolios", tmp_path / "b.csv", "--scenarios", 10, "--no-paths", "--json")
    assert code == 0
    (best,) = json.loads(said)["best"]
    assert best["portfolio"] == "mine"
    assert best["gpus_bought"] == 10.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out", "p.parquet"), "give one of --subsets"),
        (("--neighbours", "3", "--random", "2", "--out", "p.parquet"), "--neighbours and --random asked for"),
        (("--neighbours", "3", "--out", "p.parquet"), "name its run with --plan"),
        (("--plan", "RUN", "--subsets", "leases", "--out", "p.parquet"), "use one of: sites"),
        (("--plan", "RUN", "--subsets", "sites", "--seed", "3", "--out", "p.parquet"), "--seed is for --random"),
        (("--plan", "RUN", "--subsets", "sites", "--tail", "none", "--out", "p.parquet"), "from the plan"),
        (("--plan", "RUN", "--bundles", "b.csv", "--out", "p.parquet"), "leave --plan out"),
        (("--bundles", "none.csv", "--out", "p.parquet"), "cannot be read"),
        (("--plan", "RUN", "--subsets", "sites", "--out", "p.csv"), "ends in .parquet"),
    ],
)
def test_what_cannot_be_made_is_refused_with_a_remedy(
    run: Run, made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...],
    said: str,
) -> None:
    case, base = made
    monkeypatch.chdir(tmp_path)
    code, _, error = run("portfolios", case, *(str(base) if word == "RUN" else word for word in arguments))
    assert code == 2
    assert said in error
    assert not list(tmp_path.iterdir())


def test_scores_may_be_one_file(run: Run, made: tuple[Path, Path], tmp_path: Path) -> None:
    case, base = made
    for name in ("s.csv", "s.parquet"):
        code, _, _ = run(
            "score", case, "--portfolios", base / "portfolio.csv", "--scenarios", 10, "--out", tmp_path / name
        )
        assert code == 0
    one, other = pd.read_csv(tmp_path / "s.csv"), pd.read_parquet(tmp_path / "s.parquet")
    assert one["base_npv_usd"].iloc[0] == pytest.approx(other["base_npv_usd"].iloc[0], rel=1e-11)
    code, _, error = run(
        "score", case, "--portfolios", base / "portfolio.csv", "--scenarios", 10, "--out", tmp_path / "s.csv"
    )
    assert (code, "--force" in error) == (2, True)
    for option, value in (
        ("--base", "hoped"), ("--alpha", "1.5"), ("--memory", "much"), ("--draws", "dice"), ("--device", "dice")
    ):
        assert run("score", case, "--portfolios", base / "portfolio.csv", option, value)[0] == 2


def test_portfolios_of_another_case_are_refused_and_taken_under_the_same_changes(run: Run, tmp_path: Path) -> None:
    """What was planned under a change of the case means something else without it."""
    case, change = "fixtures/tiny", ("--set", "case.discount_rate=0.12")
    assert run("plan", case, *change, "--prices", "none", "--out", tmp_path / "run")[0] == 0
    code, _, error = run(
        "portfolios", case, "--plan", tmp_path / "run", "--subsets", "sites", "--out", tmp_path / "p.parquet"
    )
    assert code == 0, error
    for portfolios in (tmp_path / "p.parquet", tmp_path / "run" / "portfolio.csv"):
        words = ("score", case, "--portfolios", portfolios, "--scenarios", 4, "--no-paths")
        for other in ((), (*change, "--tail", "none")):
            code, _, error = run(*words, *other)
            assert (code, "made under" in error) == (2, True)
        code, _, error = run(*words, *change)
        assert code == 0, error


def test_decisions_of_a_run_are_taken_over_by_its_portfolios_and_their_scores(run: Run, tmp_path: Path) -> None:
    """Half of a lease asked for and another left out: the plan keeps both, a portfolio without the lease is flagged."""
    case, decided = "fixtures/tiny", ("--fix", "leases.size[alpha]=3000", "--exclude", "leases[beta]")
    assert run("plan", case, *decided, "--out", tmp_path / "run")[0] == 0
    assert run(
        "portfolios", case, "--plan", tmp_path / "run", "--subsets", "sites", "--out", tmp_path / "p.parquet"
    )[0] == 0
    for portfolios in (tmp_path / "run" / "portfolio.csv", tmp_path / "p.parquet"):
        out = tmp_path / f"scores of {portfolios.suffix[1:]}"
        code, said, _ = run(
            "score", case, "--portfolios", portfolios, "--scenarios", 4, "--no-paths", "--device", "cpu", "--out", out
        )
        assert code == 0
        assert "limits as decided for the plan: --fix leases.size[alpha]=3000, --exclude leases[beta]" in said
        assert "device CPU: asked for" in said
        record = json.loads((out / "run.json").read_text())
        assert (
            record["options"]["fixes"], record["options"]["excludes"], record["device"]
        ) == ([decided[1]], [decided[3]], "CPU: asked for")
        table = pd.read_parquet(out / "scores.parquet")
        assert table["limits_broken"].iloc[-1] == 0
        broken = pd.read_parquet(out / "broken.parquet")
        if portfolios.suffix == ".parquet":
            fixed = broken[(broken["portfolio"] == "0") & (broken["family"] == "FIXED")]
            assert fixed["name"].tolist() == ["size of alpha at least"]
            assert fixed["excess"].iloc[0] == pytest.approx(3000.0)
    code, said, _ = run(
        "portfolios", case, "--plan", tmp_path / "run", "--random", 3, "--seed", 2, "--out", tmp_path / "r.parquet"
    )
    assert code == 0
    code, said, _ = run("score", case, "--portfolios", tmp_path / "r.parquet", "--scenarios", 4, "--no-paths", "--json")
    assert (code, json.loads(said)["within_limits"]) == (0, 3)
    other = pd.read_csv(tmp_path / "run" / "portfolio.csv").assign(level=lambda rows: rows["level"] / 2.0)
    other.to_csv(tmp_path / "half.csv", index=False)
    code, said, _ = run("score", case, "--portfolios", tmp_path / "half.csv", "--scenarios", 4, "--no-paths", "--json")
    assert (code, json.loads(said)["fixes"]) == (0, [])
