"""The embedded default: one data folder, SQLite throughout."""
