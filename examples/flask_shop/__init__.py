"""A small shop that uses dongui in one line; ``dongui demo`` runs it."""

from .app import create_shop

__all__ = ["create_shop"]
