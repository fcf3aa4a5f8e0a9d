"""Plans: what to plan under, the plan as data, and the making of one with its prices and reasons."""
