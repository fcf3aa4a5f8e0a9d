"""Processes of this machine, and Dask."""
