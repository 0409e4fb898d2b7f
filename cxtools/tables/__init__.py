"""
Files as people have them: packed, in the encodings, layouts and workbooks of all sorts of programs.

Events and recipients are read through the same doors.
"""
