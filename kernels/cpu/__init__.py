"""The fast twin of each kernel on the CPU."""
