"""What this machine does with the kernels, beside plain NumPy, a pandas loop, a numba loop, and its own limits.

`python -m kernels.bench` needs NumPy and SciPy alone; numba, pandas, numpy-financial and CuPy are measured where
present.
"""
