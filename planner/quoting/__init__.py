"""Quotes: the lowest rate at which to sign a lease, what it costs alone, what it displaces; breakeven by bundle."""
