"""The WSGI application of the web process: `gunicorn config.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from config.checks import refuse_unsafe_start
from config.garbage import collect_less

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("CALLBOARD_PROCESS", "web")

application = get_wsgi_application()
refuse_unsafe_start()
collect_less()
