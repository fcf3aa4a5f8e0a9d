"""Futures of a case: its factors drawn jointly, its outlook in each future, and its named stresses."""
