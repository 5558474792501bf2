"""Who somebody is: the page to sign in, passwords, the second factor, shared desks.

| module | what it does |
| --- | --- |
| `login.py` | the page to log in, for all pages and for the admin |
| `password_rules.py` | which passwords are refused |
| `passwords.py` | changing a password, and setting a new one by a link |
| `second_factor.py` | the authenticator app, by django-allauth, and who needs a second factor |
| `passkeys.py` | passkeys, by django-allauth |
| `desk.py` | a shared desk: it locks when nobody is there, and changes persons |
| `sessions.py` | Django's sessions, in which a lock stays until a password opens it |
| `kept_forms.py` | a form that was sent after the lock or the end of the session |
| `people.py` | for admins: who can sign in, links for new passwords, what happened |
| `record.py` | what happened, as rows |
| `encryption.py` | how secrets are kept in the database and in hidden fields |

How often a password or a code may be tried: config/sign_in_limits.py.

Which pages of django-allauth there are is said in config/urls.py: those of the second factor and of passkeys,
and no other.
"""
