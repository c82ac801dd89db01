"""UltraScale+."""
