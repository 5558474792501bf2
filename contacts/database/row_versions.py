"""Tell by the rows themselves whether any of them was written since they were read."""

# Of one row of a table, in SQL: each version of it has another place in its table or another transaction.
ROW_VERSION = "hashtext(ctid::text || '/' || xmin::text)"
