"""Folders and files of results: whole or not at all, sealed, found again."""
