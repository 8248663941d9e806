"""Reports about visits, restricted to what the reader's purposes cover."""
