"""A policy beside a run: every figure is that of its files by an own count, what does not belong is refused."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from adapting.waiting_case import waiting_case
from report_cases import FORMULA, HOSTILE

import planner
from planner.case.write import write_case
from planner.errors import PlannerError
from planner.reporting.capacity import capacity_by_year, work_by_year
from planner.reporting.charts.look import looked
from planner.reporting.figures import figures_of
from planner.reporting.findings import Findings, findings_of_run
from planner.reporting.page.page import Beside, page, page_sections
from planner.reporting.pictures import svg
from planner.reporting.policies import Decided, Replayed, read_policy_folder, read_replay
from planner.reporting.usage import halls_by_month
from planner.reporting.workbook.book import write_report_workbook

WAITING = Path("fixtures/waiting")
MADE_AT = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
NAMES = ("waiting", "two reviews")


@dataclass(frozen=True)
class Shown:
    """A case with the folders of its run, its policy and its replay."""

    case: Path
    run: Path
    policy: Path
    replay: Path

    @property
    def found(self) -> Findings:
        return findings_of_run(self.run, self.case)

    @property
    def decided(self) -> Decided:
        return read_policy_folder(self.policy, self.found)

    @property
    def replayed(self) -> Replayed:
        return read_replay(self.replay, self.found, self.decided)

    @property
    def beside(self) -> Beside:
        return Beside(decided=self.decided, replayed=self.replayed)

    def table(self, name: str) -> list[dict[str, str]]:
        """Rows of a file of the policy, or else of the replay, as they are written."""
        path = self.policy / name if (self.policy / name).exists() else self.replay / name
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def summary(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.policy / "policy.json").read_text(encoding="utf-8"))
        return told


def written(root: Path, case: Path, walked: planner.ReplayOptions, adapt: planner.AdaptOptions) -> Shown:
    shown = Shown(case, root / "run", root / "policy", root / "replay")
    planner.write_run(planner.plan(case, prices="none"), shown.run)
    planner.write_policy(planner.plan(case, gap=1e-9, prices="none", adapt=adapt), shown.policy)
    planner.replay(shown.policy, walked, out=shown.replay)
    return shown


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Shown]:
    kept: dict[str, Shown] = {}

    def of(name: str) -> Shown:
        if name not in kept:
            root = tmp_path_factory.mktemp("policies")
            if name == "waiting":
                futures = "fixtures/waiting_futures.csv"
                kept[name] = written(
                    root, WAITING, planner.ReplayOptions(imported=futures, rule=True, workers=1),
                    planner.AdaptOptions(reviews=("2027-10",), branches=(2,), imported=futures, worth=True),
                )
            else:
                write_case(waiting_case(4), root / "case")
                kept[name] = written(
                    root, root / "case", planner.ReplayOptions(futures=12, rule=True, workers=1),
                    planner.AdaptOptions(
                        reviews=("2027-10", "2028-07"), branches=(3, 2), scenarios=24, information=2, worth=False
                    ),
                )
        return kept[name]

    return of


class Tables(HTMLParser):
    """Tables of a page by their name: cells as they are shown, with what they are sorted by; and all other text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str, list[list[tuple[str, str | None]]]] = {}
        self.leads: dict[str, str] = {}
        self.elements: list[str] = []
        self.scripts: list[str] = []
        self._name = self._section = self._within = ""
        self._order: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append(tag)
        if given.get("class") == "table":
            self._name = str(given["id"]).removeprefix("table-")
            self.tables[self._name] = []
        if tag == "section":
            self._section = str(given["id"])
        if tag == "tr":
            self.tables[self._name].append([])
        if tag == "td":
            self._order = given.get("data-order")
            self.tables[self._name][-1].append(("", self._order))
        self._within = "lead" if given.get("class") == "lead" else tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "td":
            text, order = self.tables[self._name][-1].pop()
            self.tables[self._name][-1].append((text + data, order))
        elif self._within == "lead":
            self.leads[self._section] = data
        elif self._within == "script":
            self.scripts.append(data)

    def rows(self, name: str) -> list[list[tuple[str, str | None]]]:
        return [row for row in self.tables[name] if row]


