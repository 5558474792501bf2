"""Appointment lists out of other systems: read, checked, compared with the book, and applied.

The way of a file, one module each: decoding and files (bytes to a table), columns (which column means
what), dates, words and rows (cells to values, each fault with a remedy), repeats and people (what the
rows of one file say about each other), places and matching (what the book knows), planning (what would
change), apply (changes it), report (says it). importing.py walks it from end to end.
"""
