"""The package's version, without a look at what is installed; ``setup.cfg`` and the snippet's package say the same."""

__version__ = "0.1.0"
