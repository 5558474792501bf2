"""The history of a campaign: each change as a version, what it changed in words, and taking it back.

record_version() is the one function that writes it. Whatever changes a campaign calls it afterwards, in the
same transaction. A version holds codes and names, never sentences: the words are made when it is shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, cast

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from contacts.audit.trail import record_deed_of_page
from contacts.models import Location, Provider
from reminders.campaigns.drafts import (
    NOT_EDITED,
    SCRIPTS,
    CampaignDraft,
    list_scripts,
    read_draft,
    take_draft,
)
from reminders.campaigns.step_words import (
    FILTER_LABELS,
    Change,
    describe_change_of_step,
    describe_filter,
    describe_step,
)
from reminders.deciding.coverage import CampaignFilters
from reminders.deciding.shared_settings import read_shared_settings
from reminders.deciding.situations import PracticeConfig
from reminders.models import Campaign, CampaignVersion, Script, Step

What = CampaignVersion.What
Snapshot = Mapping[str, Any]
MOST_VERSIONS = 50  # shown at once
NAMED = ("locations", "providers")  # kept as pairs of key and name
ADDED = {"consent": Campaign.Consent.ANY.value}  # what snapshots of earlier releases don't have
UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
)  # of a snapshot that isn't as it is written here


class VersionNotRestorable(ValueError):
    """The version can't be taken back to. The message says why, in a sentence for staff."""


@dataclass(frozen=True)
class HistoryEntry:
    """A version with what it changed, at what time by the practice's clock (aware).

    `changes` is empty for the first version. `is_readable`: whether what it changed can still be told.
    """

    version: CampaignVersion
    at: datetime
    changes: tuple[Change, ...]
    may_be_restored: bool
    is_readable: bool = True

    @property
    def note(self) -> str:
        """What is said in place of its changes, if they can't be told."""
        return "" if self.is_readable else _("What it changed can't be read any more.")


def record_version(
    campaign_id: int, what: str, *, by: User | None, restores: CampaignVersion | None = None
) -> CampaignVersion | None:
    """Keep the campaign as it stands now as its next version; None if nothing has changed since the last.

    `what`: a CampaignVersion.What. Call it in the transaction of the change.
    """
    Campaign.objects.select_for_update(no_key=True).only("pk").get(pk=campaign_id)
    last = CampaignVersion.objects.filter(campaign=campaign_id).order_by("-number").first()
    snapshot = take_snapshot(campaign_id)
    if last is not None and _is_like(last.snapshot, snapshot):
        return None
    version = CampaignVersion.objects.create(
        campaign_id=campaign_id,
        number=last.number + 1 if last else 1,
        what=what,
        snapshot=snapshot,
        restores=restores,
        by=by,
    )
    if by:
        record_deed_of_page(version.campaign)
    return version


def begin_history(campaign_id: int) -> None:
    """Keep the campaign as it is, if nothing of it was kept yet: so the next change can be taken back."""
    if not CampaignVersion.objects.filter(campaign=campaign_id).exists():
        record_version(campaign_id, What.RECORDED, by=None)


def take_snapshot(campaign_id: int) -> dict[str, Any]:
    """The campaign as values of JSON: its name, state and filters, and its steps with all their fields."""
    return snapshot_draft(read_draft(campaign_id))


def snapshot_draft(draft: CampaignDraft, config: PracticeConfig | None = None) -> dict[str, Any]:
    """The same of an edit that isn't saved. A new step has a negative number in place of its key.

    `config`: the settings, where they were read already.
    """
    filters = draft.filters
    places = config.locations.values() if config else Location.objects.filter(pk__in=filters.locations)
    providers = config.providers.values() if config else Provider.objects.filter(pk__in=filters.providers)
    return {
        "name": draft.name,
        "state": draft.campaign.state,
        "kinds": sorted(filters.kinds),
        "patients": filters.patients,
        "languages": sorted(filters.languages),
        "consent": filters.consent,
        "locations": _name_rows(place for place in places if place.pk in filters.locations),
        "providers": _name_rows(one for one in providers if one.pk in filters.providers),
        "steps": [
            {**_write_step(step), "id": step.pk or -place} for place, step in enumerate(draft.steps, start=1)
        ],
    }


def find_changes_since(campaign_id: int, number: int) -> tuple[list[CampaignVersion], list[Change]]:
    """The versions after this one, newest first, and what they changed together.

    `number`: 0 for a campaign whose history had not begun; it begins with the campaign as it was. No changes
    are told where a version can't be read any more.
    """
    versions = CampaignVersion.objects.filter(campaign=campaign_id).select_related("by")
    found = list(versions.filter(number__gte=max(number, 1)).order_by("-number")[:MOST_VERSIONS])
    later = [version for version in found if version.number > max(number, 1)]
    base = versions.filter(number=max(number, 1)).first()
    changes = _read_changes(base.snapshot, found[0].snapshot) if base and found else []
    return later, changes or []


