"""Plans that are nearly as good as the best: what they share, what can be swapped, and by how much they differ."""
