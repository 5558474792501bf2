"""The WSGI application of the web process: `gunicorn config.wsgi`."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from config.checks import refuse_unsafe_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("CALLBOARD_PROCESS", "web")

application = get_wsgi_application()
refuse_unsafe_start()

# The garbage collector need not look at what stays until the end, nor several times at the rows of one page.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
