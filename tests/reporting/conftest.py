"""Runs to report on, a browser to open pages in, and LibreOffice to recalculate workbooks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from report_cases import HARMFUL, UNICODE, many_sites, no_lease, one_site, renamed

from planner.case.case import Case
from planner.case.read import read_case
from planner.case.starting import starting_case
from planner.case.write import write_case
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.run_folder import write_run

Planned = tuple[Path, Path, Plan]
"""A case's folder, its run's folder, and the plan."""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Planned]:
    """Writes, plans and writes down a case of a name, once."""
    root = tmp_path_factory.mktemp("reports")
    kept: dict[str, Planned] = {}
    cases: dict[str, tuple[Callable[[], Case], dict[str, Any]]] = {
        "starting": (starting_case, {}),
        "changed": (starting_case, {"edits": ["leases.max_size[lab_training]*=0.5", "case.discount_rate=0.12"]}),
        "infeasible": (starting_case, {"fixes": ["leases.size[lab_training]=100"]}),
        "one site": (one_site, {}),
        "no lease": (no_lease, {}),
        "many sites": (many_sites, {"prices": "none"}),
        "unicode": (lambda: renamed(UNICODE, "Ýmis nöfn 名前"), {}),
        "harmful": (lambda: renamed(HARMFUL, "<b>Case</b> & 'co'"), {}),
    }

    def make(name: str) -> Planned:
        if name not in kept:
            case, choices = cases[name]
            folder, run = root / f"{name} case", root / f"{name} run"
            write_case(case(), folder)
            found = plan(read_case(folder), **choices)
            write_run(found, run)
            kept[name] = (folder, run, found)
        return kept[name]

    return make


@pytest.fixture(scope="session")
def scored(made: Callable[..., Planned], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores of all subsets of the sites of the starting case's plan."""
    from planner.candidates.packages import site_packages
    from planner.scoring.files import open_portfolios, write_packages
    from planner.scoring.score import ScoreOptions, Scoring
    from planner.scoring.score_folder import write_scores
    from planner.scoring.subsets import Subsets

    _, run, found = made("starting")
    root = tmp_path_factory.mktemp("scored")
    assert found.levels is not None
    write_packages(
        root / "p.parquet", Subsets(site_packages(found.candidates, found.levels)), found.candidates, {"plan": run.name}
    )
    scoring = Scoring(found.candidates, ScoreOptions(scenarios=200, threads=1, float64=True))
    source = open_portfolios(root / "p.parquet", found.candidates)
    for _ in write_scores(
        scoring, scoring.pieces(source), found.case, root / "scores", read_from=str(root / "p.parquet")
    ):
        pass
    return root / "scores"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium without a network, driven by its own driver; skips with the reason where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install '.[test]'")
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium with its driver here: apt install chromium chromium-driver")
    options = Options()
    options.binary_location = chromium
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
        "--window-size=1400,1000",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


_ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
</item>
</oor:items>
"""


@pytest.fixture(scope="session")
def recalculated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Opens a workbook in LibreOffice, calculates every formula anew, and saves it again; skips where it is not
    installed."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("no LibreOffice here: apt install libreoffice-calc-nogui")
    profile = tmp_path_factory.mktemp("office")
    (profile / "user").mkdir()
    (profile / "user" / "registrymodifications.xcu").write_text(_ALWAYS_RECALCULATE, encoding="utf-8")

    def convert(path: Path) -> Path:
        out = path.parent / "recalculated"
        command = [
            office, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to",
            "xlsx:Calc MS Excel 2007 XML", "--outdir", str(out), str(path),
        ]
        told = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, "HOME": str(profile)}
        )
        assert (out / path.name).is_file(), told.stderr
        return out / path.name

    return convert
