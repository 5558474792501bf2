"""What the admin doesn't show: authenticator apps are removed on the page "People who log in"."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin

admin.site.unregister([Authenticator, EmailAddress])
