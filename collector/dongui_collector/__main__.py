"""The ``dongui`` command. Says what to install when only the SDK is there."""

import sys


def main() -> None:
    """Run the command line; exit 2 with the remedy when a library of the collector's is missing.

    A command's module is loaded when it is called, so a library may turn out to be missing only then.
    """
    try:
        from dongui_collector.cli import cli

        cli()
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        if name in ("dongui", "dongui_collector"):
            raise
        from dongui.version import how_to_install

        sys.stderr.write(f"dongui: {name} is not installed. Install the collector: {how_to_install('collector')}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
