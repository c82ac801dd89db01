"""Tables and drawings as text, CSV, Markdown, HTML and SVG."""
