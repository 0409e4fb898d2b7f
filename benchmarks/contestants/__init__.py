"""Who is measured: one module each, run in a process of its own."""
