"""A clinic to try things out in, made relative to now, with made-up people and numbers.

zones.py picks where it is mid-morning, people.py names the cast, diary.py lays out their visits,
outcomes.py and history.py tell what became of those before now and aftermath.py saves it, places.py and
users.py make the rest, and clinic.py puts it all into the database.
"""
