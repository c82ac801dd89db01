"""What each FPGA family offers: primitives, and the operators that serve every other target."""
