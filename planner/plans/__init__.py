"""What a plan holds: statement, tables, binding limits, decisions."""
