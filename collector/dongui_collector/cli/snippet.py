"""``dongui snippet``: the lines that a site needs, ready to be pasted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dongui_collector.cli.common import config_option, emit, json_option, reading, site_option

if TYPE_CHECKING:
    from dongui_collector.core.settings import Settings
    from dongui_collector.storage.contract.values import Site

_TEXT = """\
In the <head> of every page:

  {tag}

Before it, where Google's tags or scripts that you cannot mark are on the page, the output of dongui snippet --stub.

Third-party scripts and markup that must wait for a consent:

  <script type="text/plain" data-purpose="statistics" src="…"></script>
  <template data-purpose="marketing">…any markup…</template>

A way back to the choice, on every page:

  <button data-dongui="preferences">Cookie settings</button>

In the application (Flask shown; Django and Starlette have integrations of their own), so that cookies of the server
wait for a consent too and the collector answers on the site's own origin under /_dongui:

  from dongui import ConsentMiddleware
  app.wsgi_app = ConsentMiddleware(
      app.wsgi_app, site="{site}", collector="{collector}", secret_key=os.environ["DONGUI_SECRET_KEY"])

A static site without a server of its own takes everything from the collector's public address:

  dongui snippet --collector https://collect.example
"""


@click.command()
@click.option(
    "--collector", metavar="URL", help="Where browsers reach the collector directly, instead of the site's own origin."
)
@click.option("--stub", is_flag=True, help="Print the inline stub alone: for Google's tags, and for unmarked scripts.")
@click.option("--nonce", default="", metavar="NONCE", help="The stub's nonce under a Content-Security-Policy.")
@click.option("--advanced", is_flag=True, help="The stub lets Google's tags load before any consent.")
@click.option("--url-passthrough", is_flag=True, help="The stub lets Google's tags carry ad-click ids in addresses.")
@click.option("--ads-data-redaction", is_flag=True, help="The stub has Google's tags leave ad-click ids out.")
@click.option(
    "--wait-for-update", type=click.IntRange(0), metavar="MS", help="How long Google's tags wait for an update."
)
@click.option("--region", multiple=True, metavar="CODE", help="The default holds in these regions alone (ISO 3166-2).")
@site_option
@config_option
@json_option
def snippet(
    collector: str | None,
    stub: bool,
    nonce: str,
    advanced: bool,
    url_passthrough: bool,
    ads_data_redaction: bool,
    wait_for_update: int | None,
    region: tuple[str, ...],
    site: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Print the lines that a site needs."""
    from dongui.policy import inline_stub, stub_warnings

    from dongui_collector.ledger.sites import find_site

    doubtful: dict[str, Any] = {
        "advanced": advanced,
        "url_passthrough": url_passthrough,
        "ads_data_redaction": ads_data_redaction,
        "region": region,
    }
    for warning in stub_warnings(**doubtful):
        click.echo(f"Warning: {warning}.", err=True)
    with reading(config) as core:
        found = find_site(core, site)
        data = _lines(found, core.settings, collector)
        if stub or core.registry.notices(found.ref):  # the stub is made of the policy
            data["stub"] = inline_stub(
                core.registry.in_force(found.ref, core.clock.now()).compiled,
                nonce=nonce,
                wait_for_update=wait_for_update,
                **doubtful,
            )
    emit(data, as_json, lambda shown: shown["stub"] if stub else _TEXT.format(**shown))


def _lines(site: Site, settings: Settings, collector: str | None) -> dict[str, str]:
    base = collector.rstrip("/") if collector else "/_dongui"
    inside = f"http://{settings.host}:{settings.port}"
    tag = f'<script async src="{base}/v1/dongui.js" data-site="{site.id}"></script>'
    return {"site": site.id, "tag": tag, "collector": inside}