@pytest.fixture(scope="session")
def pages(shown: Callable[[str], Shown]) -> Callable[[str], Tables]:
    kept: dict[str, Tables] = {}

    def of(name: str) -> Tables:
        if name not in kept:
            one = shown(name)
            kept[name] = Tables()
            kept[name].feed(page(one.found, page_sections(one.found, one.beside, MADE_AT)))
        return kept[name]

    return of


def usd(text: str) -> float:
    """Dollars as they are shown, as a number."""
    scales = {"k": 1e3, "M": 1e6, "B": 1e9}
    sign, digits = (-1.0, text[2:]) if text.startswith("-$") else (1.0, text.removeprefix("$"))
    scale = scales.get(digits[-1], 1.0)
    return sign * float(digits.rstrip("kMB").replace(",", "")) * scale


def near(cell: tuple[str, str | None], value: float) -> None:
    """A cell of dollars is sorted by the figure itself, and shows it to three digits."""
    shown_as, order = cell
    assert order is not None
    assert float(order) == pytest.approx(value, rel=1e-9, abs=1e-6)
    assert usd(shown_as) == pytest.approx(value, rel=6e-3, abs=0.5)


@pytest.mark.parametrize("name", NAMES)
def test_the_line_of_values_is_that_of_policy_json(
    pages: Callable[[str], Tables], shown: Callable[[str], Shown], name: str
) -> None:
    told, seen = shown(name).summary, pages(name)
    ways = ("policy", "never_changes", "base_plan_adapted", "base_plan")
    rows = seen.rows("policy_values")
    assert len(rows) == len(ways)
    for row, way in zip(rows, ways, strict=True):
        near(row[1], told[way]["mean_npv_usd"])
        near(row[2], told[way]["cvar_usd"])
        assert row[3][0] == f"{100.0 * told[way]['loss_probability']:.1f}%"
    known = told["policy"]["mean_npv_usd"] + told["known_futures"]["gain_at_most_usd"]
    figures = [word.strip(":;.") for word in seen.leads["policy"].split() if word.startswith(("$", "-$"))]
    error = told["known_futures"]["standard_error_usd"]
    expected = [
        told["never_changes"]["objective_usd"], told["policy"]["objective_usd"], known, error,
        told["value_of_adapting_usd"], told["bound_usd"],
    ]
    assert [usd(figure) for figure in figures] == pytest.approx(expected, rel=6e-3, abs=0.5)
    assert f"{100.0 * told['gap']:.2f}%" in seen.leads["policy"]
    assert told["never_changes"]["objective_usd"] <= told["policy"]["objective_usd"] <= known + 1.0


