"""Bytes of a file to rows of text, for every kind of file. Pure: no database.

| module | what it does |
| --- | --- |
| cells.py | one cell: protections of spreadsheets, invisible characters, spaces |
| letters.py | bytes to letters, or a question; which cells are damaged |
| names_check.py | whether letters can be a name |
| dialects.py | delimiter, quotation marks and escapes of a CSV file |
| layout.py | rows of text to a Table: title lines, the header, totals |
| workbooks.py, web_pages.py, calendars.py, fhir.py | the other kinds of file |
| parser_process.py | reads those in a process of its own, with limits of memory and time |
| time_limits.py | a limit of processor time for one step of that |
| other_files.py | their readers, and the sentence for each file that can't be read |
"""
