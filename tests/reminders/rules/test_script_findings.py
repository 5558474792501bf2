"""What a script may say (product rules 11, 13, 62 and the law's defaults): tables for each language."""

import pytest

from reminders.rules.script_findings import (
    MOST_LETTERS,
    UNSAVABLE,
    WARNINGS,
    Finding,
    ScriptFault,
    find_faults,
    find_sensitive_words,
    find_unsavable,
)
from reminders.wording.default_scripts import SPOKEN, WRITTEN

WHEN = {
    "en": "This is {PRACTICE}. We expect you on {APPT_DATE} at {APPT_TIME}. Call {CALLBACK_NUMBER}. ",
    "es": "Le llama {PRACTICE}. Le esperamos el {APPT_DATE} a las {APPT_TIME}. Llame al {CALLBACK_NUMBER}. ",
    "fr": "Ici {PRACTICE}. Venez le {APPT_DATE} à {APPT_TIME}. Composez le {CALLBACK_NUMBER}. ",
}
STOP = {
    "en": "To stop these calls, press 9.",
    "es": "Para no recibir más llamadas, oprima 9.",
    "fr": "Pour ne plus recevoir ces appels, appuyez sur le 9.",
}


def codes(text: str, language: str = "en", *, is_call: bool = True) -> set[str]:
    return {str(finding.fault) for finding in find_faults(text, language, is_call=is_call)}


@pytest.mark.parametrize("language", SPOKEN)
def test_nothing_is_found_in_the_shipped_scripts(language: str) -> None:
    assert codes(SPOKEN[language], language) == set()
    assert codes(WRITTEN[language], language, is_call=False) == set()
    assert codes(WHEN[language] + STOP[language], language) == set()


@pytest.mark.parametrize(
    ("language", "begins", "fault"),
    [
        # who first
        ("en", "Hello {FIRST_NAME}, this is {PRACTICE}. ", ""),
        ("en", "{PRACTICE} calling about your appointment. ", ""),
        ("en", "Good morning. We have a message for {FIRST_NAME} from {PRACTICE}. ", ""),
        ("en", "You have an appointment with {PRACTICE}. ", "practice_not_first"),
        ("en", "This is an appointment reminder from {PRACTICE}. ", "practice_not_first"),
        ("en", "On {APPT_DATE} we expect you. This is {PRACTICE}. ", "practice_not_first"),
        ("en", "{PROVIDER} sees you soon. {PRACTICE}. ", "practice_not_first"),
        ("en", "Your VISIT is near. {PRACTICE}. ", "practice_not_first"),
        ("en", "word " * 13 + "{PRACTICE}. ", "practice_not_first"),
        ("en", "We talk. ", "practice_not_first"),  # the name comes after the day and the time
        ("es", "Hola {FIRST_NAME}, le llama {PRACTICE}. ", ""),
        ("es", "Tiene una cita en {PRACTICE}. ", "practice_not_first"),
        ("es", "Su próxima consulta: {PRACTICE}. ", "practice_not_first"),
        ("fr", "Bonjour {FIRST_NAME}, ici {PRACTICE}. ", ""),
        ("fr", "Vous avez rendez-vous chez {PRACTICE}. ", "practice_not_first"),
        ("fr", "Votre RENDEZ VOUS : {PRACTICE}. ", "practice_not_first"),
        # keys last
        ("en", "This is {PRACTICE}. Press 1 to confirm. ", "keys_too_early"),
        ("en", "This is {PRACTICE}. Please press or say 1. ", "keys_too_early"),
        ("en", "This is {PRACTICE}. Push the number two key. ", "keys_too_early"),
        ("en", "This is {PRACTICE}. Please press the bell at door 2. ", ""),
        ("es", "Le llama {PRACTICE}. Oprima la tecla 1 para confirmar. ", "keys_too_early"),
        ("es", "Le llama {PRACTICE}. MARQUE UNO. ", "keys_too_early"),
        ("fr", "Ici {PRACTICE}. Appuyez sur la touche 1. ", "keys_too_early"),
    ],
)  # fmt: skip
def test_who_comes_first_and_the_keys_last(language: str, begins: str, fault: str) -> None:
    rest = "{APPT_DATE} {APPT_TIME} {CALLBACK_NUMBER} {PRACTICE}. " + STOP[language]
    assert codes(begins + rest, language) == ({fault} if fault else set())


