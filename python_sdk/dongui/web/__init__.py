"""What one request of the site means, apart from WSGI and ASGI."""
