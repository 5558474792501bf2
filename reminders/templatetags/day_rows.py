"""The rows of Today. A day may have some hundreds of them, so each is filled into one pattern, which takes a
tenth of the time of a template. Whatever somebody has written is escaped here, by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from django import template
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from contacts.templatetags.display import icon
from reminders.pages.day import Row
from reminders.templatetags.reminder_display import draw_state

register = template.Library()
ROW = """<li class="row-line{classes}" id="appointment-{pk}"{swap}>
<time class="row-time">{time}</time>
<div class="row-who"><a href="{href}">{name}</a><small>{about}</small></div>
<div class="row-state">{chip}{next_step}</div>
<span class="row-number number">{number}</span>
<div class="row-actions">{call}{marks}</div>
</li>
"""
NEXT_STEP = '<span class="row-next" title="{words}">{words}</span>'
CALL = (
    '<button type="submit" class="row-action" id="call-{pk}" data-key="c"'
    ' formaction="/reminders/{reminder}/call/"{title}>{icon}<span>{word}</span><i>: {name}</i></button>'
)
MARK = (
    '<button type="submit" class="row-action" id="{kind}-{pk}" data-key="{key}" name="status"'
    ' value="{status}" formaction="{href}attendance/"{pressed}>'
    "{icon}<span>{word}</span><i>: {name}</i></button>"
)
NOT_YET = '<span class="row-action not-yet" aria-hidden="true">{icon}<span>{word}</span></span>'
PRESSED = ' aria-pressed="true"'
SWAP = ' hx-swap-oob="morph"'


@dataclass(frozen=True)
class RowLook:
    """What all rows of a page share, as HTML: words and icons, and for htmx `swap`, an attribute.

    `language`: of the page. `arrived`, `no_show`: patterns of buttons; `no_show_later`: keeps the place of
    the second until the visit begins, so that no button moves then.
    """

    language: str | None
    may_change: bool
    show_place: bool
    swap: str
    call: str
    call_icon: str
    unmarked: str
    leaving: str
    arrived: str
    no_show: str
    no_show_later: str


@register.simple_tag(takes_context=True)
def row_look(context: RequestContext) -> RowLook:
    """Looked up once for all rows of a page, or of what has changed on it."""
    return RowLook(
        language=get_language(),
        may_change=bool(context["perms"]["contacts"]["change_appointment"]),
        show_place=bool(context.get("show_place")),
        swap=SWAP if context.get("changes") else "",
        call=escape(gettext("Call now")),
        call_icon=icon("phone-outgoing"),
        unmarked=format_html('<span class="row-next hue-amber">{}</span>', gettext("not marked yet")),
        leaving=format_html('<span class="row-next">{}</span>', gettext("no longer in this list")),
        arrived=_prepare_mark("arrived", "a", "user-check", gettext("Arrived")),
        no_show=_prepare_mark("no_show", "n", "user-x", gettext("No-show")),
        no_show_later=NOT_YET.format(icon=icon("user-x"), word=escape(gettext("No-show"))),
    )


def _prepare_mark(status: str, key: str, icon_name: str, word: str) -> str:
    """The pattern of a button that marks a visit, with what is the same in every row."""
    rest = {name: f"{{{name}}}" for name in ("pk", "href", "pressed", "name")}
    kind = status.replace("_", "-")
    return MARK.format(kind=kind, status=status, key=key, icon=icon(icon_name), word=escape(word), **rest)


@register.filter
def drawn(rows: Iterable[Row], look: RowLook) -> SafeString:
    """The rows as elements of the list."""
    return SafeString("".join(_draw(row, look) for row in rows))


def _draw(row: Row, look: RowLook) -> str:
    acts = look.may_change and not row.is_cancelled
    about = " · ".join(filter(None, (row.about, row.location if look.show_place else "")))
    name = escape(row.name)
    return ROW.format(
        classes=_classes_of(row),
        pk=row.pk,
        swap=look.swap,
        time=escape(row.time),
        href=row.href,
        name=name,
        about=escape(about),
        chip=draw_state(row.standing.code, row.standing.words, look.language),
        next_step=_draw_next_step(row, look),
        number=escape(row.number or "–"),
        call=_draw_call(row, look, name) if acts and row.call_reminder_id else "",
        marks=_draw_marks(row, look, name) if acts else "",
    )


def _classes_of(row: Row) -> str:
    opens = " opens-hour" if row.opens_hour else ""
    cancelled = " is-cancelled" if row.is_cancelled else ""
    return f"{opens}{cancelled} is-leaving" if row.is_leaving else opens + cancelled


def _draw_next_step(row: Row, look: RowLook) -> str:
    if row.is_unmarked:
        return look.unmarked
    if row.is_leaving:
        return look.leaving
    words = row.standing.next_step
    return NEXT_STEP.format(words=escape(words)) if words else ""


def _draw_call(row: Row, look: RowLook, name: str) -> str:
    """`name`: escaped, as in _draw_marks()."""
    title = ""
    if row.call_family:
        words = gettext("Call now for %(family)s: one call") % {"family": row.call_family}
        title = f' title="{escape(words)}"'
    icon_and_word = {"icon": look.call_icon, "word": look.call}
    return CALL.format(pk=row.pk, reminder=row.call_reminder_id, title=title, name=name, **icon_and_word)


def _draw_marks(row: Row, look: RowLook, name: str) -> str:
    code, values = row.standing.code, {"pk": row.pk, "href": row.href, "name": name}
    marks = ""
    if row.may_arrive or code == "arrived":
        marks = look.arrived.format(pressed=PRESSED if code == "arrived" else "", **values)
    if row.may_be_missed or code == "no_show":
        return marks + look.no_show.format(pressed=PRESSED if code == "no_show" else "", **values)
    return marks + look.no_show_later if marks else ""
