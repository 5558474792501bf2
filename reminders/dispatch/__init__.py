"""Dispatch: claims what is due, opens the calls, POSTs them and records the answers."""
