"""Every word on pages is marked for translation and translated (product rule 60)."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages import Catalog
from django.conf import settings
from django.utils import translation

from config.translations import (
    TRANSLATED,
    MessageKey,
    collect_messages,
    find_translation_faults,
    list_code,
    list_templates,
    read_template,
    update_catalogue,
    write_catalogue,
    write_compiled,
)

# Names, keys and units, which are the same in every language.
SAME_EVERYWHERE = {"Callboard", "· Callboard", "Robotalker", "UTC", "Esc", "Ctrl K"}
ATTRIBUTES = {
    "title",
    "aria-label",
    "aria-description",
    "aria-roledescription",
    "placeholder",
    "alt",
    "label",
}
NOT_SHOWN = re.compile(
    r"{%\s*comment.*?endcomment\s*%}"
    r"|{%\s*blocktrans(?:late)?\b.*?{%\s*endblocktrans(?:late)?\s*%}"
    r"|{%\s*block (?:\w*_class|coltype)\s*%}.*?{%\s*endblock[^%]*%}"
    r"|{%.*?%}|{{.*?}}|{#.*?#}",
    re.DOTALL,
)
LETTERS = re.compile(r"[^\W\d_]{2}")
# The API is in English.
ENGLISH_ONLY = ("reminders/api/",)
NAMED_ARGUMENTS = {"verbose_name", "verbose_name_plural", "help_text", "label", "empty_label", "description"}
CALLS = {"ValidationError", "add_error"}
MESSAGES = {"success", "error", "warning", "info"}


class ShownWords(HTMLParser):
    """The text and the read attributes of a template whose tags have been taken out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_script = tag in ("script", "style")
        is_button = tag == "input" and dict(attrs).get("type") in ("submit", "button")
        read = ATTRIBUTES | {"value"} if is_button else ATTRIBUTES
        for name, value in attrs:
            if value and name in read and LETTERS.search(value):
                self.found.append(value)

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False

    def handle_data(self, data: str) -> None:
        if not self.in_script and LETTERS.search(data):
            self.found.append(" ".join(data.split()))


def find_bare_words(template: str) -> list[str]:
    shown = ShownWords()
    shown.feed(NOT_SHOWN.sub("", template))
    return [words for words in shown.found if words not in SAME_EVERYWHERE]


def find_bare_strings(module: ast.AST) -> Iterator[str]:
    """Words for people that stand in the code without a mark: labels, help, errors, messages, choices."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            is_message = name in MESSAGES and ast.unparse(node.func).startswith("messages.")
            yield from _pick(argument.value for argument in node.keywords if argument.arg in NAMED_ARGUMENTS)
            if name in CALLS or is_message:
                yield from _pick(node.args)
        elif isinstance(node, ast.ClassDef) and any("Choices" in ast.unparse(base) for base in node.bases):
            values = [line.value for line in node.body if isinstance(line, ast.Assign)]
            yield from _pick(value.elts[-1] for value in values if isinstance(value, ast.Tuple))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in NAMED_ARGUMENTS:
            yield from _pick([node.value])


def _pick(nodes: Iterator[ast.expr] | list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        is_text = isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        if is_text and re.search(r"[A-Za-z]{2} ", words := ast.unparse(node)):
            yield words


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_word_is_translated(language: str) -> None:
    """If this fails: `make words`, then write what it names into locale/, then `make words` again."""
    assert find_translation_faults(language) == []


def test_no_word_of_a_template_stands_outside_a_translation() -> None:
    bare = {file.name: words for file in list_templates() if (words := find_bare_words(file.read_text()))}
    assert bare == {}


def test_no_word_for_people_stands_in_the_code_without_a_mark() -> None:
    bare = {}
    for file in list_code():
        place = str(file.relative_to(settings.BASE_DIR))
        if not place.startswith(ENGLISH_ONLY) and (
            found := [*find_bare_strings(ast.parse(file.read_text()))]
        ):
            bare[place] = found
    assert bare == {}


def test_words_without_a_mark_are_found() -> None:
    template = """{% block frame_class %}alone{% endblock %}<p>Hello {{ name }}</p><a title="Go back">
        {% translate "x" %}</a><input placeholder="{% translate 'Find' %}"><script>no words</script>
        {% blocktranslate %}fine{% endblocktranslate %}"""
    assert find_bare_words(template) == ["Hello", "Go back"]
    code = """
