"""A case made up at any size, table by table."""
