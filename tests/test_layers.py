"""Who may import whom: data flows case -> candidates -> formulation -> plan -> command line, and kernels stand
alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RANK = {
    "arrays": 0, "errors": 0, "did_you_mean": 0, "choices": 1,
    "case": 1, "runtime": 1, "parallel": 1, "solver": 1,
    "storage": 2, "wording": 2, "candidates": 2,
    "auditing": 3, "scenarios": 3, "formulation": 3,
    "plans": 4, "pricing": 4,
    "explaining": 5,
    "planning": 6,
    "run_folder": 7, "near_optimal": 7,
    "scoring": 8,
    "sweeping": 9, "risk": 9, "quoting": 9,
    "adapting": 10, "reporting": 10, "manual": 10,
    "bench": 11,
    "cli": 12,
}
"""Every room of `planner`, lowest first: a room imports only rooms of lower rank, and itself."""
FACE = ("__init__", "__main__")
"""The package's own solver, which knows every room."""
HEAVY = ("pandas", "pulp", "scipy", "highspy", "numpy", "pyarrow", "openpyxl", "xlsxwriter", "cupy", "dask")


@cache
def modules(package: str) -> tuple[Path, ...]:
    return tuple(sorted((ROOT / package).rglob("*.py")))


@cache
def imports(path: Path) -> frozenset[str]:
    """Dotted names that a file imports anywhere: inside functions, for types alone, or by the name of a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write the whole name of what is imported"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif (
            isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module")
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(str(node.args[0].value))
    return frozenset(found)


def room(dotted: str) -> str:
    """The part of `planner` that a dotted name or path leads into; empty for the package itself."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


@cache
def rooms() -> frozenset[str]:
    return frozenset(path.relative_to(ROOT / "planner").parts[0].removesuffix(".py") for path in modules("planner"))


@pytest.mark.parametrize("path", modules("kernels"), ids=lambda path: path.stem)
def test_kernels_know_arrays_alone(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    rivals = {"numba", "numpy_financial", "pandas"} if path.parent.name == "bench" else set()
    known = set(sys.stdlib_module_names) | {"kernels", "numpy", "scipy", "cupy", "cupyx", *rivals}
    assert roots <= known


def test_every_room_has_a_rank() -> None:
    assert set(RANK) == rooms() - set(FACE)


@pytest.mark.parametrize("name", sorted(RANK))
def test_no_room_reaches_back_or_sideways(name: str) -> None:
    files = [
        path for path in modules("planner") if path.relative_to(ROOT / "planner").parts[0].removesuffix(".py") == name
    ]
    assert files
    for path in files:
        used = {room(dotted) for dotted in imports(path) if dotted.split(".")[0] == "planner"} & (rooms() - {name})
        assert used <= {other for other in RANK if RANK[other] < RANK[name]}, (
            f"{path.relative_to(ROOT)} reaches into {sorted(used)}"
        )


def test_no_files_import_each_other_in_a_circle() -> None:
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path for top in ("planner", "kernels")
        for path in modules(top)
    }
    faces = {f"planner.{each}" for each in FACE}
    left = {name: imports(path) & set(files) - {name} for name, path in files.items() if name not in faces}
    while free := [name for name, used in left.items() if not used & set(left)]:
        for name in free:
            del left[name]
    assert not left, sorted(left)


def test_the_ledger_knows_the_case_alone() -> None:
    """What checks the planner shares nothing with what it checks: it reads cases and sealed files, and counts in plain
    Python."""
    known = {"planner.auditing", "planner.case", "planner.errors", "planner.storage.seals", "planner.storage.run_case"}
    standard = set(sys.stdlib_module_names)
    for path in modules("planner/auditing"):
        for dotted in imports(path):
            top = dotted.split(".")[0]
            assert top in standard or any(dotted == each or dotted.startswith(each + ".") for each in known), (
                f"{path}: {dotted}"
            )


def loaded_after(code: str) -> set[str]:
    """Top-level modules loaded in a new interpreter after some code."""
    told = subprocess.run(
        [
            sys.executable, "-c",
            f"{code}\nimport sys\nprint('loaded', *sorted({{name.split('.')[0] for name in sys.modules}}))",
        ],
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
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules("kernels")
        if path.parent.name in ("kernels", "reference", "cpu") and path.stem != "__init__"
    ]
    blocked = "import sys\nfor name in ('pandas', 'pulp', 'planner'): sys.modules[name] = None\n"
    loaded = loaded_after(
        blocked + "import importlib\nfor name in " + repr(names)
        + ": importlib.import_module(name)\nfor name in ('pandas', 'pulp', 'planner'): del sys.modules[name]"
    )
    assert "kernels" in loaded
    assert not loaded & {"pandas", "pulp", "planner", "cupy"}


def test_public_names_are_sorted_and_lead_somewhere() -> None:
    import planner

    assert planner.__all__ == sorted(planner.__all__)
    for name in planner.__all__:
        assert getattr(planner, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'plam'"):
        _ = planner.plam
