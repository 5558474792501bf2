"""A simulator of Robotalker's servers: a separate process with Robotalker's HTTP API.

It accepts calls, campaigns and text messages as in the guide, shows them on a web page of phones where a
person can answer and press keys, posts the guide's events, can be told to fail, and keeps a ledger of
everything it accepted. It places no real calls and imports nothing of the rest of this project.

Run it with ``python -m reminders.sandbox --port 8100`` or ``manage.py robotalker_sandbox --port 8100``.
"""
