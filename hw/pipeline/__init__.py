"""From a network to a planned pipeline, its top module and its Verilog."""
