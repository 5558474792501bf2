"""Formats of dates and times for Django's own pages, such as the admin: see contacts/clock_habits.py."""
