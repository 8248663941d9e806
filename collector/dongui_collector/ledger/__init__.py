"""Notices, consents and their state, the hash chain, receipts."""
