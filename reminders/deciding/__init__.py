"""Does this reminder go? The facts that decide() needs, read from the tables."""
