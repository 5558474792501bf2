"""Formats for pages in Spanish."""
