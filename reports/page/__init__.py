"""The report of a design: sections, charts, HTML and Markdown."""
