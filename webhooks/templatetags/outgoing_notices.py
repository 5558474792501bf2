"""What the admin says on all its pages of outgoing webhooks."""

from django import template

from webhooks.outgoing.endpoints import list_failed_endpoints

register = template.Library()
register.simple_tag(list_failed_endpoints)
