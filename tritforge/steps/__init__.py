"""The steps of the chain, from files to files."""
