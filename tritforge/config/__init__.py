"""Network configurations in YAML."""
