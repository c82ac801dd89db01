"""Simulation: the reference in numpy, and the bench that demands that the Verilog equals it."""
