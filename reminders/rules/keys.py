"""The keys a person may press in a call, and what each means. 9 is Robotalker's own "optout" action."""

CONFIRM, ANOTHER_TIME, OPT_OUT = "1", "2", "9"
MEANINGS = frozenset({CONFIRM, ANOTHER_TIME, OPT_OUT})
