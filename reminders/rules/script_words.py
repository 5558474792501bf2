"""The words that the rules for scripts look for, by language (product rules 13 and 62).

All are lower case and without accents, since a text is folded before it is compared. `*` stands for any
further letters: "cardiolog*" is cardiology, cardiologist and cardiologo. A blank stands for any blanks or a
hyphen. Only whole words are found, so that "cancel" is not "cancer" and "wholesale" is no "sale".

Words that a reminder needs are not listed, though they can be medical: "doctor", "clinic", "appointment",
"office", "check in". Nor are words with a common other meaning: "pain" (bread), "sale" (Spanish: goes out),
"offer" and "cure".
"""

from typing import NamedTuple

# What a message may not say, since a machine may record it, and others may hear it.
DIAGNOSIS = {
    "en": (
        "cancer*", "tumor*", "tumour*", "chemo", "chemotherap*", "radiation therapy", "radiotherap*",
        "biops*", "diabet*", "hiv", "aids", "hepatitis", "std", "stds", "sti", "stis", "syphilis", "herpes",
        "pregnan*", "abortion*", "miscarriage*", "prenatal", "fertility", "infertility", "ivf",
        "depression", "depressive", "anxiety", "bipolar", "schizophren*", "dementia", "alzheimer*",
        "parkinson*", "autis*", "adhd", "addiction*", "substance abuse", "substance use", "alcoholism",
        "methadone", "suboxone", "overdose*", "stroke", "heart attack*", "heart failure", "hypertension",
        "asthma*", "copd", "epilep*", "seizure*", "dialysis", "colonoscop*", "endoscop*", "mammogra*",
        "pap smear*", "vasectom*", "hysterectom*", "surger*", "surgical", "diagnos*", "test result*",
        "lab result*", "biopsy result*", "disease*", "covid test*", "vaccin*", "immunization*",
        "root canal*", "extraction*", "implant*", "tooth decay", "obesity", "overweight",
        "eating disorder*", "arthritis", "blood test*", "mri", "ct scan*", "ultrasound*", "x ray*",
        "physical exam*",
    ),
    "es": (
        "cancer", "canceres", "cancerosa*", "cancerigen*", "tumor*", "quimioterap*", "quimio",
        "radioterap*", "biopsia*", "diabet*", "vih", "sida", "hepatitis", "sifilis", "herpes", "embaraz*",
        "aborto*", "prenatal*", "fertilidad", "infertilidad", "depresion", "depresiv*", "ansiedad",
        "bipolar*", "esquizofren*", "demencia*", "alzheimer*", "parkinson*", "autis*", "tdah", "adiccion*",
        "alcoholismo", "metadona", "sobredosis", "derrame cerebral", "infarto*", "hipertension", "asma",
        "asmatic*", "epilep*", "dialisis", "colonoscopi*", "endoscopi*", "mamografi*", "papanicolau",
        "papanicolaou", "vasectomi*", "histerectomi*", "cirugia*", "quirurgic*", "diagnost*",
        "resultado* de laboratorio", "resultado* de sus pruebas", "resultado* de los analisis",
        "resultados", "enfermedad*", "vacuna*", "endodoncia*", "extraccion*", "implante*", "caries",
        "obesidad", "artritis", "analisis de sangre", "resonancia*", "tomografi*", "ultrasonido*",
        "ecografi*", "radiografi*",
    ),
    "fr": (
        "cancer*", "tumeur*", "chimiotherap*", "chimio", "radiotherap*", "biopsie*", "diabet*", "vih",
        "sida", "hepatite*", "syphilis", "herpes", "enceinte", "grossesse*", "avortement*", "ivg",
        "fausse couche", "prenatal*", "fertilite", "infertilite", "fiv", "depression", "depressi*",
        "anxiete", "bipolaire*", "schizophren*", "demence*", "alzheimer*", "parkinson*", "autis*", "tdah",
        "addiction*", "toxicomani*", "alcoolisme", "methadone", "surdose*", "avc", "infarctus",
        "hypertension", "asthm*", "epilep*", "dialyse*", "coloscopi*", "endoscopi*", "mammographi*",
        "frottis", "vasectomi*", "hysterectomi*", "chirurgi*", "operation chirurgicale", "diagnosti*",
        "resultats", "maladie*", "vaccin*", "devitalis*", "extraction*", "implant*", "carie*", "obesite",
        "arthrite*", "prise de sang", "analyse de sang", "irm", "scanner*", "echographi*", "radiographi*",
    ),
}  # fmt: skip
SPECIALTY = {
    "en": (
        "cardiolog*", "oncolog*", "dermatolog*", "gynecolog*", "gynaecolog*", "obstetric*", "ob gyn",
        "obgyn", "urolog*", "neurolog*", "psychiatr*", "psycholog*", "psychotherap*", "therapist*",
        "gastroenterolog*", "endocrinolog*", "nephrolog*", "hematolog*", "haematolog*", "rheumatolog*",
        "pulmonolog*", "radiolog*", "orthodont*", "periodont*", "endodont*", "dental", "dentist*",
        "dentistry", "oral surg*", "ophthalmolog*", "optometr*", "orthoped*", "orthopaed*", "podiatr*",
        "pediatric*", "paediatric*", "geriatric*", "fertility clinic", "mental health", "behavioral health",
        "behavioural health", "rehab", "rehabilitation", "detox", "hospice", "palliative", "counseling",
        "counselling", "counselor*", "physical therap*", "physiotherap*", "chiropract*", "allergist*",
        "allergy", "infectious disease*", "sleep clinic", "pain clinic", "pain management", "memory clinic",
        "sexual health", "family planning", "planned parenthood", "women s health", "midwi*", "surgeon*",
        "cleaning", "check up*", "checkup*", "root canal", "teeth",
    ),
    "es": (
        "cardiolog*", "oncolog*", "dermatolog*", "ginecolog*", "obstetri*", "urolog*", "neurolog*",
        "psiquiatr*", "siquiatr*", "psicolog*", "sicolog*", "psicoterap*", "gastroenterolog*",
        "endocrinolog*", "nefrolog*", "hematolog*", "reumatolog*", "neumolog*", "radiolog*", "ortodonc*",
        "periodonc*", "endodonc*", "odontolog*", "dentista*", "dental*", "oftalmolog*", "optometr*",
        "ortoped*", "podolog*", "podiatr*", "pediatr*", "geriatr*", "salud mental", "rehabilitacion",
        "desintoxicacion", "paliativ*", "fisioterap*", "terapia fisica", "terapeuta*", "quiropractic*",
        "alergolog*", "salud sexual", "planificacion familiar", "partera*", "comadrona*", "cirujan*",
        "limpieza dental", "chequeo*", "dientes", "infectolog*",
    ),
    "fr": (
        "cardiolog*", "oncolog*", "cancerolog*", "dermatolog*", "gynecolog*", "obstetri*", "urolog*",
        "neurolog*", "psychiatr*", "psycholog*", "psychotherap*", "gastro enterolog*", "gastroenterolog*",
        "endocrinolog*", "nephrolog*", "hematolog*", "rhumatolog*", "pneumolog*", "radiolog*", "orthodont*",
        "parodont*", "endodont*", "dentiste*", "dentaire*", "ophtalmolog*", "optometr*", "orthoped*",
        "podolog*", "pediatr*", "geriatr*", "sante mentale", "reeducation", "desintoxication", "palliati*",
        "kinesitherap*", "kine", "physiotherap*", "chiropract*", "chiropratic*", "osteopath*",
        "allergolog*", "sante sexuelle", "planning familial", "sage femme*", "chirurgien*", "detartrage*",
        "bilan de sante", "infectiolog*", "addictolog*",
    ),
}  # fmt: skip
BILLING = {
    "en": (
        "balance due", "balance owed", "balance owing", "outstanding balance", "unpaid", "past due",
        "overdue", "amount due", "amount owed", "you owe", "owed", "owing", "bill", "bills", "billed",
        "billing", "invoice*", "payment*", "pay", "copay*", "co pay*", "copayment*", "co payment*",
        "deductible*", "coinsurance", "debt*", "collection agency", "collections", "credit card*",
        "your balance", "account balance", "statement of account", "fee", "fees", "charge", "charges",
        "charged", "insurance claim*", "refund*", "financial", "installment*", "cost", "costs", "price*",
        "balance of",
    ),
    "es": (
        "saldo*", "deuda*", "debe usted", "adeud*", "factura*", "facturacion", "pago", "pagos", "pagar",
        "pague", "cobro*", "cobrar*", "cobranza*", "copago*", "deducible*", "tarjeta de credito", "vencid*",
        "impag*", "moroso*", "mensualidad*", "cuota*", "tarifa*", "honorarios", "reembolso*", "costo",
        "costos", "precio*",
    ),
    "fr": (
        "solde*", "impaye*", "facture*", "facturation", "paiement*", "payer", "payez", "paye*",
        "reglement*", "dette*", "montant du", "vous devez la somme", "echeance*", "recouvrement*",
        "franchise*", "ticket moderateur", "carte de credit", "carte bancaire", "honoraires", "frais",
        "tarif*", "remboursement*", "mensualite*", "cout", "couts", "prix",
    ),
}  # fmt: skip
MARKETING = {
    "en": (
        "discount*", "promotion*", "promo", "promos", "coupon*", "special offer*", "limited time",
        "limited offer", "new offer*", "free", "gift", "gifts", "giveaway*", "save money", "percent off",
        "off your next", "on sale", "for sale", "our sale", "deals", "buy", "purchase*", "refer a friend",
        "referral bonus", "reward*", "loyalty", "leave a review", "leave us a review", "review us",
        "rate us", "follow us", "like us", "newsletter*", "subscribe", "botox", "whitening", "cosmetic*",
        "exclusive", "best price*", "special price*", "win a", "act now", "survey*",
    ),
    "es": (
        "descuento*", "promocion*", "promociones", "promo", "promos", "cupon*", "oferta*", "gratis",
        "gratuit*", "regalo*", "sorteo*", "rebaja*", "ahorre", "ahorrar", "compre", "comprar", "en venta",
        "refiera a", "recompensa*", "lealtad", "dejenos una resena", "resena*", "califiquenos", "siganos",
        "boletin*", "suscrib*", "botox", "blanqueamiento", "cosmetic*", "exclusiva", "exclusivo",
        "aproveche", "gane", "encuesta*",
    ),
    "fr": (
        "remise*", "rabais", "reduction*", "promotion*", "promo", "promos", "coupon*", "bon de reduction",
        "offre speciale", "offres speciales", "offre exclusive", "nos offres", "gratuit*", "cadeau*",
        "soldes", "achetez", "acheter", "parrain*", "recompense*", "fidelite", "laissez nous un avis",
        "laissez un avis", "suivez nous", "infolettre*", "abonnez*", "botox", "blanchiment", "cosmetique*",
        "esthetique*", "exclusif", "exclusive", "profitez", "gagnez", "sondage*",
    ),
}  # fmt: skip

