"""Fused CUDA kernels: real `.cu` files, their loader, and functions with the signatures of their specifications."""
