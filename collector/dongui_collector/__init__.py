"""The dongui collector: lets data in under a live consent, keeps it, reads it, and ends it."""
