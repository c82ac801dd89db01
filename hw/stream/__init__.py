"""Stream interfaces, FIFOs, width converters, ROMs, and the exact cycle model."""
