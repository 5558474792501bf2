"""Recording the results of a call: the answer to its POST, events, pressed keys, and the next try."""
