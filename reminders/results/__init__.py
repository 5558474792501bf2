"""Recording what became of a call: the result of its POST, events, pressed keys, and the next try."""