def test_waiting_says_what_was_solved_by_hand(pages: Callable[[str], Tables]) -> None:
    lead = pages("waiting").leads["policy"]
    assert "Never changes $1.66M ≤ policy $7.42M ≤ known future $7.42M" in lead
    assert "adapting is worth $5.76M" in lead
    (phase, gpus) = pages("waiting").rows("policy_open")
    assert [cell[0] for cell in phase] == [
        "phase grid:p1", "2027-10", "0 to 2.5 MW", "50.0%", "if on-demand g1 is above 1.00 of its forward value",
        "100.0%", "$150k",
    ]
    assert gpus[2][0] == "0 to 1,000 GPUs"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_signed_left_open_and_never_taken_is_that_of_the_tables(
    pages: Callable[[str], Tables], shown: Callable[[str], Shown], name: str
) -> None:
    seen, one = pages(name), shown(name)
    signed = one.table("sign_now.csv")
    if signed:
        *lines, total = seen.rows("policy_signed")
        committed = sum(float(row["commits_usd"]) for row in signed)
        near(total[-1], committed)
        assert sum(float(str(line[-1][1])) for line in lines) == pytest.approx(committed, rel=1e-9, abs=1e-3)
    else:
        assert "policy_signed" not in seen.tables
    things = one.table("decisions.csv")
    left = {f"{row['sort']} {row['name']}": row for row in things if row["verdict"] == "open"}
    rows = seen.rows("policy_open")
    assert sorted(row[0][0] for row in rows) == sorted(left)
    for row in rows:
        file = left[row[0][0]]
        assert (row[1][0], row[4][0]) == (file["review"], file["sign"])
        assert row[3][0] == f"{100.0 * float(file['taken_share']):.1f}%"
        assert row[5][0] == f"{100.0 * float(file['accuracy']):.1f}%"
        unit = {"MW": "MW", "GPU": "GPUs"}[file["unit"]]
        least, most = row[2][0].removesuffix(f" {unit}").split(" to ")
        assert [float(least.replace(",", "")), float(most.replace(",", ""))] == pytest.approx(
            [float(file["least"]), float(file["most"])], abs=0.51 if unit == "GPUs" else 0.051
        )
    rest: dict[str, list[str]] = defaultdict(list)
    for row in seen.rows("policy_rest") if "policy_rest" in seen.tables else []:
        rest[row[0][0].partition(",")[0]] += [f"{row[1][0]} {each}" for each in row[3][0].split(", ")]
        assert row[2][0] == str(len(row[3][0].split(", ")))
    for verdict in ("never", "later"):
        assert rest[verdict] == [f"{row['sort']} {row['name']}" for row in things if row["verdict"] == verdict]
    assert rest["now by the base plan"] == [
        f"{row['sort']} {row['name']}" for row in things
        if float(row["now"]) == 0.0 and float(row["base_plan_now"]) > 0.0
    ]


@pytest.mark.parametrize("name", NAMES)
def test_nodes_and_the_tree_are_those_of_nodes_csv(
    pages: Callable[[str], Tables], shown: Callable[[str], Shown], name: str
) -> None:
    nodes, amounts = shown(name).table("nodes.csv"), shown(name).table("amounts.csv")
    rows = pages(name).rows("policy_nodes")
    assert [row[0][0] for row in rows] == [node["node"] for node in nodes]
    sets = json.loads(pages(name).scripts[1])["policy_tree"]["datasets"].values()
    drawn = {row["node"]: row for data in sets for row in data if "node" in row}
    lines = [row for data in sets for row in data if "node" not in row]
    for row, node in zip(rows, nodes, strict=True):
        own = [each for each in amounts if each["node"] == node["node"]]
        near(row[3], float(node["mean_npv_usd"]))
        assert [row[at][0] for at in (1, 4)] == [node["review"], node["known"]]
        assert row[2][0] == f"{100.0 * float(node['probability']):.1f}%"
        box = drawn[node["node"]]
        assert box["mean_npv_usd"] == pytest.approx(float(node["mean_npv_usd"]), rel=1e-9)
        assert box["chance"] == row[2][0]
        assert box["left"] == (0 if node["parent"] == "" else node["node"].count(".") + 1)
        gpus = sum(float(each["amount"]) for each in own if each["sort"] == "gpus")
        assert (f"{gpus:,.0f} GPUs" in row[5][0]) == (gpus > 0.0)
        power = [float(each["amount"]) for each in own if each["sort"] == "phase"]
        assert ("MW of power" in row[5][0]) == bool(power)
        assert (row[5][0] == "nothing") == (not own)
        for each in own:
            assert each["name"] in box["signed"]
    parents = [node for node in nodes if node["parent"]]
    assert [line["probability"] for line in lines] == pytest.approx([float(node["probability"]) for node in parents])
    leaves = [node["node"] for node in nodes if node["node"] not in {each["parent"] for each in nodes}]
    places = sorted((drawn[leaf]["upper"], drawn[leaf]["lower"]) for leaf in leaves)
    assert all(above[1] < below[0] for above, below in itertools.pairwise(places)), "boxes lie on each other"


