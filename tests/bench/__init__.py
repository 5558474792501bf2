"""`make bench`: measure the busiest code paths, compared with the simplest code that does the same work."""
