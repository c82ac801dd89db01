"""Circuits that turn accumulator sums into activation codes or biased scores."""
