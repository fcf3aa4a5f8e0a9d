"""`python -m tests.faults` from the root of the repository."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.fuzz import main  # the folder of the tests is on the path only now

main()
