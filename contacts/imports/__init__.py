"""Import of appointment lists that other systems exported.

importing.py runs these steps (1 to 4 by list_reading, 5 and 6 by list_planning), each in a module of its own:

1. files, csv_files, reading/: bytes to a table of text. file_reading reads it as a person has chosen
   (reading_options) or as recognised; understood says how. mending: the rows of an earlier list that were
   rejected, as a file, and that file read again. packed_lists: a table is kept compressed.
2. columns (by headers, column_values), cancelling_columns, location_questions: which column has which
   meaning. Where it isn't clear, a question is asked (questions), and the answer kept (remembered).
3. starts, dates, times, words, status_words, row_names, row_numbers, rows: cells to values; each problem
   comes with what to do about it.
4. row_blocks: the rows in blocks, each of which is judged, planned and written by itself; weak_ids, repeats,
   people: ids that are none, and rows of one appointment or one patient within the file. identity says
   whether two descriptions are of one person.
5. practice, matching: which locations, contacts and appointments exist already.
6. three_way, planning (contact_plans, plan_notes): what would change (plans), against what the file said
   before. changes: each change with its old and new values. missing: appointments that the file should have
   and doesn't. doubts: questions. visits_ahead: the visits whose reminders would be planned anew.
7. stored_files keeps the file until it is imported, leases let one worker at a time import it. runs: the plan
   of a block is cut into parts (plan_parts), and each is written in a short transaction; apply writes the
   changes. overwriting keeps what an undo puts back. progress: how far it is.
8. report, change_words: the result as counts, text, JSON and CSV.
"""
