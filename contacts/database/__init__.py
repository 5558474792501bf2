"""Access to PostgreSQL: its clock, and saving many rows with one statement."""
