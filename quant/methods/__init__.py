"""Ternarization methods, one file each."""
