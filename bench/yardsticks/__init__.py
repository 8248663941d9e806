"""What the collector is measured against: servers that do less, written as well as we can."""
