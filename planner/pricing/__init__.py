"""Prices of what is scarce, each an answer to a stated question."""
