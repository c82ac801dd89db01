"""Synthesis, placement and what they counted."""
