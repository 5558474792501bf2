"""The audit trail: writing it (trail.py), which pages it tells of (words.py), and reading it (reading.py)."""
