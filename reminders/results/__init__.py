"""What did a call come to? Answers to the POST, events, pressed keys, and the next try."""