def read_history(campaign_id: int, zone: tzinfo = UTC, most: int = MOST_VERSIONS) -> list[HistoryEntry]:
    """The last versions, newest first, each with what it changed. `zone`: the practice's clock."""
    versions = CampaignVersion.objects.filter(campaign=campaign_id).select_related("by", "restores")
    found = list(versions.order_by("-number")[: most + 1])
    newest = found[0].snapshot if found else {}
    differing = {one.pk for one in found if not _is_like(one.snapshot, newest, but_state=True)}
    entries = []
    for place, version in enumerate(found[:most]):
        before = found[place + 1] if place + 1 < len(found) else None
        changes = _read_changes((before or version).snapshot, version.snapshot)
        is_readable = _read_changes(version.snapshot, version.snapshot) is not None
        may_be_restored = is_readable and version.pk in differing
        at = version.at.astimezone(zone)
        entries.append(HistoryEntry(version, at, tuple(changes or ()), may_be_restored, changes is not None))
    return entries


def describe_changes(before: Snapshot, after: Snapshot) -> list[Change]:
    """What differs between two snapshots, in the reader's language; not what was only renamed elsewhere."""
    before, after = {**ADDED, **before}, {**ADDED, **after}
    changes = []
    if before["name"] != after["name"]:
        changes.append(Change(_("Name"), before["name"], after["name"]))
    if before["state"] != after["state"]:
        states = dict(Campaign.State.choices)
        changes.append(
            Change(
                _("State"),
                str(states.get(before["state"], before["state"])),
                str(states.get(after["state"], after["state"])),
            )
        )
    changes += [
        Change(str(label), describe_filter(name, before[name]), describe_filter(name, after[name]))
        for name, label in FILTER_LABELS.items()
        if _without_names(before)[name] != _without_names(after)[name]
    ]
    return changes + _describe_steps(before["steps"], after["steps"])


def draft_of_version(version: CampaignVersion, config: PracticeConfig | None = None) -> CampaignDraft:
    """The campaign as this version has it, as a draft to be shown and saved. Its state stays as it is now.

    Raises VersionNotRestorable where a location, provider or script of it is gone, or its name is taken.
    `config`: of read_shared_settings(), where it was read for this request already.
    """
    config = config or read_shared_settings().config
    try:
        draft = _read_snapshot(take_draft(version.campaign_id, config), version.snapshot, config)
    except VersionNotRestorable:
        raise
    except UNREADABLE as error:
        raise VersionNotRestorable(_("This version can't be read any more.")) from error
    if draft.name != draft.campaign.name:
        check_name(draft)
    return draft


def check_name(draft: CampaignDraft) -> None:
    """Raise VersionNotRestorable if another campaign has the draft's name."""
    if Campaign.objects.filter(name__iexact=draft.name).exclude(pk=draft.campaign.pk).exists():
        raise VersionNotRestorable(_("Another campaign has this name by now. Rename that one first."))


def _read_snapshot(saved: CampaignDraft, snapshot: Snapshot, config: PracticeConfig) -> CampaignDraft:
    filters = CampaignFilters(
        _find_rows(config.locations, snapshot["locations"]),
        _find_rows(config.providers, snapshot["providers"]),
        frozenset(snapshot["kinds"]),
        Campaign.Patients(snapshot["patients"]).value,
        frozenset(snapshot["languages"]),
        Campaign.Consent({**ADDED, **snapshot}["consent"]).value,
    )
    own = [step for step in config.steps.values() if step.campaign_id == saved.campaign.pk]
    known = {step.pk: copy(step) for step in own}  # the settings are shared by all requests
    wanted = {values[name][0] for values in snapshot["steps"] for name in SCRIPTS if values.get(name)}
    scripts = {script.pk: script for script in list_scripts(list(config.steps.values()))}
    if missing := wanted - scripts.keys():  # no step sends them any more
        scripts |= Script.objects.in_bulk(missing)
    steps = tuple(_read_step(values, known, scripts) for values in snapshot["steps"])
    return CampaignDraft(saved.campaign, snapshot["name"], filters, steps)


def _read_changes(before: Snapshot, after: Snapshot) -> list[Change] | None:
    """What differs; None if one of the two can't be read any more."""
    try:
        for name in FILTER_LABELS:  # also of those that are alike
            describe_filter(name, {**ADDED, **after}[name])
        return describe_changes(before, after)
    except UNREADABLE:  # VersionNotRestorable among them
        return None