def test_the_keys_are_too_early_before_the_callback_number_as_well() -> None:
    text = "{PRACTICE}. {APPT_DATE}, {APPT_TIME}. Press 1. Call {CALLBACK_NUMBER}. To stop calls, press 9."
    assert codes(text) == {"keys_too_early"}
    assert codes(text.replace("Press", "Reply").replace("press", "reply"), is_call=False) == set()


@pytest.mark.parametrize(
    ("variable", "fault"),
    [
        ("{PRACTICE}", "no_practice"),
        ("{APPT_DATE}", "no_date"),
        ("{APPT_TIME}", "no_time"),
        ("{CALLBACK_NUMBER}", "no_callback_number"),
    ],
)
@pytest.mark.parametrize("language", WHEN)
def test_a_text_without_who_when_or_the_callback_number_is_not_saved(
    variable: str, fault: str, language: str
) -> None:
    text = (WHEN[language] + STOP[language]).replace(variable, "…")
    assert fault in codes(text, language)
    assert [finding.fault for finding in find_unsavable(text)] == [fault]


@pytest.mark.parametrize(
    ("language", "said", "is_named"),
    [
        ("en", "Press 9 to get no more calls.", True),
        ("en", "To stop these calls press 9", True),
        ("en", "To confirm press 1, to stop calls press 9.", True),
        ("en", "Press 1 to confirm, 2 to change or 9 to stop.", True),
        ("en", "If you don’t want these calls, please press the 9 key.", True),
        ("en", "To be removed from our list, press nine.", True),
        ("en", "Opt out: 9.", True),
        ("en", "Press ９ to opt out.", True),  # full width
        ("en", "", False),
        ("en", "Press 9.", False),
        ("en", "Press 9 to confirm.", False),
        ("en", "To cancel, press 9.", False),  # patients mean the visit (product rule 11)
        ("en", "To stop these calls, press 3.", False),
        ("en", "To confirm press 9, to stop press 2.", False),
        ("en", "We open at 9:30 and never stop.", False),
        ("en", "Call 555-9 to stop.", False),
        ("es", "Oprima 9 para no recibir más llamadas.", True),
        ("es", "Si no desea estas llamadas, marque nueve.", True),
        ("es", "Para confirmar oprima 1 y para dejar de recibir llamadas oprima 9.", True),
        ("es", "Oprima 9 para confirmar.", False),
        ("es", "Para no recibir más llamadas, oprima 3.", False),
        ("fr", "Appuyez sur le 9 pour ne plus être appelé.", True),
        ("fr", "Pour ne plus recevoir d’appels, tapez neuf.", True),
        ("fr", "Appuyez sur 9 pour confirmer.", False),
        ("pl", "Aby nie otrzymywać połączeń, naciśnij 9.", True),  # its words aren't known, the key is
        ("pl", "Naciśnij 1, aby potwierdzić. Otwarte od 9:30.", False),
    ],
)
def test_a_call_says_that_key_9_means_no_more_calls(language: str, said: str, is_named: bool) -> None:
    assert ("no_optout_key" in codes(WHEN.get(language, WHEN["en"]) + said, language)) != is_named


