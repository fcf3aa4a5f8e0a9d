"""The specification of each kernel in plain array mathematics."""
