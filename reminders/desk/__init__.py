"""What does a named person do? Orders, bookings and the worklist."""