def _describe_steps(before: Sequence[Snapshot], after: Sequence[Snapshot]) -> list[Change]:
    old = {values["id"]: (place, values) for place, values in enumerate(before, start=1)}
    new = {values["id"]: (place, values) for place, values in enumerate(after, start=1)}
    changes = []
    for pk, (place, values) in old.items():
        if pk not in new:
            label = _("Step %(number)d") % {"number": place}
            changes.append(Change(label, describe_step(_read_step(values, {})), _("removed")))
    for pk, (place, values) in new.items():
        label = _("Step %(number)d") % {"number": place}
        if pk not in old:
            changes.append(Change(label, _("not there"), describe_step(_read_step(values, {}))))
            continue
        was_at, was = old[pk]
        steps = _read_step(was, {}), _read_step(values, {})
        keys = _with_keys_of_scripts(was), _with_keys_of_scripts(values)
        changes += describe_change_of_step(label, *steps, *keys)
        if [one for one in old if one in new].index(pk) != [one for one in new if one in old].index(pk):
            changes.append(Change(_("Order"), _("step %(number)d") % {"number": was_at}, label.lower()))
    return changes


def _write_step(step: Step) -> dict[str, Any]:
    """Its key and its fields, as JSON reads them back; a script as its key and name."""
    values: dict[str, Any] = {"id": step.pk}
    for column in Step._meta.concrete_fields:
        if column.name in SCRIPTS:
            script = getattr(step, column.name)
            values[column.name] = [script.pk, script.name] if script else None
        elif column.name not in NOT_EDITED:
            values[column.name] = _as_json(getattr(step, column.attname))
    return values


def _as_json(value: Any) -> Any:
    """The value as it is read back from JSON, so that two snapshots can be compared."""
    if value is None or isinstance(value, bool | int | str):
        return value
    encoder = cast(Any, CampaignVersion._meta.get_field("snapshot")).encoder()
    return encoder.default(value)


def _read_step(
    values: Snapshot, known: Mapping[int, Step], scripts: Mapping[int, Script] | None = None
) -> Step:
    """The step of a snapshot, unsaved: the campaign's own with these values, or a new one.

    `scripts`: those that are there; None to go by their names alone. Raises VersionNotRestorable for a value
    that can't be read, and for a script that is gone.
    """
    step = known.get(values["id"]) or Step()
    step.removed_at = None
    for column in Step._meta.concrete_fields:
        if column.name not in values or column.name in NOT_EDITED:
            continue
        value = values[column.name]
        if column.name in SCRIPTS:
            script = _find_script(value, scripts) if value else None
            setattr(step, column.name, script)
        else:
            try:
                setattr(step, column.attname, column.to_python(value))
            except ValidationError as error:
                raise VersionNotRestorable(_("This version can't be read any more.")) from error
    return step


def _find_script(value: Sequence[Any], scripts: Mapping[int, Script] | None) -> Script:
    pk, name = value
    script = Script(pk=pk, name=name) if scripts is None else scripts.get(pk)
    if script is None:
        raise VersionNotRestorable(_("The script “%(name)s” has been deleted since.") % {"name": name})
    return script


def _find_rows(rows: Mapping[int, models.Model], wanted: Sequence[Sequence[Any]]) -> frozenset[int]:
    names: dict[int, str] = dict(wanted)  # type: ignore[arg-type] # pairs of key and name
    gone = [name for pk, name in names.items() if pk not in rows]
    if gone:
        raise VersionNotRestorable(_("“%(name)s” has been deleted since.") % {"name": gone[0]})
    return frozenset(names)


def _name_rows(rows: "Iterable[Location | Provider]") -> list[list[Any]]:
    return [[row.pk, row.name] for row in sorted(rows, key=lambda row: row.pk)]


def _is_like(one: Snapshot, other: Snapshot, *, but_state: bool = False) -> bool:
    """Whether nothing but names differs; False if one of the two can't be read any more."""
    ignored = {"state": ""} if but_state else {}
    try:
        return {**_without_names(one), **ignored} == {**_without_names(other), **ignored}
    except UNREADABLE:
        return False


def _without_names(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot to be compared: rows by their keys, since their names change by themselves."""
    named = {name: [pk for pk, _name in snapshot[name]] for name in NAMED}
    return {
        **ADDED,
        **snapshot,
        **named,
        "steps": [_with_keys_of_scripts(step) for step in snapshot["steps"]],
    }


def _with_keys_of_scripts(values: Snapshot) -> dict[str, Any]:
    """A step's values with the keys of its scripts, and without its place, which the order says."""
    keys = {name: values[name] and values[name][0] for name in SCRIPTS if name in values}
    return {name: value for name, value in values.items() if name != "position"} | keys
