"""What must hold within and between tables."""
