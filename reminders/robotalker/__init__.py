"""Everything about Robotalker's wire format. Imports no models and no Django; configuration is passed in.

payloads.py builds request bodies, client.py sends them, responses.py reads the responses, status_codes.py
and errors.py say what a failure means, events.py reads what Robotalker posts to us. Facts and assumptions:
docs/robotalker.md.
"""
