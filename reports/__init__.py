"""Numbers for people: synthesis counts, the paper's table, and the report. Each says where it is
from."""
