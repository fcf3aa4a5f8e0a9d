"""A second set of books: what a run's published tables and its case say about money, kept month by month without the
planner's own code."""