def months_of(first: str, last: str) -> Iterator[tuple[int, int]]:
    """Year and month from one to another."""
    at, end = ([int(part) for part in written.split("-")] for written in (first, last))
    while at <= end:
        yield at[0], at[1]
        at = [at[0] + 1, 1] if at[1] == 12 else [at[0], at[1] + 1]


@pytest.mark.parametrize("name", NAMES)
def test_capacity_is_that_of_the_windows_month_by_month(shown: Callable[[str], Shown], name: str) -> None:
    one = shown(name)
    settings = one.found.case.settings
    horizon = [(int(settings.start[:4]) + at // 12, at % 12 + 1) for at in range(settings.months)]
    assert settings.start.endswith("-01")
    nodes = one.table("nodes.csv")
    leaves = [node for node in nodes if node["node"] not in {each["parent"] for each in nodes}]
    assert sum(float(leaf["probability"]) for leaf in leaves) == pytest.approx(1.0)
    years: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for leaf in leaves:
        work: dict[tuple[int, int], float] = defaultdict(float)
        for row in one.table("allocation.csv"):
            if row["node"] == leaf["node"] and row["use"] != "mine":
                for month in months_of(row["from"], row["to"]):
                    work[month] += float(row["it_mw"])
        for year in {year for year, _ in horizon}:
            inside = [work[month] for month in horizon if month[0] == year]
            years[year].append((sum(inside) / len(inside), float(leaf["probability"])))
    table = capacity_by_year(one.found, one.decided).set_index("year")
    assert list(table.index) == sorted(years)
    for year, paths in years.items():
        row = table.loc[year]
        assert row["lowest_mw"] == pytest.approx(min(mw for mw, _ in paths), abs=1e-9)
        assert row["highest_mw"] == pytest.approx(max(mw for mw, _ in paths), abs=1e-9)
        assert row["mean_mw"] == pytest.approx(sum(mw * chance for mw, chance in paths), abs=1e-9)
        for column, share in (("lower_quarter_mw", 0.25), ("upper_quarter_mw", 0.75)):
            reached = [
                level for level, _ in sorted(paths)
                if sum(chance for mw, chance in paths if mw <= level + 1e-12) >= share - 1e-9
            ]
            assert row[column] == pytest.approx(reached[0], abs=1e-9)
    assert (table["highest_mw"] > 0.0).any()
    assert (table["highest_mw"] > table["lowest_mw"]).any(), "the paths do not differ"


def test_capacity_of_the_run_is_that_of_its_other_chart(made: Callable[..., tuple[Path, Path, Any]]) -> None:
    folder, run, _ = made("starting")
    found = findings_of_run(run, folder)
    halls = halls_by_month(found).groupby("month")["work_mw"].sum().to_numpy()
    first = int(found.case.settings.start[:4])
    by_year = work_by_year(found, found.tables["allocation"])
    assert list(by_year.index) == list(range(first, first + len(halls) // 12))
    np.testing.assert_allclose(by_year, halls.reshape(-1, 12).mean(axis=1), rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_ways_and_signs_are_those_of_the_replay(
    pages: Callable[[str], Tables], shown: Callable[[str], Shown], name: str
) -> None:
    seen, one = pages(name), shown(name)
    replayed = one.table("replay.csv")
    weights = np.array([float(row["weight"]) for row in replayed])
    rule = np.array([float(row["rule_npv_usd"]) for row in replayed])
    ways = [row["way"] for row in one.table("ways.csv")]
    for row, way in zip(seen.rows("replay_ways"), ways, strict=True):
        npv = np.array([float(each[f"{way}_npv_usd"]) for each in replayed])
        near(row[1], float(weights @ npv / weights.sum()))
        assert row[4][0] == f"{100.0 * float(weights[npv < 0.0].sum() / weights.sum()):.1f}%"
        if way == "rule":
            assert [row[at][0] for at in (5, 6)] == ["–", "–"]
        else:
            near(row[5], float(weights @ (rule - npv) / weights.sum()))
    signs = one.table("signs.csv")
    for row, sign in zip(seen.rows("replay_signs") if signs else [], signs, strict=True):
        assert [row[0][0], row[1][0]] == [f"{sign['sort']} {sign['name']}", sign["sign"]]
        for at, column in enumerate(("accuracy_in_tree", "sign_said_yes", "taken", "sign_was_right"), start=2):
            assert float(str(row[at][1])) == pytest.approx(float(sign[column]))
    verdict = json.loads((one.replay / "replay.json").read_text(encoding="utf-8"))["verdict"]
    (section,) = [each for each in page_sections(one.found, one.beside, MADE_AT) if each.name == "policy"]
    assert any(verdict.replace("+-", "±") in getattr(block, "text", "") for block in section.blocks)


def test_every_table_has_a_sheet(shown: Callable[[str], Shown], tmp_path: Path) -> None:
    one = shown("two reviews")
    endless = one.decided.decisions.assign(worth_usd=float("inf"))
    beside = Beside(decided=replace(one.decided, decisions=endless), replayed=one.replayed)
    write_report_workbook(one.found, tmp_path / "book.xlsx", beside, made=MADE_AT)
    book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    for name, file in (
        ("policy_sign_now", "sign_now.csv"), ("policy_decisions", "decisions.csv"), ("policy_nodes", "nodes.csv"),
        ("policy_amounts", "amounts.csv"), ("replay_ways", "ways.csv"), ("replay_signs", "signs.csv"),
    ):
        head, *rows = [[cell.value for cell in row] for row in book[f"result_{name}"].iter_rows()]
        written = one.table(file)
        assert len(rows) == len(written), name
        for row, line in zip(rows, written, strict=True):
            for column, value in zip(head, row, strict=True):
                if isinstance(value, (int, float)):
                    assert value == pytest.approx(float(line[column]), rel=1e-9), (name, column)
                elif column == "worth_usd":
                    assert value == "everything"
                else:
                    assert (value or "") == line[column], (name, column)
    head, *rows = [[cell.value for cell in row] for row in book["result_policy"].iter_rows()]
    assert rows[0][head.index("mean_npv_usd")] == pytest.approx(one.summary["policy"]["mean_npv_usd"], rel=1e-12)
    head, *rows = [[cell.value for cell in row] for row in book["result_policy_capacity"].iter_rows()]
    kept = capacity_by_year(one.found, one.decided)
    assert head == list(kept.columns)
    np.testing.assert_allclose(np.array(rows, dtype=float), kept.to_numpy(dtype=float), rtol=1e-9)


def test_figures_are_sound_and_drawn_without_a_browser(shown: Callable[[str], Shown]) -> None:
    for name in NAMES:
        one = shown(name)
        figures = figures_of(one.found, decided=one.decided)
        for drawn in ("policy_tree", "policy_capacity"):
            looked(figures[drawn]).to_dict(validate=True)
            picture = svg(figures[drawn])
            assert picture.startswith("<svg")
            assert figures[drawn].reading.endswith(".")
        for node in one.table("nodes.csv"):
            assert f"{node['node']} · " in svg(figures["policy_tree"])


def test_with_a_weight_the_line_is_that_of_the_objective(shown: Callable[[str], Shown]) -> None:
    one = shown("waiting")
    told = dict(one.summary) | {"risk_weight": 0.25, "known_futures": {
        "sample": 8, "gain_at_most_usd": 9e6, "standard_error_usd": None,
    }}
    sections = page_sections(one.found, Beside(decided=replace(one.decided, summary=told)), MADE_AT)
    (section,) = [each for each in sections if each.name == "policy"]
    assert "w = 0.25" in section.lead
    assert "to know the future would bring $9.00M of NPV more at most, over 8 futures" in section.lead
    assert "known future" not in section.lead


def test_names_meant_to_harm_are_text(shown: Callable[[str], Shown]) -> None:
    one = shown("two reviews")
    decided = replace(
        one.decided, decisions=one.decided.decisions.assign(name=HOSTILE, sign=FORMULA),
        nodes=one.decided.nodes.assign(known=HOSTILE), amounts=one.decided.amounts.assign(name=HOSTILE),
    )
    before, seen = Tables(), Tables()
    before.feed(page(one.found, page_sections(one.found, Beside(decided=one.decided), MADE_AT)))
    seen.feed(page(one.found, page_sections(one.found, Beside(decided=decided), MADE_AT)))
    assert seen.elements.count("script") == before.elements.count("script")
    assert any(HOSTILE in cell[0] for row in seen.rows("policy_nodes") for cell in row)
    assert "<" not in seen.scripts[1]


def test_what_does_not_belong_is_refused(shown: Callable[[str], Shown], tmp_path: Path) -> None:
    one, other = shown("waiting"), shown("two reviews")
    found, decided = one.found, one.decided
    for folder, why in (
        (tmp_path, "is not a policy; make one with planner plan CASE --adapt"),
        (one.run, "was written by planner plan, not by planner plan --adapt; give the folder of a policy"),
        (other.policy, "is a policy of another case than run planned"),
    ):
        with pytest.raises(PlannerError, match=why):
            read_policy_folder(folder, found)
    for folder, why in (
        (one.policy, "is not a replay; make one with planner replay POLICY"),
        (other.replay, "is a replay of another case than run planned"),
    ):
        with pytest.raises(PlannerError, match=why):
            read_replay(folder, found, decided)
    with pytest.raises(PlannerError, match="is a replay of another policy than"):
        read_replay(one.replay, found, replace(decided, record={**decided.record, "seal": "that of another"}))
    with pytest.raises(PlannerError, match="give the policy too, with --policy"):
        planner.report(one.run, tmp_path / "report", replay=one.replay)
    with pytest.raises(PlannerError, match="give the folder of a plan"):
        planner.report(one.policy, tmp_path / "report")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("file", ["nodes.csv", "policy.json", "allocation.csv"])
def test_a_policy_that_was_changed_is_refused(shown: Callable[[str], Shown], tmp_path: Path, file: str) -> None:
    one = shown("waiting")
    shutil.copytree(one.policy, tmp_path / "policy")
    with (tmp_path / "policy" / file).open("a", encoding="utf-8") as path:
        path.write("\n")
    with pytest.raises(PlannerError, match=rf"{file} is not as it was written.*; make the policy again"):
        read_policy_folder(tmp_path / "policy", one.found)


def test_a_replay_that_was_changed_is_refused(shown: Callable[[str], Shown], tmp_path: Path) -> None:
    one = shown("waiting")
    shutil.copytree(one.replay, tmp_path / "replay")
    ways = tmp_path / "replay" / "ways.csv"
    ways.write_text(ways.read_text(encoding="utf-8").replace("7418000", "9418000"), encoding="utf-8")
    with pytest.raises(PlannerError, match=r"ways.csv is not as it was written.*; replay again"):
        read_replay(tmp_path / "replay", one.found, one.decided)


def test_a_policy_without_an_answer_is_refused(made: Callable[..., tuple[Path, Path, Any]], tmp_path: Path) -> None:
    folder, run, _ = made("infeasible")
    impossible = planner.plan(
        folder, prices="none", fixes=("leases.size[lab_training]=100",), adapt=planner.AdaptOptions(scenarios=4)
    )
    planner.write_policy(impossible, tmp_path / "policy")
    with pytest.raises(PlannerError, match="holds no policy: its status is infeasible"):
        read_policy_folder(tmp_path / "policy", findings_of_run(run, folder))


def test_other_options_of_planning_are_told(shown: Callable[[str], Shown]) -> None:
    one = shown("waiting")
    assert one.decided.unlike(one.found) == []
    options = dict(one.decided.record["options"]) | {"tail": "contracted"}
    decided = replace(one.decided, record=dict(one.decided.record) | {"options": options})
    (section,) = [
        each for each in page_sections(one.found, Beside(decided=decided), MADE_AT) if each.name == "policy"
    ]
    assert "made under other options than this run: tail" in section.blocks[0].text
