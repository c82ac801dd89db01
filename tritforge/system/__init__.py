"""What the machine has: tools and system packages."""
