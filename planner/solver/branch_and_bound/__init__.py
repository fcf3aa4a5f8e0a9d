"""The search for whole solutions: branching, node programmes, root cuts, tightening."""
