"""The tasks of signing in."""

from celery import shared_task

from config.sign_in.passwords import mail_password_link


@shared_task
def send_password_link(user_id: int) -> None:
    """Send the e-mail with the link for a new password; nothing for an id that doesn't exist."""
    mail_password_link(user_id)
