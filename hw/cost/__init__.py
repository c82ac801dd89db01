"""What circuits cost on an FPGA before synthesis."""
