"""
Notebooks become pages. `catalogue` knows the reports, `run` executes one with its parameters,
`page` makes one self-contained HTML file of it, `index` lists the pages of a folder.
"""
