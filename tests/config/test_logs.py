"""Log lines contain no personal data."""

import logging

from config.logs import PrivateFormatter

ROW = "DETAIL:  Failing row contains (26, Sarah, Lindqvist, +12025550100)."


def test_a_log_line_contains_no_row_number_or_callback_token() -> None:
    message = f"failed at /hooks/robotalker/c.abc.status:secret for +12025550100\n{ROW}"
    record = logging.LogRecord("x", logging.ERROR, "", 0, message, None, None)
    line = PrivateFormatter("%(message)s").format(record)
    assert line == ("failed at /hooks/robotalker/(left out) for +1 ••• ••• ••00\nDETAIL: left out")


def test_a_traceback_in_the_log_contains_no_row() -> None:
    try:
        raise ValueError(ROW)
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 0, "failed", None, (ValueError, error, error.__traceback__)
        )
    line = PrivateFormatter("%(message)s").format(record)
    assert "ValueError" in line
    assert "Lindqvist" not in line
