"""The integer contract between training and hardware, and its files. Integers only, numpy only."""
