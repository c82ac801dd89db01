"""Amaranth generators: from a network and a folding to Verilog."""
