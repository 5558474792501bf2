"""What is shown? Reading for the pages of the front desk."""
