"""What the collector needs stored: protocols and plain values, without a word of SQL."""
