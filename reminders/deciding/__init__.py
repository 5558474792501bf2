"""Whether a reminder is called: the facts that decide() needs, read from the tables."""
