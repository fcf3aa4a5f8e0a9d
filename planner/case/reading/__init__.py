"""From files to typed tables, every fault kept with its place."""
