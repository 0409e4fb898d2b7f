"""
Notebooks become pages: `run` executes one with its parameters, `page` makes it one self-contained
HTML file.
"""
