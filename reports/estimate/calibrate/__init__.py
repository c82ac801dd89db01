"""Calibration of the cost model: random configurations, synthesised, fitted and scored."""
