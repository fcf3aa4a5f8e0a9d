"""The wheel and the source distribution, installed away from the source tree, do what a first user does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def ran(*command: object, cwd: Path, **environment: object) -> str:
    given = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what builds the distributions."""
    tools = tmp_path_factory.mktemp("tools")
    got = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", tools, "setuptools>=77"], capture_output=True,
        text=True,
    )
    if got.returncode:
        pytest.skip(
            f"pip cannot install setuptools 77 here, which builds the distributions: {got.stderr.strip()[-200:]}"
        )
    return tools


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tools: Path) -> Path:
    """A folder with the wheel and the source distribution, built from a copy of what git would ship."""
    source, made = (tmp_path_factory.mktemp(name) for name in ("source", "dist"))
    for name in ("planner", "kernels", "fixtures"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for kind in ("sdist", "wheel"):
        build = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
        ran(sys.executable, "-c", build, made, cwd=source, PYTHONPATH=tools)
    return made


def test_what_the_product_needs_is_inside(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        inside = set(wheel.namelist())
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    needed = [
        path.relative_to(ROOT).as_posix() for package in ("planner", "kernels") for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert any(name.endswith(".cu") for name in needed)
    assert [name for name in needed if name not in inside] == []
    assert [name for name in needed if name not in packed] == []
    assert any(name.endswith("LICENSE") for name in inside)
    assert "LICENSE" in packed
    assert not any(name.startswith(("tests", "fixtures")) for name in inside)


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_a_first_user_without_the_source_tree(built: Path, tmp_path: Path, kind: str, tools: Path) -> None:
    ran(sys.executable, "-m", "venv", tmp_path / "empty", cwd=tmp_path)
    python = tmp_path / "empty" / "bin" / "python"
    place = Path(ran(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    # The libraries that the tests run with stand in for the index; of ours only what is installed now can be found.
    libraries = sysconfig.get_path("purelib")
    (place / "libraries.pth").write_text(libraries + "\n", encoding="utf-8")
    ran(
        python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
        "--ignore-installed", next(built.glob(kind)), cwd=tmp_path, PYTHONPATH=tools,
    )
    found = Path(ran(python, "-c", "import planner; print(planner.__file__)", cwd=tmp_path).strip())
    assert place in found.parents
    if kind == "*.tar.gz":  # what it installs is what the wheel has, with which the rest is done
        with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
            code = [name for name in wheel.namelist() if name.startswith(("planner/", "kernels/"))]
            assert len(code) > 100
            for name in code:
                assert (place / name).read_bytes() == wheel.read(name), name
        installed = {
            path.relative_to(place).as_posix() for name in ("planner", "kernels") for path in (place / name).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert installed == set(code)
        return
    planner = tmp_path / "empty" / "bin" / "planner"
    shutil.copytree(ROOT / "fixtures" / "tiny", tmp_path / "tiny")
    ran(planner, "new", "mine", cwd=tmp_path)
    ran(planner, "check", "mine", cwd=tmp_path)
    assert "optimal" in ran(planner, "plan", "tiny", "--out", "run", cwd=tmp_path)
    ran(planner, "report", "run", cwd=tmp_path)
    ran(planner, "portfolios", "tiny", "--plan", "run", "--subsets", "sites", "--out", "p.parquet", cwd=tmp_path)
    assert "portfolios over 20 futures" in ran(
        planner, "score", "tiny", "--portfolios", "p.parquet", "--scenarios", "20", "--out", "scores", cwd=tmp_path
    )
