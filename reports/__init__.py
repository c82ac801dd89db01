"""Results for people: synthesis counts, the paper's table, the report; each with its source."""
