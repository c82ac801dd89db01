"""What a plan costs, against what a device has."""
