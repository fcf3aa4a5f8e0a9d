"""What a solve in a process of its own runs: read the question in a folder, solve, write the answer there."""

from __future__ import annotations

import sys
from pathlib import Path

from planner.solver.own_process import read_question, write_answer
from planner.solver.solvers import mip_solver


def main() -> None:
    """Answer the question in the folder that is named on the command line."""
    folder = Path(sys.argv[1])
    arrays, options = read_question(folder)
    write_answer(folder, mip_solver(options).solve_arrays(arrays))


if __name__ == "__main__":
    main()
