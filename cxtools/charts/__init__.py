"""A table in, something to look at out: figures and tables. Charts import measures, never the reverse."""
