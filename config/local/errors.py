"""Errors on a laptop, with messages that say what to do."""


class LocalServiceError(Exception):
    """An embedded server can't be started; the message says why and what to do."""
