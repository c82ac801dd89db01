"""Compilers from ternary matrices to adder graphs, compressor trees and schedules."""
