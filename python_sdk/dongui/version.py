"""The package's version, without a look at what is installed; ``setup.cfg`` and the snippet's package say the same.

And how it is installed: its names are not registered with PyPI and npm yet, docs/releasing.md.
"""

__version__ = "0.1.0"

WHEEL = f"pip install ./dongui-{__version__}-py3-none-any.whl"
"""The SDK alone, as a line of a shell."""


def how_to_install(*extras: str) -> str:
    """The commands, for every remedy that names them; ``extras`` as in ``setup.cfg`` (``collector``, ``scan``, …)."""
    wanted = f"[{','.join(extras)}]"
    return f"pip install './dongui-{__version__}-py3-none-any.whl{wanted}' (in the repository: pip install '.{wanted}')"
