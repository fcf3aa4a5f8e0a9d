"""What is unusual about a case, though not wrong."""
