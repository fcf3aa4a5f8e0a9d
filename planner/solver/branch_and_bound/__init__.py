"""The search for integer solutions: branching, node programmes, root cuts, tightening."""
