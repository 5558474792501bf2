"""What is said: scripts, their variables, and the length of a text."""
