"""Raw events for consumers: formats, cursors, recipients, the erasure feed."""
