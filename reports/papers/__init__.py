"""Figures of published papers, recomputed."""
