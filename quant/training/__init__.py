"""The training loop: settings, resuming, watching, recalibrating, several processes."""
