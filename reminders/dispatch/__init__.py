"""How does it go out? Claim what is due, open the calls, POST them, record the answers."""
