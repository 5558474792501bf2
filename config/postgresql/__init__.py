"""The database backend: Django's own for PostgreSQL, whose connections don't wait for ever."""
