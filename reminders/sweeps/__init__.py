"""Regular rounds: overdue calls, missed reminders, and opt-outs to and from Robotalker."""
