"""Memory and device."""
