"""The words of pages in other languages: whether all are translated, and compiling them.

`manage.py translations` (make words) finds every marked word in templates, in the code and in the names of
models. It writes those that are new into locale/es/LC_MESSAGES/django.po with an empty translation, takes out
those that are gone, and compiles the .mo files that Django reads. It uses Babel instead of GNU gettext, so it
runs on every machine that runs the tests. With --check it only tells what is missing or wrong.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel.messages import Catalog
from babel.messages.catalog import Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

from config.apps import ConfigConfig
from config.model_labels import CONTEXT

CODE = ("config", "contacts", "reminders", "webhooks")
# Scripts speak the patient's language, commands and the sandbox are for programmers.
NOT_PAGES = ("migrations", "management", "sandbox")
HEADER = """# {name}. Sorted, and without places in the code, so that two changes rarely touch the same lines.
# manage.py translations adds and removes messages, and compiles the .mo file beside this one.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
TRANSLATED = {"es": "Spanish of the United States, as a clinic's front desk speaks it"}
# The function, and which of its arguments are the context ("c") and the message.
KEYWORDS = {
    name + suffix: places
    for name, places in {
        "gettext": (1,),
        "ngettext": (1, 2),
        "pgettext": ((1, "c"), 2),
        "npgettext": ((1, "c"), 2, 3),
    }.items()
    for suffix in ("", "_lazy")
} | {"_": (1,), "gettext_noop": (1,)}
NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)  # Babel would write today's, and the file would differ each day
STRING = r"u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
IN_TEMPLATE = re.compile(rf"\b(_|n?p?gettext)\(({STRING}(?:\s*,\s*{STRING})*)", re.DOTALL)
PLACEHOLDER = re.compile(r"%%|%\(\w+\)[a-z]|%[a-z]|\{\w*\}")


class MessageKey(NamedTuple):
    """What a message is found by: its context, or "", and its English."""

    context: str
    english: str


# The plural form of each message, or "" if it has none.
Messages = dict[MessageKey, str]


class TwoPlurals(Exception):
    """One message stands in the code with two plurals, of which a catalogue holds only one."""


def collect_messages(root: Path = settings.BASE_DIR) -> Messages:
    """Every message that is marked in the code, in templates, and in the names of models."""
    found: Messages = {}
    for key, plural in [*_read_code(root), *_read_templates(root)]:
        if plural and found.get(key) not in (None, "", plural):
            raise TwoPlurals(key.english)
        found[key] = plural or found.get(key, "")
    found.update({MessageKey(CONTEXT, label): "" for label in ConfigConfig.labels})
    return found


def find_translation_faults(language: str, root: Path = settings.BASE_DIR) -> list[str]:
    """What is wrong with the translation of one language, a sentence each; empty if nothing is."""
    wanted, catalogue = collect_messages(root), read_catalogue(language, root)
    faults = [f"no longer used: {key.english!r}" for key in _list_keys(catalogue) if key not in wanted]
    for key, plural in wanted.items():
        message = catalogue.get(key.english, key.context or None)
        if message is None:
            faults.append(f"not in the catalogue: {key.english!r}")
        elif fault := _find_fault(message, plural):
            faults.append(f"{fault}: {key.english!r}")
    for code, _name in settings.LANGUAGES:
        if compile_catalogue(code, root) != _find_file(code, root).with_suffix(".mo").read_bytes():
            faults.append(f"{code}: the .mo file is not that of the .po file")
    return faults


def update_catalogue(language: str, root: Path = settings.BASE_DIR) -> list[str]:
    """Bring the catalogue up to date with the code. Returns the messages that are not translated yet."""
    old, new = read_catalogue(language, root), Catalog(language)
    for key, plural in collect_messages(root).items():
        known = old.get(key.english, key.context or None)
        strings = known.string if known and bool(plural) == known.pluralizable else ""
        english = (key.english, plural) if plural else key.english
        new.add(english, strings or None, context=key.context or None)
    write_catalogue(language, new, root)
    return [str(message.id) for message in new if message.id and not all(_list_strings(message))]


