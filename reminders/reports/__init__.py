"""How it went: counts and comparisons, read only."""
