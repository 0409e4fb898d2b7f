"""
Notebooks become pages. `catalogue` knows the reports, `run` executes one with its parameters,
`executed` reads what any executed notebook tells of itself, `page` makes one self-contained HTML
file of it, `exporter` does so for nbconvert and JupyterLab, `index` lists the pages of a folder.
"""
