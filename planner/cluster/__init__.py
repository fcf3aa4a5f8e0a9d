"""Past one process: partitions of portfolios scored by workers on this machine or many, kept as they finish, gone on with later."""
