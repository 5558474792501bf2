"""Search that folds accents and punctuation, and finds parts of words and of numbers; an append-only ledger.

Each number's opt-outs and consent basis become what its ledger comes to: what has no entry gets one that says
so. Where the ledger has a "no" that the number's row lacks, or a later one, the ledger's counts.

The functions are PostgreSQL's own, without extensions. The collation pg_c_utf8 makes them independent of the
database's locale; it needs PostgreSQL 17. Whoever changes callboard_fold or callboard_fill_search_text in a
later migration has to fill contacts_contact.search_text again, as this one does.
"""

from typing import Any

import django.contrib.postgres.indexes
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, Func

MAKE_FUNCTIONS = r"""
CREATE FUNCTION callboard_fold(words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(
    replace(replace(replace(replace(
        translate(
            lower(regexp_replace(
                normalize(regexp_replace(words, '[''`´ʹʻʼʽʾʿˈ՚׳‘’‚‛′‵ꞌ＇]', '', 'g'), NFKD),
                '[\u00AD\u0300-\u036F\u0591-\u05C7\u0640\u064B-\u065F\u0670\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]',
                '', 'g'
            ) COLLATE "pg_c_utf8"),
            'ıøłđðħŧƀɓɖɗɨʉŋςىکیةٱ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹',
            'iolddhtbbddiunσيكيها01234567890123456789'
        ), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
    '[^[:alnum:]]+', ' ', 'g'
));
COMMENT ON FUNCTION callboard_fold(text) IS
    'Lower case, without accents and apostrophes, words parted by one space.';

CREATE FUNCTION callboard_spell_out(words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(replace(replace(replace(
    lower(normalize(words, NFC) COLLATE "pg_c_utf8"),
    'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ø', 'oe'), 'å', 'aa');
COMMENT ON FUNCTION callboard_spell_out(text) IS
    'With ä, ö, ü, ø and å as two letters each, as people write them who lack the keys.';

CREATE FUNCTION callboard_grams(search_text text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 300 AS $$
DECLARE
    found text[] := '{}';
    word text;
BEGIN
    FOREACH word IN ARRAY string_to_array(btrim(search_text), ' ') LOOP
        word := ' ' || word || ' ';
        FOR start IN 1 .. length(word) - 2 LOOP
            found := found || substr(word, start, 2) || substr(word, start, 3);
            IF substr(word, start, 1) COLLATE "C" >= '⺀' THEN  -- a name may be one of these alone
                found := found || substr(word, start, 1);
            END IF;
        END LOOP;
        IF substr(word, length(word) - 1, 1) COLLATE "C" >= '⺀' THEN
            found := found || substr(word, length(word) - 1, 1);
        END IF;
    END LOOP;
    RETURN found;
END $$;
COMMENT ON FUNCTION callboard_grams(text) IS
    'Each two and three letters in a row of each word, a space before and after it among them.';

CREATE FUNCTION callboard_fill_search_text() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    found text := ' ';
    field text;
    folded text;
    spelt_out text;
    form text;
BEGIN
    FOREACH field IN ARRAY ARRAY[NEW.first_name, NEW.last_name, NEW.external_id] LOOP
        folded := callboard_fold(field);
        spelt_out := folded;
        IF octet_length(field) > length(field) THEN  -- it has letters beyond ASCII
            spelt_out := callboard_fold(callboard_spell_out(field));
        END IF;
        FOREACH form IN ARRAY ARRAY[folded, replace(folded, ' ', ''), spelt_out, replace(spelt_out, ' ', '')] LOOP
            IF form <> '' AND strpos(found, ' ' || form || ' ') = 0 THEN
                found := found || form || ' ';
            END IF;
        END LOOP;
    END LOOP;
    IF NEW.phone_id IS NOT NULL OR NEW.other_phone_id IS NOT NULL THEN
        found := found || coalesce((
            SELECT string_agg('#' || substr(e164, 2) || ' ', '' ORDER BY id) FROM contacts_phonenumber
            WHERE id IN (NEW.phone_id, NEW.other_phone_id)
        ), '');
    END IF;
    NEW.search_text := found;
    RETURN NEW;
END $$;
CREATE TRIGGER contact_search_text_filled
BEFORE INSERT OR UPDATE OF first_name, last_name, external_id, phone_id, other_phone_id, search_text
ON contacts_contact FOR EACH ROW EXECUTE FUNCTION callboard_fill_search_text();

CREATE FUNCTION callboard_refill_search_texts() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE contacts_contact SET search_text = '' WHERE phone_id = NEW.id OR other_phone_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER phone_number_search_texts_refilled
AFTER UPDATE OF e164 ON contacts_phonenumber FOR EACH ROW
WHEN (OLD.e164 IS DISTINCT FROM NEW.e164) EXECUTE FUNCTION callboard_refill_search_texts();

UPDATE contacts_contact SET search_text = '';
"""
DROP_FUNCTIONS = """
DROP TRIGGER phone_number_search_texts_refilled ON contacts_phonenumber;
DROP FUNCTION callboard_refill_search_texts();
DROP TRIGGER contact_search_text_filled ON contacts_contact;
DROP FUNCTION callboard_fill_search_text();
DROP FUNCTION callboard_grams(text);
DROP FUNCTION callboard_spell_out(text);
DROP FUNCTION callboard_fold(text);
"""

