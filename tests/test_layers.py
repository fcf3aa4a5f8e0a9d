"""Who may import whom: data flows case -> candidates -> allocator -> plan -> command line, and kernels stand alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RANK = {
    "arrays": -1, "case": 0, "memory": 1, "sealed": 1, "stored_paths": 1, "own_tables": 1, "wording": 1, "run_case": 2, "auditing": 3, "candidates": 2, "decisions": 3, "allocator": 3,
    "rate_of_return": 3, "tax_years": 3, "commitments": 4, "statement": 4, "plan_tables": 4, "pricing": 4, "explaining": 4, "binding": 4, "planning": 5, "run_folder": 6, "cli": 9,
}
"""Rooms of `planner`, lowest first; a room imports only rooms of lower rank, and itself."""
BETWEEN = 7
"""Rooms not listed stand between the plan and the command line, and may import each other."""
HEAVY = ("pandas", "pulp", "scipy", "highspy", "numpy", "pyarrow", "openpyxl", "xlsxwriter", "cupy", "dask")


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere, also inside functions or for types alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write the whole name of what is imported"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(dotted: str) -> str:
    """The part of `planner` that a dotted name or path leads into; empty for the package itself."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


def rank(name: str) -> int:
    return RANK.get(name, BETWEEN)


def rooms() -> set[str]:
    return {path.relative_to(ROOT / "planner").parts[0].removesuffix(".py") for path in modules("planner")}


@pytest.mark.parametrize("path", modules("kernels"), ids=lambda path: path.stem)
def test_kernels_know_arrays_alone(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    known = set(sys.stdlib_module_names) | {"kernels", "numpy", "scipy", "cupy", "cupyx"}
    assert roots <= known


@pytest.mark.parametrize("name", sorted(rooms() - {"__init__", "__main__"}))
def test_no_room_reaches_back(name: str) -> None:
    files = [path for path in modules("planner") if path.relative_to(ROOT / "planner").parts[0].removesuffix(".py") == name]
    assert files
    for path in files:
        used = {room(dotted) for dotted in imports(path) if dotted.split(".")[0] == "planner"} & (rooms() - {name})
        allowed = {other for other in rooms() if rank(other) < rank(name) or rank(other) == rank(name) == BETWEEN}
        assert used <= allowed, f"{path.relative_to(ROOT)} reaches into {sorted(used - allowed)}"


def test_the_ledger_knows_the_case_alone() -> None:
    """What checks the planner shares nothing with what it checks: it reads cases and sealed files, and counts in plain Python."""
    known = {"planner.auditing", "planner.case", "planner.sealed", "planner.run_case"}
    standard = set(sys.stdlib_module_names)
    for path in modules("planner/auditing"):
        for dotted in imports(path):
            top = dotted.split(".")[0]
            assert top in standard or any(dotted == each or dotted.startswith(each + ".") for each in known), f"{path}: {dotted}"


def test_every_listed_room_exists() -> None:
    assert set(RANK) <= rooms()


def loaded_after(code: str) -> set[str]:
    """Top-level modules loaded in a new interpreter after some code."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('loaded', *sorted({{name.split('.')[0] for name in sys.modules}}))"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )
    return set(told.stdout.splitlines()[-1].split()[1:])


def test_importing_the_package_is_light() -> None:
    assert not loaded_after("import planner") & {*HEAVY, "typer", "rich"}


HELP = """
import sys
from planner.cli.main import main
sys.argv = ["planner", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
"""


@pytest.mark.parametrize("verb", [[], ["plan"], ["check"], ["new"]])
def test_help_is_light(verb: list[str]) -> None:
    assert not loaded_after(HELP.format(arguments=[*verb, "--help"])) & set(HEAVY)


def test_kernels_load_without_pandas_and_pulp() -> None:
    names = [f"kernels.{path.stem}" for path in modules("kernels") if path.parent.name == "kernels" and path.stem != "__init__"]
    blocked = "import sys\nfor name in ('pandas', 'pulp', 'planner'): sys.modules[name] = None\n"
    loaded = loaded_after(blocked + "import importlib\nfor name in " + repr(names) + ": importlib.import_module(name)\nfor name in ('pandas', 'pulp', 'planner'): del sys.modules[name]")
    assert "kernels" in loaded
    assert not loaded & {"pandas", "pulp", "planner", "cupy"}


def test_public_names_are_sorted_and_lead_somewhere() -> None:
    import planner

    assert planner.__all__ == sorted(planner.__all__)
    for name in planner.__all__:
        assert getattr(planner, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'plans'"):
        _ = planner.plans
