"""What is said: scripts, their variables, and how long they are."""
