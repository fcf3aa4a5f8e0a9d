"""The page in real Chromium: nothing fails, nothing leaves, tables sort and filter, every chart has ink, also on a
phone."""

from __future__ import annotations

import base64
import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adapting.waiting_case import waiting_case
from at_length import few

import planner
from planner.case.write import write_case
from planner.reporting.compare import differences
from planner.reporting.findings import findings_of_run
from planner.reporting.page.page import Beside, page, page_sections
from planner.reporting.scored import read_scores

Made = Callable[..., tuple[Path, Path, Any]]
PATIENCE_S = 120.0
LEAST_INK = 0.004
"""Share of a chart's pixels that must differ from its ground."""


@pytest.fixture(scope="module")
def pages(made: Made, scored: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("pages")

    def written(name: str) -> Path:
        path = root / f"{name}.html"
        if not path.exists():
            folder, run, _ = made(name)
            found = findings_of_run(run, folder)
            beside = Beside()
            if name == "starting":
                changed_folder, changed, _ = made("changed")
                before = findings_of_run(changed, changed_folder)
                beside = Beside(scored=read_scores(scored, found), before=before, moved=differences(before, found))
            path.write_text(
                page(found, page_sections(found, beside, dt.datetime(2027, 1, 1, tzinfo=dt.UTC))), encoding="utf-8"
            )
        return path

    return written


@pytest.fixture(scope="module")
def policy_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run beside a policy of ten nodes."""
    root = tmp_path_factory.mktemp("policy page")
    write_case(waiting_case(4), root / "case")
    planner.write_run(planner.plan(root / "case", prices="none"), root / "run")
    policy = planner.plan(
        root / "case", gap=1e-3, prices="none",
        adapt=planner.AdaptOptions(
            reviews=("2027-10", "2028-07"), branches=(3, 2), scenarios=24, information=2, worth=False
        ),
    )
    planner.write_policy(policy, root / "policy")
    planner.report(root / "run", root / "report", policy=root / "policy")
    return root / "report" / "report.html"


def opened(browser: Any, path: Path, *, width: int = 1400, dark: bool = False) -> Any:
    """The page with all its charts drawn."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
    )
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(path.as_uri())
    began = time.monotonic()
    while browser.execute_script("return document.documentElement.dataset.drawn") != "yes":
        assert time.monotonic() - began < PATIENCE_S, "the charts were not drawn in time"
        time.sleep(0.1)
    return browser


INK = """
const [picture, done] = arguments;
const image = new Image();
image.onload = () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const data = pen.getImageData(0, 0, image.width, image.height).data;
  let inked = 0;
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4) {
    const far = Math.max(...[0, 1, 2].map((of) => Math.abs(data[at + of] - data[of])));
    if (far > 40) { inked += 1; colours.add((data[at] >> 5) * 64 + (data[at + 1] >> 5) * 8 + (data[at + 2] >> 5)); }
  }
  done([inked / (data.length / 4), colours.size, image.width, image.height]);
};
image.src = "data:image/png;base64," + picture;
"""


def ink(browser: Any, element: Any) -> tuple[float, int]:
    """Share of the pixels of an element's picture that stand out from its corner, and how many coarse colours they
    have."""
    box = browser.execute_script(
        "const b = arguments[0].getBoundingClientRect(); return [b.x + scrollX, b.y + scrollY, b.width, b.height]",
        element,
    )
    clip = dict(zip(("x", "y", "width", "height"), box, strict=True)) | {"scale": 1}
    picture = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})["data"]
    share, colours, _, _ = browser.execute_async_script(INK, picture)
    return share, colours


def complaints(browser: Any) -> list[str]:
    """Warnings and errors of the console."""
    return [entry["message"] for entry in browser.get_log("browser")]


