"""What every room stands on: settings, clock, errors, logs, the open installation, typed operations."""
