"""Planning: which reminders are owed, as rows, for every appointment and step."""
