"""The engine `unrolled`: the matrix as wiring, a new vector every cycle."""
