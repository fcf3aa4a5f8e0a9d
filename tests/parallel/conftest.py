"""The portfolios that all tests of partitions score."""

from __future__ import annotations

import pytest
from cluster_case import Made, make


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("cluster"))
