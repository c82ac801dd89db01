"""Synthesis, place and route, and the resources they report."""
