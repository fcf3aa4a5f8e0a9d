"""No file that comes from elsewhere is unpickled, and no text is run as code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for package in ("planner", "kernels") for path in (ROOT / package).rglob("*.py"))
UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
RUNNING = {"eval", "exec", "compile"}
LISTED = {"planner/parallel/processes.py"}
"""Processes of one run that speak through pipes of their own; no file passes there."""


def running_code(source: str) -> list[str]:
    """What in a source unpickles, or runs text as code."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLING]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLING:
            found.append(str(node.module))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RUNNING:
            found.append(node.func.id)
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("read_pickle", "eval")
        ):
            found.append(node.func.attr)
        elif (
            isinstance(node, ast.keyword) and node.arg == "allow_pickle"
            and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        ):
            found.append("allow_pickle")
        elif (
            isinstance(node, ast.keyword) and node.arg == "shell" and isinstance(node.value, ast.Constant)
            and node.value.value is True
        ):
            found.append("shell=True")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled_or_evaluated(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() in LISTED:
        pytest.skip("speaks with processes of its own run through pipes")
    assert running_code(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "eval(x)", "exec(x)", "pd.read_pickle(x)",
        "np.load(x, allow_pickle=True)", "frame.eval(x)", "run(x, shell=True)",
    ]
)
def test_what_is_looked_for_is_found(source: str) -> None:
    assert running_code(source)
