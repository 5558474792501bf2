"""Who will be called, before anybody is: drafts, previews, differences, activation and history."""
