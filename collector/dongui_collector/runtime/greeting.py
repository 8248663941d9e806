"""What ``dongui serve`` prints when it starts: where door and console are, and what is to be done next."""

from __future__ import annotations

from pathlib import Path

from dongui_collector.retention.installation import Installation


def greeting(core: Installation, config: Path, *, dev: bool = False) -> str:
    """Three lines for a person, not for a log."""
    settings = core.settings
    return (
        f"door     {_address(settings.host, settings.port)}\n"
        f"console  {_address(settings.desk_host, settings.desk_port)}/console/\n"
        f"next     {next_step(core, config, dev=dev)}"
    )


def next_step(core: Installation, config: Path, *, dev: bool = False) -> str:
    """What keeps the first visit from being recorded; with ``dev`` no site needs an origin."""
    registry = core.registry
    if len(registry.published()) < len(registry.sites()):
        draft = config.with_name("policy.toml")
        return f"the policy is a draft: dongui policy publish {draft} --config {config}"
    if not dev and any(not site.origins for site in registry.sites()):
        return f"list where the site's pages are: dongui sites add NAME --origin URL --config {config}"
    if not core.storage.events.days():
        lines = f"put the lines of dongui snippet --config {config} into your pages"
        return f"waiting for the first visit: {lines}, then: dongui check-site URL --config {config}"
    return "nothing: visits are recorded"


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
