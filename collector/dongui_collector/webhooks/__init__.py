"""Webhooks: whom to tell of endings and privacy requests, and delivery to them."""