@pytest.mark.parametrize(
    ("language", "written", "is_named"),
    [
        ("en", "Reply STOP to opt out.", True),
        ("en", "STOP=opt out", True),
        ("en", "reply stop", True),
        ("en", "Reply 9 to stop.", True),
        ("en", "We never stop caring.", False),
        ("en", "Non-STOPPING", False),
        ("en", "", False),
        ("es", "Responda STOP.", True),
        ("es", "Responda BAJA para no recibir más.", True),
        ("es", "Doblar a mano alta.", False),
        ("fr", "Répondez ARRÊT.", True),
        ("fr", "STOP au 1234", True),
        ("fr", "Un arrêt de bus est devant.", False),
        ("pl", "STOP", True),
    ],
)
def test_a_text_message_names_stop_or_9(language: str, written: str, is_named: bool) -> None:
    text = WHEN.get(language, WHEN["en"]) + written
    assert ("no_optout_word" in codes(text, language, is_call=False)) != is_named


@pytest.mark.parametrize(
    ("language", "asked", "word"),
    [
        ("en", "Reply CANCEL if you can't come.", "CANCEL"),
        ("en", "Text END", "END"),
        ("en", "Reply with QUIT", "QUIT"),
        ("es", "Responda CANCELAR", "CANCELAR"),
        ("fr", "Répondez ANNULER", "ANNULER"),
        ("en", "Call us to cancel. The weekend is free of calls.", ""),
    ],
)
def test_no_text_asks_for_a_word_that_stops_all_texts(language: str, asked: str, word: str) -> None:
    found = find_faults(WHEN[language] + asked + " STOP", language, is_call=False)
    assert [one.words for one in found if one.fault == ScriptFault.AMBIGUOUS_ANSWER] == [word] * bool(word)


SENSITIVE = [
    ("en", "your cardiologist", "specialty"),
    ("en", "the Oncology department", "specialty"),
    ("en", "ONCOLOGÝ", "specialty"),
    ("en", "ｏｎｃｏｌｏｇｙ", "specialty"),
    ("en", "mental\nhealth visit", "specialty"),
    ("en", "women's health", "specialty"),
    ("en", "OB-GYN", "specialty"),
    ("en", "your teeth cleaning", "specialty"),
    ("en", "about your cancer", "diagnosis"),
    ("en", "your HIV test", "diagnosis"),
    ("en", "test results are in", "diagnosis"),
    ("en", "a flu vaccine", "diagnosis"),
    ("en", "you have a balance due", "billing"),
    ("en", "your past-due account", "billing"),
    ("en", "a $50 deposit", "billing"),
    ("en", "bring your copay", "billing"),
    ("en", "an unpaid bill", "billing"),
    ("en", "20% discount", "marketing"),
    ("en", "a free consultation", "marketing"),
    ("en", "leave us a review", "marketing"),
    ("es", "su cardióloga", "specialty"),
    ("es", "el departamento de oncología", "specialty"),
    ("es", "SALUD MENTAL", "specialty"),
    ("es", "sobre su cáncer", "diagnosis"),
    ("es", "su vacuna", "diagnosis"),
    ("es", "los resultados de laboratorio", "diagnosis"),
    ("es", "su saldo pendiente", "billing"),
    ("es", "una factura", "billing"),
    ("es", "un descuento", "marketing"),
    ("es", "limpieza gratis", "marketing"),
    ("fr", "votre cardiologue", "specialty"),
    ("fr", "le service d’oncologie", "specialty"),
    ("fr", "cabinet dentaire", "specialty"),
    ("fr", "votre sage-femme", "specialty"),
    ("fr", "votre dépistage du cancer", "diagnosis"),
    ("fr", "votre vaccin", "diagnosis"),
    ("fr", "une facture impayée", "billing"),
    ("fr", "50 € à régler", "billing"),
    ("fr", "une remise de 10 %", "marketing"),
    ("fr", "profitez de nos offres", "marketing"),
]
HARMLESS_WORDS = [
    ("en", "Feel free to call our toll-free number. The office is at the wholesale market."),
    ("en", "Please cancel a day ahead. Dr. Chen's office and clinic; park at the back; bring your glasses."),
    ("en", "The doctor checks you in at the main door."),
    ("en", "We are closed for the holidays. Arrive ten minutes early at Suite 5, Payne Street."),
    ("es", "Llame a nuestra línea gratuita. Traiga una lista. La puerta sale al patio. Hasta pronto."),
    ("es", "Por favor llegue diez minutos antes. Tráigase un pan."),
    ("fr", "Appelez notre numéro sans frais. Apportez du pain et votre carte. Le médecin de la clinique."),
    ("fr", "Merci d’arriver dix minutes avant. La coutume est de prévenir."),
]  # fmt: skip


