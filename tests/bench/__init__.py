"""`make bench`: how fast the busy paths are, each beside the plainest thing that could do its work."""
