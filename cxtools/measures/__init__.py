"""
Measures: the events of a store in, a table of answers out.

`catalogue` holds the questions, `sql/` what counts for each, `engine` what they are asked of,
`answers` how they are answered, and `table` what comes out.
"""
