"""Import of appointment lists that other systems exported.

importing.py runs these steps, each in a module of its own:

1. files, csv_files, reading/: bytes to a table of text.
2. columns (by headers, column_values), cancelling_columns, location_questions: which column has which
   meaning. Where it isn't clear, a question is asked (questions), and the answer kept (remembered).
3. starts, dates, times, words, row_names, row_numbers, rows: cells to values; each problem comes with what to
   do about it.
4. repeats, people: rows of one appointment or one patient within the file.
5. practice, matching: which locations, contacts and appointments exist already.
6. planning: what would change. missing: appointments that the file should have and doesn't.
7. apply: writes the changes.
8. report: the result as counts, text, JSON and CSV.
"""
