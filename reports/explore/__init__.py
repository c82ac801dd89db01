"""Choosing engine and folding of every layer by exact search."""