# Phrases that have one of these words and mean nothing of the kind.
HARMLESS = {
    "en": (
        "feel free", "toll free", "free to call", "scent free", "fragrance free", "smoke free",
        "latex free",
    ),
    "es": (
        "numero gratuito", "linea gratuita", "llamada gratuita", "lada sin costo", "sin costo para usted",
    ),
    "fr": (
        "numero gratuit", "appel gratuit", "ligne gratuite", "sans frais",
    ),
}  # fmt: skip


class Phrases(NamedTuple):
    """How one language speaks of the visit, of pressing a key, of answering a text, and of no more messages.

    Regular expressions for a folded text.
    """

    visit: str
    press: str
    reply: str
    stop: str
    nine: str
    digits: str  # the names of the keys, as words
    split: str  # what separates two choices: "press 1 to confirm or 9 to stop"


PHRASES = {
    "en": Phrases(
        visit=r"appointments?|appts?|visits?|booked|scheduled|booking",
        press=r"press|pressing|push|hit|dial|enter|touch|punch|select|key",
        reply=r"reply|text|send|answer|respond|replying|texting",
        stop=(
            r"stop\w*|opt(?:ing)?[ -]?out|unsubscrib\w+|no more|no further|no longer|no calls|no texts"
            r"|no reminders|never (?:get|receive|be|call|text)|rather not|removed?|take (?:me|you) off"
            r"|not (?:wish|want|to be|to get|to receive|be|get|receive|call|text)"
            r"|(?:don|doesn|didn|won)['’]?t (?:want|wish|call|text)|off (?:our|the|this) list|end these"
        ),
        nine=r"9|nine",
        digits=r"one|two|three|four|five|six|seven|eight|nine|zero|star|pound",
        split=r"\band\b|\bor\b",
    ),
    "es": Phrases(
        visit=r"citas?|visitas?|consultas?|turnos?|agendad\w+|programad\w+|reservad\w+",
        press=r"oprima|oprimir|presione|presionar|pulse|pulsar|marque|marcar|aprete|apriete|toque|teclee|digite",
        reply=r"responda|responder|conteste|contestar|envie|enviar|escriba|mande|texto",
        stop=(
            r"no (?:\w+ ){0,2}(?:recibir|reciba|quiere|desea|llamar|llame|llamen|ser|mas)|no mas|dejar? de"
            r"|sin mas|cancelar (?:estas llamadas|estos mensajes|la suscripcion)|baja|alto|stop|detener|parar"
            r"|darse de baja|excluir\w*|eliminar(?:lo|la|me)?"
        ),
        nine=r"9|nueve",
        digits=r"uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|cero|asterisco",
        split=r"\by\b|\bo\b|\be\b|\bu\b",
    ),
    "fr": Phrases(
        visit=r"rendez[ -]?vous|rdv|visites?|consultations?|prevue?|reservee?|programmee?",
        press=r"appuyez|appuyer|tapez|taper|pressez|composez le [0-9]\b|faites|touchez|choisissez",
        reply=r"repondez|repondre|envoyez|envoyer|ecrivez|textez",
        stop=(
            r"ne (?:\w+ ){0,3}(?:plus|pas)|n['’ ]?\w+ (?:plus|pas)|plus (?:de|d['’ ])|stop|arret\w*|cesser"
            r"|desabonn\w+|desinscri\w+|fin|refuser|retirer|supprim\w+|sans autre"
        ),
        nine=r"9|neuf",
        digits=r"un|deux|trois|quatre|cinq|six|sept|huit|neuf|zero|etoile|diese",
        split=r"\bet\b|\bou\b",
    ),
}
# The words that, sent back as a text, stop texts; one of them, or the key 9, has to be named.
STOP_WORDS = {"en": ("STOP",), "es": ("STOP", "ALTO", "BAJA"), "fr": ("STOP", "ARRET")}
# Words that stop texts at the carrier, though they can be meant for the appointment (product rule 11).
AMBIGUOUS_ANSWERS = r"cancel|end|quit|cancelar|anular|annuler|fin"
