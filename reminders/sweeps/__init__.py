"""What did nobody come back for? Regular rounds that look for it."""
