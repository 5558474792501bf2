"""A stand-in for Robotalker's own servers: a separate process that speaks its API over HTTP.

It accepts calls, campaigns and text messages as the guide says, rings, lets a person press keys on a
page of phones, posts the guide's events, misbehaves on demand, and keeps a ledger of everything it
accepted. It places no calls, and it imports nothing of the rest of this project.

Run it with ``python -m reminders.sandbox --port 8100`` or ``manage.py robotalker_sandbox --port 8100``.
"""
