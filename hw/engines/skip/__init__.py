"""The engine `skip`: nonzero weights alone, by a schedule computed at export."""
