"""Verification: chain, tables, certificates, days and items against each other."""
