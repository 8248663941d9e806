"""The npm tarball in a site of its own: on a server, in a bundle, for TypeScript, under the versions of its lock."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.packages.builds import once, package, run

SITE = Path(__file__).parent / "site"
NPM = ["npm", "--silent", "--no-audit", "--no-fund", "--prefer-offline"]

USES = """
import { init, type Dongui } from "dongui";
const dongui: Dongui = init({ site: "s_1", base: "/_dongui" });
dongui.track("purchase", { value: 3 });
// @ts-expect-error a mistake is found
dongui.trakc("purchase");
"""


@pytest.fixture(scope="session")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A React site with Vite, and the tarball in it."""

    def make(folder: Path) -> None:
        shutil.copytree(SITE, folder, dirs_exist_ok=True)
        run([*NPM, "ci"], folder)
        run([*NPM, "install", "--no-save", package(built, "*.tgz")], folder)

    return once(tmp_path_factory, "npm-site", make)


def vite(site: Path, *arguments: str) -> None:
    run([str(site / "node_modules" / ".bin" / "vite"), "build", "--logLevel", "warn", *arguments], site)


def test_a_server_without_location_imports_it(site: Path) -> None:
    code = 'const m = await import("dongui"); if (typeof location !== "undefined") throw 0; console.log(typeof m.init)'
    assert run(["node", "--input-type=module", "-e", code], site).strip() == "function"


def test_a_page_is_rendered_on_the_server_and_taken_over_in_the_browser(site: Path) -> None:
    """What a framework such as Next does with one component: ``renderToString`` there, ``hydrateRoot`` here."""
    vite(site, "--ssr", "src/server.jsx", "--outDir", "out/server")
    code = 'import { render } from "./out/server/server.js"; console.log(render())'
    assert run(["node", "--input-type=module", "-e", code], site).strip() == "<p>Not counted</p>"
    vite(site, "--outDir", "out/browser")
    bundle = "".join(path.read_text("utf-8") for path in (site / "out" / "browser").rglob("*.js"))
    assert "data-dongui" in bundle
    assert (site / "out" / "browser" / "index.html").exists()


@pytest.mark.parametrize(("module", "resolution"), [("nodenext", "nodenext"), ("esnext", "bundler")])
def test_typescript_finds_the_types_and_with_them_mistakes(site: Path, module: str, resolution: str) -> None:
    (site / f"uses-{resolution}.ts").write_text(USES)
    options = ["--noEmit", "--strict", "--lib", "es2022,dom", "--module", module, "--moduleResolution", resolution]
    run([str(site / "node_modules" / ".bin" / "tsc"), *options, f"uses-{resolution}.ts"], site)
