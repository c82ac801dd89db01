"""Engines that compute layers with weights, one package each."""
