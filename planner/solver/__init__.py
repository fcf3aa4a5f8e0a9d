"""Linear and mixed-integer programmes: model arrays, solvers by name, options, statuses, re-solves; nothing here knows
of sites."""
