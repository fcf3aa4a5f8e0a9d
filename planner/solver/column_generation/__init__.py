"""Programmes with more columns than a model can hold: restricted master, pricing rounds, certificate, branch and price,
mean and CVaR."""