class Kind(models.TextChoices):
    ONE = "one", "the first one"
    TWO = "two", _("the second")
name = models.CharField(help_text="Said in calls.", verbose_name=_("name"))
messages.error(request, f"{name} is gone.")
raise ValidationError("That can't be.", code="it is no text")
log.error("a failure that staff never see")
"""
    assert len([*find_bare_strings(ast.parse(code))]) == 4


def test_messages_of_templates_are_read_as_django_looks_them_up() -> None:
    template = """{% translate "Log out" %}{% translate 'May' context 'month' %}{{ x|default:_("100%") }}
        {% blocktranslate trimmed count n=rows|length %}
            {{ n }} row, 5 %
        {% plural %}
            {{ n }} rows
        {% endblocktranslate %}{% if a == _("it's") %}{% endif %}"""
    assert [*read_template(template)] == [
        (MessageKey("", "Log out"), ""),
        (MessageKey("month", "May"), ""),
        (MessageKey("", "100%"), ""),
        (MessageKey("", "%(n)s row, 5 %%"), "%(n)s rows"),
        (MessageKey("", "it's"), ""),
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small project with three messages, and a catalogue that translates them."""
    for language in ("en", "es"):
        (tmp_path / "locale" / language / "LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "locale/en/LC_MESSAGES/django.po").write_text('msgid ""\nmsgstr ""\n')
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/page.html").write_text("{% blocktranslate %}One {{ name }}{% endblocktranslate %}")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/words.py").write_text('ngettext("%(n)d row", "%(n)d rows", 2); _("Log out")')
    write_words(tmp_path, {})
    return tmp_path


def write_words(root: Path, changed: dict[str, str]) -> None:
    words = Catalog("es")
    for key, plural in collect_messages(root).items():
        spanish = changed.get(key.english, f"es {key.english}")
        if plural:
            words.add((key.english, plural), (spanish, f"es {plural}"), context=key.context or None)
        else:
            words.add(key.english, spanish, context=key.context or None)
    write_catalogue("es", words, root)
    for language in ("en", "es"):
        write_compiled(language, root)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, []),
        ({"Log out": ""}, ["not translated: 'Log out'"]),
        ({"One %(name)s": "Uno %(nombre)s"}, ["other placeholders in the translation: 'One %(name)s'"]),
        ({"%(n)d row": "una fila"}, []),
        ({"%(n)d row": "%(x)d fila"}, ["other placeholders in the singular: '%(n)d row'"]),
    ],
)
def test_a_fault_of_a_translation_is_named(root: Path, changed: dict[str, str], fault: list[str]) -> None:
    write_words(root, changed)
    assert find_translation_faults("es", root) == fault


def test_a_word_that_is_new_gone_guessed_or_not_compiled_is_named(root: Path) -> None:
    file = root / "locale/es/LC_MESSAGES/django.po"
    (root / "config/words.py").write_text('ngettext("%(n)d row", "%(n)d rows", 2); _("Log in")')
    assert sorted(find_translation_faults("es", root)) == [
        "no longer used: 'Log out'",
        "not in the catalogue: 'Log in'",
    ]
    assert update_catalogue("es", root) == ["Log in"]
    text = file.read_text().replace('msgid "Log in"\nmsgstr ""', '#, fuzzy\nmsgid "Log in"\nmsgstr "Entrar"')
    file.write_text(text)
    assert find_translation_faults("es", root) == [
        "a guess (fuzzy): 'Log in'",
        "es: the .mo file is not that of the .po file",
    ]
    file.write_text(text.replace("#, fuzzy\n", ""))
    write_compiled("es", root)
    assert find_translation_faults("es", root) == []


def test_the_names_of_fields_and_lists_are_translated_too() -> None:
    from contacts.models import Contact

    with translation.override("es"):
        assert str(Contact._meta.verbose_name_plural) == "contactos"
        assert str(Contact._meta.get_field("first_name").verbose_name) == "nombre"
    assert str(Contact._meta.verbose_name_plural) == "contacts"
