"""A case as files, and the format written down."""
