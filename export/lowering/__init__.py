"""From a trained torch model to the integer contract."""
