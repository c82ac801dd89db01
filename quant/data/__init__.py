"""Reading datasets: one module for each format, all of which return a ``Dataset``."""
