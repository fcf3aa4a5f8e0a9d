"""Figures as Vega-Lite charts, one file per section of the page."""
