"""Plans nearly as good as the best: what they share, and what can be swapped."""
