"""The demo clinic: a practice to try Callboard with, around the current time, all of it made up.

zones.py chooses a time zone where it is mid-morning, people.py lists the people and appointments.py their
appointments. outcomes.py and history.py make up what happened to the reminders before now, and
saved_history.py saves it. locations.py and users.py make the rest, and clinic.py saves everything.
"""
