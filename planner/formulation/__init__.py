"""From candidates to columns and rows, and back: cohorts, the aggregated market, redundant rows, the stated model."""
