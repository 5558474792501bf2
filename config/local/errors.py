"""What can go wrong on a laptop, said so that a person knows what to do."""


class LocalServiceError(Exception):
    """An embedded server can't be started; the text says why and what to do."""
