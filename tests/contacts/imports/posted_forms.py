"""A form as a browser without JavaScript posts it."""

from collections.abc import Mapping
from html.parser import HTMLParser

NO_CHANGES: Mapping[str, str] = {}
Fields = dict[str, list[str]]


class FormReader(HTMLParser):
    """The names and values that the form with the class `apply` posts, if nobody touches it."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = {}
        self._is_inside = False
        self._select = ""
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = given.get("class") == "apply"
        elif self._is_inside and tag == "input":
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                self._add(given.get("name", ""), given.get("value", ""))
        elif self._is_inside and tag == "select":
            self._select, self._options = given.get("name", ""), []
        elif self._select and tag == "option":
            self._options.append((given.get("value", ""), "selected" in given))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "select" and self._select:
            chosen = [value for value, is_selected in self._options if is_selected]
            self._add(self._select, (chosen or [value for value, _ in self._options[:1]] or [""])[0])
            self._select = ""

    def _add(self, name: str, value: str) -> None:
        if name and name != "csrfmiddlewaretoken":
            self.fields.setdefault(name, []).append(value)


def read_form(page: str, changes: Mapping[str, str] = NO_CHANGES) -> Fields:
    """The form of a preview, with these fields changed by hand."""
    reader = FormReader()
    reader.feed(page)
    return reader.fields | {name: [value] for name, value in changes.items()}