@pytest.mark.parametrize(("language", "words", "fault"), SENSITIVE)
def test_words_of_illness_specialty_money_and_advertising_are_warned_of(
    language: str, words: str, fault: str
) -> None:
    found = find_faults(f"{WHEN[language]}{words}. {STOP[language]}", language, is_call=True)
    assert fault in {str(finding.fault) for finding in found}
    assert all(finding.is_warning for finding in found), "a warning can be approved; it is no refusal"


@pytest.mark.parametrize(("language", "words"), HARMLESS_WORDS)
def test_usual_words_of_a_reminder_are_not_warned_of(language: str, words: str) -> None:
    assert find_sensitive_words(words, language) == []


def test_letters_that_are_not_seen_hide_no_word() -> None:
    assert [one.words for one in find_sensitive_words("onco\u00adlo\u200bgy", "en")] == ["oncology"]


def test_a_language_without_a_list_of_words_needs_somebody_who_reads_it() -> None:
    assert codes(WHEN["en"] + "9", "pl") == {"no_word_list"}
    assert "specialty" in codes(WHEN["en"] + "Onkologia, cardiologia: 9", "pl"), "what is alike is found"


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("{NICKNAME}", "{NICKNAME}"),
        ("{FOR_ALL}", "{FOR_ALL}"),
        ("{first_name}", "{first_name}"),
        ("{FIRST NAME}", "{FIRST"),
        ("{{PRACTICE}}", "{"),
        ("{", "{"),
        ("}", "}"),
        ("｛PRACTICE｝", "｛PRACTICE｝"),
        ("[FIRST_NAME]", "FIRST_NAME"),
        ("%APPT_DATE%", "APPT_DATE"),
    ],
)
def test_what_would_be_read_aloud_in_braces_is_not_saved(text: str, unknown: str) -> None:
    found = find_unsavable(WHEN["en"] + text)
    assert Finding(ScriptFault.UNKNOWN_VARIABLE, unknown) in found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        (" \n\u200b", "empty"),
        ("x" * 10_000, "too_many_letters"),
        ("{PRACTICE}" * 1_000, "too_many_letters"),
        (WHEN["en"] + "\u202ekcab", "unreadable"),
        (WHEN["en"] + "\x00", "unreadable"),
        (WHEN["en"] + "\ud83d", "unreadable"),
        (WHEN["en"] + "\ue000", "unreadable"),
    ],
)
def test_hostile_texts_are_refused_and_nothing_breaks(text: str, fault: str) -> None:
    for language in ("en", "es", "fr", "ar", ""):
        for is_call in (True, False):
            found = find_faults(text, language, is_call=is_call)
            assert fault in {str(finding.fault) for finding in found}
            assert all(finding.sentence for finding in found)


@pytest.mark.parametrize(
    "text", ["👩‍⚕️ 😀", "שלום, מרפאה", "مرحبا", "王芳", "ÄÖÜ ß ñ ¿qué?", "a" * 900, "9 " * 400]
)
def test_odd_but_readable_texts_are_judged_like_others(text: str) -> None:
    assert "unreadable" not in codes(WHEN["en"] + text)
    assert find_faults((WHEN["en"] + text)[:MOST_LETTERS], "en", is_call=True)


def test_each_fault_has_a_sentence_that_names_what_was_found() -> None:
    for fault in ScriptFault:
        sentence = Finding(fault, "«x»" if "%(words)s" in str(fault.label) else "").sentence
        assert ("«x»" in sentence) == ("%(words)s" in str(fault.label))
        assert "%(" not in sentence
    assert not WARNINGS & UNSAVABLE
