"""``dongui init``: a new installation."""

from __future__ import annotations

from pathlib import Path

import click

from dongui_collector.cli.common import emit, json_option, read_text

_TEXT = """\
The installation is ready.

  settings          {config}
  policy            {policy}
  site id           {site}
  secret key        {secret_key}
  console password  {console_password}   (account "admin")

Secret key and password are shown only now. The key belongs to the web server, never into a page.

Next: fill in {policy} and publish it, then start the collector and paste the snippet:

  dongui policy check {policy}
  dongui policy publish {policy} --config {config}
  dongui serve --config {config}
  dongui snippet --config {config}
"""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--policy", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The policy to start with."
)
@click.option(
    "--preset", "presets", multiple=True, help="Cookies of a known tool for the default policy; may be repeated."
)
@click.option("--origin", "origins", multiple=True, metavar="URL", help="An origin of the site; may be repeated.")
@click.option("--name", help="The site's name [default: the folder's name].")
@json_option
def init(
    folder: Path,
    policy: Path | None,
    presets: tuple[str, ...],
    origins: tuple[str, ...],
    name: str | None,
    as_json: bool,
) -> None:
    """Make an installation in DIR: settings, policy, data, keys, a first site.

    Routine ageing-out is approved from the start; the privacy officer can revoke that at any time.
    """
    from dongui_collector.runtime.install import install, starting_policy

    if policy and presets:
        raise click.UsageError("--preset extends the default policy; with --policy put its lines into that file")
    name = name or folder.absolute().name
    text = read_text(policy) if policy else starting_policy(name=name, presets=presets)
    installed = install(folder, text, name=name, origins=origins)
    emit(
        installed.json(),
        as_json,
        lambda data: _TEXT.format(**data, policy=Path(data["config"]).with_name("policy.toml")),
    )
