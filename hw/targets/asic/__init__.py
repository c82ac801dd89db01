"""Standard cells."""
