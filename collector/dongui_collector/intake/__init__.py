"""The public door: ASGI application, schema and limits, gate, group commit."""
