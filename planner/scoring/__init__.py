"""Scores of portfolios over many futures."""
