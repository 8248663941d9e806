"""The ``dongui`` command. Says what to install when only the SDK is there."""

import sys


def main() -> None:
    """Run the command line; exit 2 with the remedy when the collector's libraries are missing."""
    try:
        from dongui_collector.cli import cli
    except ModuleNotFoundError as missing:
        sys.stderr.write(
            f"dongui: {missing.name} is not installed. Install the collector: pip install 'dongui[collector]'\n"
        )
        raise SystemExit(2) from None
    cli()


if __name__ == "__main__":
    main()
