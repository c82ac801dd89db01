"""Circuits of layers without weights: windows, pooling, argmax, residual adds."""