def write_catalogue(language: str, catalogue: Catalog, root: Path = settings.BASE_DIR) -> None:
    """Write the .po file."""
    written = BytesIO()
    write_po(written, catalogue, width=0, omit_header=True, sort_output=True, ignore_obsolete=True)
    header = HEADER.format(language=language, name=TRANSLATED[language])
    _find_file(language, root).write_text(header + written.getvalue().decode())


def read_catalogue(language: str, root: Path = settings.BASE_DIR) -> Catalog:
    """The .po file; an empty catalogue if there is none."""
    file = _find_file(language, root)
    if not file.exists():
        return Catalog(language)
    with file.open("rb") as opened:
        return read_po(opened, locale=language, abort_invalid=True)


def compile_catalogue(language: str, root: Path = settings.BASE_DIR) -> bytes:
    """What the .mo file must hold."""
    compiled, catalogue = BytesIO(), read_catalogue(language, root)
    catalogue.creation_date = catalogue.revision_date = NO_DATE
    write_mo(compiled, catalogue)
    return compiled.getvalue()


def write_compiled(language: str, root: Path = settings.BASE_DIR) -> None:
    """Write the .mo file."""
    _find_file(language, root).with_suffix(".mo").write_bytes(compile_catalogue(language, root))


def read_template(source: str) -> Iterator[tuple[MessageKey, str]]:
    """The messages of one template, with their plurals."""
    for function, arguments in IN_TEMPLATE.findall(templatize(source)):
        strings = list(ast.literal_eval(f"[{arguments}]"))
        context = strings.pop(0) if "p" in function else ""
        yield MessageKey(context, strings[0]), strings[1] if len(strings) > 1 else ""


def list_templates(root: Path = settings.BASE_DIR) -> list[Path]:
    """Every template of a page."""
    return sorted((root / "templates").rglob("*.html"))


def list_code(root: Path = settings.BASE_DIR) -> list[Path]:
    """Every module that can have words of a page."""
    files = (file for app in CODE for file in (root / app).rglob("*.py"))
    return sorted(file for file in files if not set(NOT_PAGES) & set(file.relative_to(root).parts))


def _read_templates(root: Path) -> Iterator[tuple[MessageKey, str]]:
    for file in list_templates(root):
        yield from read_template(file.read_text())


def _read_code(root: Path) -> Iterator[tuple[MessageKey, str]]:
    for file in list_code(root):
        with file.open("rb") as opened:
            for _line, found, _comments, context in extract("python", opened, KEYWORDS):
                strings = (found,) if isinstance(found, str) else found
                if strings and strings[0]:
                    plural = strings[1] if len(strings) > 1 else ""
                    yield MessageKey(context or "", strings[0]), plural or ""


def _find_file(language: str, root: Path) -> Path:
    return root / "locale" / language / "LC_MESSAGES" / "django.po"


def _list_keys(catalogue: Catalog) -> Iterator[MessageKey]:
    for message in catalogue:
        if message.id:
            english = message.id if isinstance(message.id, str) else message.id[0]
            yield MessageKey(message.context or "", english)


def _find_fault(message: Message, plural: str) -> str:
    strings, ids = _list_strings(message), [message.id] if isinstance(message.id, str) else [*message.id]
    if message.fuzzy:
        return "a guess (fuzzy)"
    if not all(strings):
        return "not translated"
    if (plural or None) != (ids[1] if len(ids) > 1 else None):
        return "another plural in the code"
    if _count_placeholders(strings[-1]) != _count_placeholders(ids[-1]):
        return "other placeholders in the translation"
    if _count_placeholders(strings[0]) - (_count_placeholders(ids[0]) | _count_placeholders(ids[-1])):
        return "other placeholders in the singular"
    return ""


def _list_strings(message: Message) -> list[str]:
    return [message.string or ""] if isinstance(message.string, str | None) else [*message.string]


def _count_placeholders(text: str) -> Counter[str]:
    return Counter(PLACEHOLDER.findall(text))
