"""
Questions in SQL: what people type, answered from views that can only be read.

`columns` says what the views hold, `rules` what a statement may be, `views` how the views are made,
and `process` runs it all in a process of its own, which has a bound on time and memory.
"""