KEEP_LEDGER = """
CREATE FUNCTION callboard_keep_consent_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('callboard.ledger_open', true), '') = 'on'
        OR TG_OP = 'TRUNCATE' AND coalesce(current_setting('callboard.ledger_may_be_emptied', true), '') = 'on'
    THEN
        RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW WHEN 'DELETE' THEN OLD END;
    END IF;
    RAISE EXCEPTION 'the consent ledger is append-only: its entries are neither changed nor deleted';
END $$;
CREATE TRIGGER consent_entry_stays
BEFORE UPDATE OR DELETE ON contacts_consententry
FOR EACH ROW EXECUTE FUNCTION callboard_keep_consent_ledger();
CREATE TRIGGER consent_ledger_stays
BEFORE TRUNCATE ON contacts_consententry
FOR EACH STATEMENT EXECUTE FUNCTION callboard_keep_consent_ledger();
"""
LET_LEDGER_GO = """
DROP TRIGGER consent_ledger_stays ON contacts_consententry;
DROP TRIGGER consent_entry_stays ON contacts_consententry;
DROP FUNCTION callboard_keep_consent_ledger();
"""
BASES = ("given_for_care", "written", "none")
FLAGS = {
    "voice": ("voice_opted_out_at",),
    "sms": ("sms_opted_out_at",),
    "all": ("voice_opted_out_at", "sms_opted_out_at"),
}
CHUNK = 2_000


def complete_ledger(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Make each number's row and its ledger agree."""
    entries, numbers = apps.get_model("contacts", "ConsentEntry"), apps.get_model("contacts", "PhoneNumber")
    for basis in BASES:
        entries.objects.filter(what="consent", evidence__startswith=f"{basis}: ").update(basis=basis)
    last = 0
    while chunk := list(numbers.objects.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = chunk[-1].pk
        ledgers = {number.pk: [] for number in chunk}
        for entry in entries.objects.filter(number__in=chunk).order_by("pk"):
            ledgers[entry.number_id].append(entry)
        missing = [line for number in chunk for line in find_missing(number, ledgers[number.pk], entries)]
        entries.objects.bulk_create(missing)


def find_missing(number: Any, ledger: list[Any], entries: Any) -> list[Any]:
    """The entries that the ledger lacks; a "no" that the number's row lacks is put back there."""
    basis, noes = "given_for_care", {"voice_opted_out_at": None, "sms_opted_out_at": None}
    for entry in ledger:
        if entry.what == "consent":
            basis = entry.basis or basis
        for flag in FLAGS[entry.scope] if entry.what != "consent" else ():
            noes[flag] = None if entry.what == "opt_in" else max(noes[flag] or entry.at, entry.at)
    missing = []
    for scope in ("voice", "sms"):
        (flag,) = FLAGS[scope]
        is_at, says = getattr(number, flag), noes[flag]
        if is_at is not None and (says is None or is_at > says):
            missing.append(entries(number=number, what="opt_out", scope=scope, source="before", at=is_at))
        elif is_at != says:
            setattr(number, flag, says)
            number.save(update_fields=[flag])
    if number.consent_basis != basis:
        at = number.created_at
        missing.append(
            entries(
                number=number,
                what="consent",
                scope="all",
                source="before",
                basis=number.consent_basis,
                at=at,
            )
        )
    return missing


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0015_file_values"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="contact", name="contact_search"),
        migrations.RemoveField(model_name="contact", name="search"),
        migrations.RemoveIndex(model_name="phonenumber", name="phone_number_by_its_end"),
        migrations.AddField(
            model_name="contact",
            name="search_text",
            field=models.TextField(blank=True, db_collation="C", db_default="", default="", editable=False),
        ),
        migrations.RunSQL(MAKE_FUNCTIONS, DROP_FUNCTIONS),
        migrations.AddIndex(
            model_name="contact",
            index=django.contrib.postgres.indexes.GinIndex(
                Func(F("search_text"), function="callboard_grams"),
                name="contact_search",
                gin_pending_list_limit=1024,
            ),
        ),
        migrations.AddField(
            model_name="consententry",
            name="basis",
            field=models.CharField(
                blank=True,
                choices=[
                    ("given_for_care", "given to the practice for care"),
                    ("written", "written consent"),
                    ("none", "no consent known"),
                ],
                db_default="",
                default="",
                help_text="The consent basis that was recorded; empty for an opt-out or opt-in.",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="consententry",
            name="source",
            field=models.CharField(
                choices=[
                    ("key", "pressed 9 in a call"),
                    ("sms_reply", "replied to a text message"),
                    ("robotalker", "reported by Robotalker"),
                    ("staff", "told staff"),
                    ("desk", "told the front desk"),
                    ("phone", "told us by phone"),
                    ("letter", "told us by letter"),
                    ("email", "told us by email"),
                    ("message", "told us by text message"),
                    ("import", "imported"),
                    ("api", "reported by another system"),
                    ("kept", "kept when a person was erased"),
                    ("before", "on record before this ledger"),
                ],
                max_length=12,
            ),
        ),
        migrations.RunPython(complete_ledger, migrations.RunPython.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(KEEP_LEDGER, LET_LEDGER_GO),
    ]
