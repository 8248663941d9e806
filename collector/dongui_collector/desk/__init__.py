"""The private door: the officers' console, exports and feeds for consumers, metrics. Flask, on loopback, read-only.

Nothing is re-exported here: the collector's own process asks for this package without wanting Flask.
"""
