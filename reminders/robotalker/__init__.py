"""All knowledge of Robotalker's wire format. Knows no models and no Django: configuration comes as arguments.

payloads.py builds what is sent, client.py sends it, answers.py reads what comes back, errors.py says what a
failure means, events.py reads what Robotalker posts to us. Facts and assumptions: docs/robotalker.md.
"""
