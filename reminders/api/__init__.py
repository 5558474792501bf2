"""The API for other systems of the practice, /api/v1/. docs/api.md tells how it is used."""