def requested(browser: Any) -> list[str]:
    """Addresses that the page asked for."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize("name", ["starting", "one site", "no lease", "many sites", "infeasible", "unicode", "harmful"])
def test_nothing_fails_and_nothing_leaves(browser: Any, pages: Callable[[str], Path], name: str) -> None:
    opened(browser, pages(name))
    assert complaints(browser) == []
    asked = requested(browser)
    assert asked
    assert all(address.startswith(("file://", "data:", "blob:")) for address in asked), asked
    assert [address for address in asked if address.startswith("file://")] == [pages(name).as_uri()]
    charts = browser.find_elements("css selector", ".chart")
    assert all(chart.find_elements("css selector", "svg.marks") for chart in charts)
    assert len(charts) >= (1 if name == "infeasible" else 8)


@pytest.mark.parametrize(("width", "dark"), few([(1400, False), (390, True), (1400, True), (390, False)], 2))
def test_every_chart_has_ink_and_nothing_runs_over(
    browser: Any, pages: Callable[[str], Path], width: int, dark: bool
) -> None:
    opened(browser, pages("starting"), width=width, dark=dark)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    for chart in browser.find_elements("css selector", ".chart"):
        name = chart.get_attribute("data-spec")
        share, colours = ink(browser, chart)
        assert share > LEAST_INK, f"{name} has no ink"
        assert colours >= 2, f"{name} has no colour"
        inside = browser.execute_script(
            "const a = arguments[0].getBoundingClientRect(), b = "
            "arguments[0].querySelector('svg.marks').getBoundingClientRect(); return b.width - a.width",
            chart,
        )
        assert inside <= 1.0, f"{name} is wider than its place"


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (1000, True), (390, False)])
def test_the_tree_of_a_policy_keeps_its_words_in_its_nodes(
    browser: Any, policy_page: Path, width: int, dark: bool
) -> None:
    opened(browser, policy_page, width=width, dark=dark)
    assert complaints(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    for name in ("policy_tree", "policy_capacity"):
        chart = browser.find_element("css selector", f'[data-spec="{name}"]')
        assert ink(browser, chart)[0] > LEAST_INK, f"{name} has no ink"
    boxes, texts = browser.execute_script(
        "const of = (q) => [...document.querySelectorAll('[data-spec=\"policy_tree\"] ' + q)].map(e => {"
        "const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom, e.textContent]});"
        "return [of('.mark-rect path'), of('.mark-text.role-mark text')]"
    )
    assert len(texts) == 2 * len(boxes) == 20
    for left, top, right, bottom, said in texts:
        within = [
            box for box in boxes
            if box[0] <= left and right <= box[2] + 1.0 and box[1] <= top and bottom <= box[3] + 1.0
        ]
        assert len(within) == 1, said


def test_an_empty_chart_would_be_seen(browser: Any, pages: Callable[[str], Path]) -> None:
    opened(browser, pages("starting"))
    chart = browser.find_element("css selector", ".chart")
    # Taking a picture draws the chart anew, so what is hidden is its place.
    browser.execute_script("arguments[0].style.visibility = 'hidden'", chart)
    assert ink(browser, chart)[0] < LEAST_INK


def column(browser: Any, table: str, at: int) -> list[str]:
    """The cells shown in a column."""
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0] + ' tbody tr')].filter(r => !r.hidden).map(r => "
        "r.cells[arguments[1]].textContent)",
        f"#table-{table}", at,
    )


def heads(browser: Any, table: str) -> list[str]:
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0] + ' th')].map(h => h.textContent)", f"#table-{table}"
    )


def test_tables_sort_by_value_and_by_name(browser: Any, pages: Callable[[str], Path], made: Made) -> None:
    opened(browser, pages("starting"))
    allocation = made("starting")[2].allocation
    at = heads(browser, "windows").index("NPV")
    head = browser.find_elements("css selector", "#table-windows th button")[at]
    browser.execute_script("arguments[0].click()", head)
    order = browser.execute_script(
        "return [...document.querySelectorAll('#table-windows tbody tr')].map(r => "
        "Number(r.cells[arguments[0]].dataset.order))",
        at,
    )
    np.testing.assert_allclose(order, sorted(allocation["npv_usd"], reverse=True), rtol=1e-9)
    browser.execute_script("arguments[0].click()", head)
    again = browser.execute_script(
        "return [...document.querySelectorAll('#table-windows tbody tr')].map(r => "
        "Number(r.cells[arguments[0]].dataset.order))",
        at,
    )
    assert again == sorted(again)
    first = browser.find_elements("css selector", "#table-windows th button")[0]
    browser.execute_script("arguments[0].click()", first)
    names = column(browser, "windows", 0)
    assert names == sorted(names)
    assert browser.find_element("css selector", "#table-windows th").get_attribute("aria-sort") == "ascending"


def test_tables_filter_by_words(browser: Any, pages: Callable[[str], Path], made: Made) -> None:
    opened(browser, pages("starting"))
    allocation = made("starting")[2].allocation
    field = browser.find_element("css selector", "#table-windows input")
    field.send_keys("RIVER gb300")
    wanted = allocation[(allocation["site_id"] == "river") & (allocation["gpu_id"] == "gb300")]
    shown = column(browser, "windows", 0)
    assert shown == ["river"] * len(wanted)
    assert 0 < len(wanted) < len(allocation)
    said = browser.find_element("css selector", "#table-windows output").text
    assert said == f"{len(wanted):,} of {len(allocation):,} rows"
    field.clear()
    field.send_keys("x")
    field.send_keys("\ue003")
    assert len(column(browser, "windows", 0)) == len(allocation)


def test_a_site_can_be_chosen_in_the_chart_of_power(browser: Any, pages: Callable[[str], Path]) -> None:
    opened(browser, pages("many sites"))
    select = browser.find_element("css selector", '[data-spec="power"] select')
    assert select.find_elements("css selector", "option")[0].text == "all sites"
    before = browser.execute_script("return document.querySelector('[data-spec=\"power\"] svg.marks').textContent")
    browser.execute_script(
        "arguments[0].selectedIndex = 1; arguments[0].dispatchEvent(new Event('input')); "
        "arguments[0].dispatchEvent(new Event('change'))",
        select,
    )
    time.sleep(0.5)
    assert browser.execute_script(
        "return document.querySelector('[data-spec=\"power\"] svg.marks').textContent"
    ) != before


def test_names_meant_to_harm_do_nothing(browser: Any, pages: Callable[[str], Path]) -> None:
    opened(browser, pages("harmful"))
    assert browser.execute_script("return document.querySelectorAll('main img, main b, main h1').length") == 0
    text = browser.execute_script("return document.querySelector('#table-sites').textContent")
    assert "<script>alert(1)</script>" in text
    assert "=cmd|' /C calc'!A0" in text
    marks = browser.execute_script(
        "return [...document.querySelectorAll('svg.marks text')].map(t => t.textContent).join(' ')"
    )
    assert "<script>" in marks or "</td><b>bold" in marks
    assert browser.execute_script("return [...document.querySelectorAll('option')].map(o => o.textContent)") is not None


def test_what_is_printed_is_all_there(browser: Any, pages: Callable[[str], Path]) -> None:
    opened(browser, pages("starting"), dark=True)
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"])
    assert printed.startswith(b"%PDF")
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    shown = browser.execute_script(
        "const s = (q, p) => getComputedStyle(document.querySelector(q))[p]; return [s('nav', 'display'), s('body', "
        "'color'), s('.scroll', 'overflow')]"
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert shown == ["none", "rgb(0, 0, 0)", "visible"]
