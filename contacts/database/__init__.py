"""Talking to PostgreSQL: its clock, and many saves as one statement."""
