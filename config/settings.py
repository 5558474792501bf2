"""All settings, read from the environment (README lists them in one table).

Safe by default: without DEBUG, secrets and public URLs have no default, and no process starts if one is
missing. config/checks.py checks the values.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF

from config.queues import ASKING_QUEUE, DISPATCH_QUEUE, EVENTS_QUEUE, FOLDERS_QUEUE, SWEEPS_QUEUE

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)


def required_in_production(name: str, local: str) -> str:
    """The variable's value; `local` is the default only while DEBUG is on.

    Raises ImproperlyConfigured with the variable's name if it is missing in production.
    """
    return str(env.str(name, default=local) if DEBUG else env.str(name))


SECRET_KEY = required_in_production("SECRET_KEY", local="only-for-a-laptop-never-for-production")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# The keys by which the "no" of an erased number is known again: contacts/erased_numbers.py. Newest first.
ERASED_NUMBERS_KEYS = env.list("ERASED_NUMBERS_KEYS", default=[SECRET_KEY, *SECRET_KEY_FALLBACKS])

# Where Robotalker reaches us: the beginning of every callback URL.
PUBLIC_BASE_URL = required_in_production("PUBLIC_BASE_URL", local="http://127.0.0.1:8000").rstrip("/")
# On a laptop only its own names, or any page on the internet could point a name of its own at this machine.
LAPTOP_HOSTS = ["localhost", ".localhost", "127.0.0.1", "[::1]", urlsplit(PUBLIC_BASE_URL).hostname or ""]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LAPTOP_HOSTS if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_BASE_URL])

# --- Robotalker --------------------------------------------------------------------------------
ROBOTALKER_BASE_URL = required_in_production("ROBOTALKER_BASE_URL", local="http://127.0.0.1:8765").rstrip("/")
ROBOTALKER_API_KEY = required_in_production("ROBOTALKER_API_KEY", local="sandbox-key")
ROBOTALKER_FROM_NUMBER = required_in_production("ROBOTALKER_FROM_NUMBER", local="+18005550199")
# The rate of requests to Robotalker, for all workers together, such as "20/second" or "600/minute".
ROBOTALKER_RATE = env.str("ROBOTALKER_RATE", default="20/second")
# Calls an hour that the plan at Robotalker allows, for the preview of a campaign; 0: not known.
ROBOTALKER_CALLS_PER_HOUR = env.int("ROBOTALKER_CALLS_PER_HOUR", default=0)
ROBOTALKER_BREAKER = env.int("ROBOTALKER_BREAKER", default=5)  # failures in a row that pause sending
# "on": calls with the same script are sent as one POST /campaigns, whose body the guide doesn't show.
ROBOTALKER_CAMPAIGNS = env.str("ROBOTALKER_CAMPAIGNS", default="on") == "on"
# "on": texts with the same script are sent as one POST /sms, whose body for several recipients isn't shown.
ROBOTALKER_SMS_BATCHES = env.str("ROBOTALKER_SMS_BATCHES", default="on") == "on"
# "retry" follows the guide; "unknown" lets staff decide instead of risking a second call.
ROBOTALKER_ON_500 = env.str("ROBOTALKER_ON_500", default="retry")
ROBOTALKER_CONNECT_TIMEOUT = env.float("ROBOTALKER_CONNECT_TIMEOUT", default=3.05)  # seconds
ROBOTALKER_READ_TIMEOUT = env.float("ROBOTALKER_READ_TIMEOUT", default=10.0)  # seconds
ROBOTALKER_TOTAL_DEADLINE = env.float("ROBOTALKER_TOTAL_DEADLINE", default=20.0)  # seconds, per request
ROBOTALKER_THREADS = env.int("ROBOTALKER_THREADS", default=32)  # the most requests at once, per dispatch

# Whether addresses that staff enter may be of this machine, and over http; for a laptop and tests only.
LOOPBACK_MAY_BE_ASKED = DEBUG

# Keys for signed callback URLs: the first signs, all verify, so that keys can be rotated.
WEBHOOK_KEYS = env.list("WEBHOOK_KEYS", default=[SECRET_KEY] if DEBUG else environ.Env.NOTSET)
WEBHOOK_TOKEN_DAYS = env.int("WEBHOOK_TOKEN_DAYS", default=30)  # days that a callback URL is valid
# Keys 1 and 2 count only after GET /calls/{id} confirms them.
ROBOTALKER_VERIFY_EVENTS = env.bool("ROBOTALKER_VERIFY_EVENTS", default=False)

# Signs the evidence of calls: an Ed25519 private key in base64. A laptop makes its own, in this file.
EVIDENCE_KEY = env.str("EVIDENCE_KEY", "")
EVIDENCE_KEY_FILE = BASE_DIR / env.str("EVIDENCE_KEY_FILE", default="var/evidence.key")
# Public halves of earlier keys, so that what they signed can still be verified.
EVIDENCE_OLD_KEYS = env.list("EVIDENCE_OLD_KEYS", default=[])

# --- Reminders ---------------------------------------------------------------------------------
# Another worker may take over a claim after its lease, so the lease must be longer than a submission.
DISPATCH_LEASE = env.float("DISPATCH_LEASE", default=60.0)  # seconds
DISPATCH_BATCH = env.int("DISPATCH_BATCH", default=200)  # reminders claimed at once
CAMPAIGN_MINIMUM = env.int("CAMPAIGN_MINIMUM", default=10)  # fewer are sent one by one
CAP_PER_DAY = env.int("CAP_PER_DAY", default=1)  # calls and texts that may reach one number; 0: no limit
# What a "no" stops: "all", calls and texts; "channel", only what it came by.
OPT_OUT_SCOPE = env.str("OPT_OUT_SCOPE", default="all")
# Whether one text confirms an opt-out that came by text.
OPT_OUT_CONFIRMATION = env.bool("OPT_OUT_CONFIRMATION", default=False)
CAP_PER_WEEK = env.int("CAP_PER_WEEK", default=3)  # the same for a day and the six days before it
UNKNOWN_GRACE = env.float("UNKNOWN_GRACE", default=600.0)  # seconds until an unknown call becomes a follow-up
EVENT_PATIENCE = env.float("EVENT_PATIENCE", default=900.0)  # seconds until a call without events is overdue
# Status requests for calls without an event, per round of 20 s; the guide discourages polling.
ROBOTALKER_ASK_BUDGET = env.int("ROBOTALKER_ASK_BUDGET", default=20)
# Below so much free room on one of these disks, and so many free connections, /readyz says not ready.
DISK_PATHS = env.list("DISK_PATHS", default=[os.environ.get("CALLBOARD_VAR") or str(BASE_DIR / "var")])
DISK_FREE_MEGABYTES = env.int("DISK_FREE_MEGABYTES", default=200)
CONNECTIONS_FREE = env.int("CONNECTIONS_FREE", default=5)
# Who sends it as "Authorization: Bearer …" reads /metrics, and all of /readyz. Empty: nobody does.
MONITORING_TOKEN = env.str("MONITORING_TOKEN", "")
SWEEP_STALE_AFTER = env.float("SWEEP_STALE_AFTER", default=60.0)  # seconds; then pages show the sweep in red

# --- Django ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "allauth",  # before config, which takes its models out of the admin
    "allauth.account",
    "allauth.mfa",
    "config.apps.ConfigConfig",
    "contacts.apps.ContactsConfig",
    "reminders.apps.RemindersConfig",
    "webhooks.apps.WebhooksConfig",
    "config.apps.ClinicAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "config.static_files.CollectedFiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_filters",
    "django_htmx",
]

MIDDLEWARE = [
    "config.request_ids.give_request_id",
    "config.error_pages.answer_programs",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "webhooks.middleware.bypass_middleware_for_webhooks",  # webhooks skip all middleware below
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pads pages at random, against BREACH
    "config.headers.ContentSecurityPolicy",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "config.headers.forbid_storing",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.languages.speak_chosen_language",
    "django.middleware.common.CommonMiddleware",
    "config.body_limit.refuse_large_bodies",  # before the first that reads a form
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.sign_in.desk.SharedDesk",
    "config.sign_in.desk.LoginFirst",
    "allauth.account.middleware.AccountMiddleware",
    "config.sign_in.second_factor.SecondFactorFirst",
    "config.sign_in.fresh_password.FreshPassword",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "contacts.audit.middleware.record_in_trail",
    "config.error_pages.show_wrong_method",
    *(["config.error_pages.OurNotFoundPage"] if DEBUG else []),
]
if DEBUG:
    DEFAULT_EXCEPTION_REPORTER = "config.error_pages.OurErrorPage"

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "reminders.pages.frame.frame",
                "config.sign_in.desk.tell_idle_seconds",
                *(["reminders.demo.login_page.demo_logins"] if DEBUG else []),
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# Which kind of process this is: "web" (config/wsgi.py says so), "worker" (also beat) or "command".
_IS_CELERY = "celery" in Path(sys.argv[0]).parts[-2:]  # bin/celery, or celery/__main__.py
PROCESS = os.environ.get("CALLBOARD_PROCESS") or ("worker" if _IS_CELERY else "command")
# Seconds until a statement is ended, until one that waits for a lock is, and until a transaction is ended in
# which nothing happens. 0: never, as for commands, such as migrations.
DATABASE_STATEMENT_SECONDS = env.float(
    "DATABASE_STATEMENT_SECONDS", default={"web": 30.0, "worker": 120.0}.get(PROCESS, 0.0)
)
DATABASE_LOCK_SECONDS = env.float(
    "DATABASE_LOCK_SECONDS", default={"web": 10.0, "worker": 30.0}.get(PROCESS, 0.0)
)
DATABASE_IDLE_SECONDS = env.float(
    "DATABASE_IDLE_SECONDS", default={"web": 60.0, "worker": 120.0}.get(PROCESS, 0.0)
)
# DATABASE_URL leads to a pooler in transaction mode, where no setting of a session is one's own
# (config/postgresql/base.py).
DATABASE_POOLER = env.bool("DATABASE_POOLER", default=False)
DATABASES = {"default": env.db("DATABASE_URL")}
DATABASES["default"]["ENGINE"] = "config.postgresql"
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# If a machine disappears, its row locks must not be held for hours: both ends send keepalives soon.
# (Options in DATABASE_URL take precedence.)
_DATABASE_OPTIONS: dict[str, object] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
if not DATABASE_POOLER:  # which refuses them
    _DATABASE_OPTIONS["options"] = (
        "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
        f" -c statement_timeout={DATABASE_STATEMENT_SECONDS:.3f}s"
        f" -c lock_timeout={DATABASE_LOCK_SECONDS:.3f}s"
        f" -c idle_in_transaction_session_timeout={DATABASE_IDLE_SECONDS:.3f}s"
    )
# Frequent statements are planned once per connection; a pooler must know how to carry that over.
if env.bool("DATABASE_PREPARED", default=not DATABASE_POOLER):
    _DATABASE_OPTIONS.update(server_side_binding=True, prepare_threshold=5)
DATABASES["default"]["OPTIONS"] = _DATABASE_OPTIONS | DATABASES["default"].get("OPTIONS", {})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Proxies in front of the web process, each of which adds to X-Forwarded-For (config/sign_in_limits.py).
PROXY_COUNT = env.int("PROXY_COUNT", default=0)
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "today"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "config.sign_in.password_rules.NameWithAdditions"},
    {"NAME": "config.sign_in.password_rules.EnoughDifferentCharacters"},
]
# How long a link for a new password is valid; it works once.
PASSWORD_RESET_TIMEOUT = env.int("PASSWORD_LINK_HOURS", default=24) * 3600
# Who must have a second factor, an authenticator app or a passkey: nobody, managers (and admins), everybody.
SECOND_FACTOR_FOR = env.str("SECOND_FACTOR_FOR", default="nobody" if DEBUG else "managers")
# A desk locks after so many minutes without a key or a click; 0: never.
IDLE_MINUTES = env.int("IDLE_MINUTES", default=15)
SESSION_ENGINE = "config.sign_in.sessions"  # Django's, in the database, in which a lock can't get lost
# After so many hours a login ends, whatever happens.
SESSION_HOURS = env.int("SESSION_HOURS", default=12)
CSRF_COOKIE_HTTPONLY = True
DESK_COOKIE_NAME = "desk"
MESSAGE_STORAGE = "config.sign_in.own_messages.OwnMessages"
MESSAGES_COOKIE_NAME = "messages"

# The e-mail server for links to a new password, smtp+tls://user:password@mail.example.org:587; "": none.
EMAIL_URL = env.str("EMAIL_URL", "")
EMAIL_IS_SET = bool(EMAIL_URL)
if EMAIL_IS_SET:
    vars().update(env.email_url_config(EMAIL_URL))
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="callboard@localhost")

AUTHENTICATION_BACKENDS = ["config.sign_in.permissions.OneQueryBackend"]
# django-allauth does the second factor. Tries are counted by config/sign_in_limits.py.
ACCOUNT_ADAPTER = "config.sign_in.second_factor.SignInAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
ACCOUNT_REAUTHENTICATION_METHODS = ["password"]
MFA_ADAPTER = "config.sign_in.second_factor.FactorAdapter"
MFA_FORMS = {
    "authenticate": "config.sign_in.second_factor.CodeForm",
    "add_webauthn": "config.sign_in.passkeys.NewPasskeyForm",
    "edit_webauthn": "config.sign_in.passkeys.PasskeyNameForm",
    "authenticate_webauthn": "config.sign_in.passkeys.PasskeyChecks",
    "login_webauthn": "config.sign_in.passkeys.PasskeyAloneForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_RATE_LIMITS = False
MFA_TOTP_ISSUER = "Callboard"

# Scripts, styles and forms of this site only, none of them inline. (data: is for icons in Tabler's styles.)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
# No page needs any of these, but that of the login passkeys.
PERMISSIONS_POLICY: dict[str, list[str]] = {"publickey-credentials-get": ["self"]} | {
    feature: []
    for feature in (
        "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen",
        "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment",
        "usb",
    )
}  # fmt: skip
SECURE_REFERRER_POLICY = "same-origin"

LANGUAGE_CODE = "en"  # also of workers, commands and what programs read: config/languages.py
LANGUAGES = [("en", "English"), ("es", "Spanish")]
LANGUAGE_COOKIE_NAME = "language"  # of whoever isn't signed in
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
TIME_ZONE = "UTC"  # pages show each location's local time; nothing depends on this setting
USE_I18N = True
USE_TZ = True
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]  # dates and times as PHONE_REGION writes them

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / env.str("STATIC_ROOT", default="staticfiles")
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("built", BASE_DIR / "built"),  # of Tabler, what our pages use: front_end/build.mjs
    ("vendor/htmx", BASE_DIR / "node_modules/htmx.org/dist"),
    ("vendor/idiomorph", BASE_DIR / "node_modules/idiomorph/dist"),
    ("vendor/uplot", BASE_DIR / "node_modules/uplot/dist"),
    ("vendor/event-calendar", BASE_DIR / "node_modules/@event-calendar/build/dist"),
]
# The files of these folders that pages use; a source map where the file names one (config/static_files.py).
PACKAGE_FILES = {
    "built/tabler.css",
    "built/icons.svg",
    "vendor/htmx/htmx.min.js",
    "vendor/idiomorph/idiomorph-ext.min.js",
    "vendor/uplot/uPlot.iife.min.js",
    "vendor/uplot/uPlot.min.css",
    "vendor/event-calendar/event-calendar.min.css",
    "vendor/event-calendar/event-calendar.min.js",
    "vendor/event-calendar/event-calendar.min.js.map",
}
STATICFILES_FINDERS = [
    "config.static_files.ChosenFilesFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
# Seconds for which browsers keep a style or a script whose name doesn't change with it.
WHITENOISE_MAX_AGE = env.int("STATIC_MAX_AGE", default=0 if DEBUG else 60)

# The largest upload of an appointment list, in bytes; a year of a large practice is about 5 MB.
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=20 * 1024 * 1024)
# A folder whose files are imported as they come, such as a practice system's nightly export; "": none.
IMPORT_FOLDER = env.str("IMPORT_FOLDER", "")
# How long a file there must be unchanged before it counts as whole.
IMPORT_FOLDER_SETTLE_SECONDS = env.float("IMPORT_FOLDER_SETTLE_SECONDS", default=60.0)
# How long lists stay in its folders done/ and failed/: they hold names and numbers of patients.
IMPORT_FOLDER_KEEP_DAYS = env.int("IMPORT_FOLDER_KEEP_DAYS", default=30)
# The country of numbers without a country code, unless the location has its own (ISO 3166-1 alpha-2).
PHONE_REGION = env.str("PHONE_REGION", default="US")
# Whether text messages say Zoe for Zoë where that saves two of three parts: reminders/wording/scripts.py.
SMS_PLAIN_LETTERS = env.bool("SMS_PLAIN_LETTERS", default=True)
# Whether a text of a script with a warning needs another person's word: reminders/desk/script_versions.py.
SCRIPTS_NEED_SECOND_PERSON = env.bool("SCRIPTS_NEED_SECOND_PERSON", default=True)

if not DEBUG:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # So no other host of the domain can set them, nor read them, nor anybody over http.
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    DESK_COOKIE_NAME = "__Host-desk"
    MESSAGES_COOKIE_NAME = "__Host-messages"
    LANGUAGE_COOKIE_NAME = "__Host-language"
    LANGUAGE_COOKIE_SECURE = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}

# Requests that one token of the API may make, such as "600/minute".
API_RATE = env.str("API_RATE", default="600/minute")
# Wrong tokens that one address may send, such as "60/minute".
API_WRONG_TOKENS = env.str("API_WRONG_TOKENS", default="60/minute")
# Days for which outgoing events are kept, to be sent again and for the file of events.
OUTGOING_EVENT_DAYS = env.int("OUTGOING_EVENT_DAYS", default=400)
# Days for which each kind of data is kept, 0 for ever (webhooks/retention/table.py).
KEEP_EVENT_DAYS = env.int("KEEP_EVENT_DAYS", default=90)
KEEP_VISIT_DAYS = env.int("KEEP_VISIT_DAYS", default=1827)
KEEP_CONSENT_DAYS = env.int("KEEP_CONSENT_DAYS", default=1827)
KEEP_AUDIT_DAYS = env.int("KEEP_AUDIT_DAYS", default=1827)
KEEP_IMPORT_DAYS = env.int("KEEP_IMPORT_DAYS", default=365)
KEEP_TEST_DAYS = env.int("KEEP_TEST_DAYS", default=365)
SPECTACULAR_SETTINGS = {
    "TITLE": "Callboard",
    "VERSION": "1",
    "DESCRIPTION": "For other systems of the practice. docs/api.md tells how it is used.",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "Channel": "contacts.models.people.Channel.choices",
        "StepChannel": "reminders.models.campaigns.StepChannel.choices",
        "BookingQuestion": "reminders.desk.booking_questions.BookingQuestion.choices",
        "ContactQuestion": "reminders.api.contacts.QUESTIONS",
    },
    "PREPROCESSING_HOOKS": ["reminders.api.description.keep_own_addresses"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "reminders.api.description.describe_problems",
    ],
}

# --- Celery: the tables hold the state, tasks only trigger work ------------------------------------
REDIS_URL = env.str("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL
# Celery closes the connection to the database after each task, unless it may serve so many. In a new one
# PostgreSQL plans every statement anew. config/celery.py closes those that are old.
CELERY_DB_REUSE_MAX = 10**9
# A broker that hangs must not block beat or a worker. (A hint waits less: contacts/worker_hints.py.)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "socket_keepalive": True,
    "max_retries": 1,
    "interval_start": 0,
}
CELERY_TASK_ACKS_LATE = False  # a tick lost with its worker doesn't matter: the next one does the same
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # without limit: a worker that gives up would do nothing any more
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = ROBOTALKER_TOTAL_DEADLINE + 10
CELERY_WORKER_MAX_TASKS_PER_CHILD = env.int("WORKER_MAX_TASKS", default=1000)  # then the child is replaced
# Seconds without a task after which a worker ends itself (config/watchdog.py).
WORKER_SILENT_AFTER = env.float("WORKER_SILENT_AFTER", default=120.0)
# A child that hangs is killed and replaced, but only after a time that nothing slow needs: a dispatch claims
# for 20 s, starts calls until its last lease ends, and each call has its deadline.
CELERY_TASK_TIME_LIMIT = 3 * (20 + DISPATCH_LEASE + ROBOTALKER_TOTAL_DEADLINE)
# An import of 200,000 rows takes minutes. It renews its lease all the time, so one that hangs must end some
# time; the next one goes on from there.
IMPORT_TIME_LIMIT = 3600
CELERY_TASK_ROUTES = {
    "reminders.tasks.dispatch_due": {"queue": DISPATCH_QUEUE},
    "reminders.tasks.probe_robotalker": {"queue": ASKING_QUEUE},
    "reminders.tasks.ask_about_calls": {"queue": ASKING_QUEUE},
    "reminders.tasks.push_contacts": {"queue": ASKING_QUEUE},
    "reminders.tasks.pull_contacts": {"queue": ASKING_QUEUE},
    "reminders.tasks.confirm_optouts": {"queue": ASKING_QUEUE},
    "reminders.tasks.send_texts": {"queue": ASKING_QUEUE},
    "reminders.tasks.place_test_calls": {"queue": ASKING_QUEUE},
    "webhooks.tasks.verify_events": {"queue": ASKING_QUEUE},
    "webhooks.tasks.deliver_events": {"queue": ASKING_QUEUE},
    "contacts.tasks.fetch_calendars": {"queue": ASKING_QUEUE},
    "contacts.tasks.watch_folders": {"queue": FOLDERS_QUEUE},
    "contacts.tasks.delete_old_lists": {"queue": FOLDERS_QUEUE},
    "webhooks.tasks.apply_new_events": {"queue": EVENTS_QUEUE},
    "webhooks.tasks.apply_stored_events": {"queue": EVENTS_QUEUE},
}
CELERY_TASK_DEFAULT_QUEUE = SWEEPS_QUEUE
CELERY_BEAT_SCHEDULER = "config.beat:HeartbeatScheduler"
# A tick that no worker took in time expires: the next one does the same.
CELERY_BEAT_SCHEDULE = {
    # (at least ten seconds: a worker's clock may differ from beat's)
    name: {"task": task, "schedule": every, "options": {"expires": max(every.total_seconds(), 10)}}
    for name, task, every in [
        ("plan", "reminders.tasks.plan_reminders", timedelta(seconds=60)),
        ("dispatch", "reminders.tasks.dispatch_due", timedelta(seconds=3)),
        ("reconcile", "reminders.tasks.reconcile_calls", timedelta(seconds=20)),
        ("look-again", "reminders.tasks.look_again", timedelta(seconds=15)),
        ("ask", "reminders.tasks.ask_about_calls", timedelta(seconds=20)),
        ("probe", "reminders.tasks.probe_robotalker", timedelta(seconds=5)),
        ("apply", "webhooks.tasks.apply_stored_events", timedelta(seconds=5)),
        ("verify", "webhooks.tasks.verify_events", timedelta(seconds=15)),
        ("deliver", "webhooks.tasks.deliver_events", timedelta(seconds=5)),
        ("contacts", "reminders.tasks.push_contacts", timedelta(seconds=60)),
        ("confirm", "reminders.tasks.confirm_optouts", timedelta(seconds=10)),
        ("texts", "reminders.tasks.send_texts", timedelta(seconds=10)),
        ("tests", "reminders.tasks.place_test_calls", timedelta(seconds=10)),
        ("reports", "reminders.tasks.count_for_reports", timedelta(seconds=15)),
        ("forget", "webhooks.tasks.forget_events", timedelta(hours=1)),
        ("retention", "webhooks.tasks.delete_old_data", timedelta(minutes=5)),
        ("import", "contacts.tasks.run_imports", timedelta(seconds=5)),
        ("import-files", "contacts.tasks.delete_old_import_files", timedelta(hours=1)),
        ("folders", "contacts.tasks.watch_folders", timedelta(seconds=20)),
        ("lists", "contacts.tasks.look_at_lists", timedelta(seconds=10)),
        ("calendars", "contacts.tasks.fetch_calendars", timedelta(seconds=30)),
        ("old-lists", "contacts.tasks.delete_old_lists", timedelta(hours=1)),
    ]
}
# Sent hourly, done once a night at 3:10 UTC: after a failure it is repeated an hour later.
CELERY_BEAT_SCHEDULE["pull"] = {
    "task": "reminders.tasks.pull_contacts",
    "schedule": crontab(minute=10),
    "options": {"expires": 1800},
}

# "json": one object a line, for a collector of logs; "text": for people.
LOG_FORMAT = env.str("LOG_FORMAT", default="text" if DEBUG else "json")
# Where errors are reported to, without personal data (config/error_reports.py). Empty: nowhere.
SENTRY_DSN = env.str("SENTRY_DSN", "")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
_EACH_TASK = {"level": "DEBUG" if LOG_LEVEL == "DEBUG" else "WARNING"}  # two lines for each tick say nothing
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "()": "config.logs.PrivateFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
        "json": {
            "()": "config.logs.PrivateJsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s %(task)s %(task_id)s",
            "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
        },
    },
    "filters": {
        "refusals": {"()": "config.logs.WithoutTraceOfRefusals"},
        "ids": {"()": "config.logs.WithIds"},
        "few": {"()": "config.logs.FewLines"},
    },
    "loggers": {
        # without Django's own handlers, which write addresses as they are
        "django": {},
        "django.server": {"propagate": True},
        "django.request": {"filters": ["refusals"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # anybody can send any number of them
        "fido2": {"level": "WARNING"},  # it names the keys of people
        "celery.worker.strategy": _EACH_TASK,
        "celery.app.trace": _EACH_TASK,
        "celery.beat": _EACH_TASK,
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["ids", "few"]}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
