"""Who may do what: accounts, sessions, roles, tokens, throttle, access log."""
