"""The estimated cost of a plan, and whether it fits a device."""
