"""The integer contract: data types, nodes, the network, and its file format."""
