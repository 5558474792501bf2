"""What is owed? Reminders as rows, for every appointment and step."""
