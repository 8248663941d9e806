"""What ``make dist`` builds: the same bytes from the same source, and all of it that was promised."""

from __future__ import annotations

import email
import json
import re
import tarfile
import zipfile
from pathlib import Path

from tests.packages.builds import PROJECT_URL, dist, package


def test_the_same_source_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    dist(tmp_path)
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in (built, tmp_path))
    assert sorted(first) == ["dongui-0.1.0-py3-none-any.whl", "dongui-0.1.0.tar.gz", "dongui-npm-0.1.0.tgz"]
    assert [name for name in first if first[name] != second.get(name)] == []


def test_the_wheel_says_where_its_project_is_and_its_page_needs_no_file_beside_it(built: Path) -> None:
    with zipfile.ZipFile(package(built, "*.whl")) as wheel:
        said = email.message_from_bytes(wheel.read("dongui-0.1.0.dist-info/METADATA"))
    addresses = dict(str(entry).split(", ") for entry in said.get_all("Project-URL", []))
    assert sorted(addresses) == ["Changelog", "Documentation", "Source"]
    assert [place for place in addresses.values() if not place.startswith(PROJECT_URL)] == []
    page = str(said.get_payload())
    linked = re.findall(r"\]\(([^)]+)\)", page)
    assert len(linked) > 20
    assert [place for place in linked if not place.startswith("https://")] == []
    assert f"({PROJECT_URL}/raw/v0.1.0/docs/images/how-it-works.svg)" in page
    assert f"({PROJECT_URL}/blob/v0.1.0/docs/policy.md)" in page


def test_the_npm_package_holds_what_is_used_and_no_python(built: Path) -> None:
    with tarfile.open(package(built, "*.tgz")) as archive:
        names = set(archive.getnames())
        said = json.loads(archive.extractfile("package/package.json").read())  # type: ignore[union-attr]
    assert {"package/README.md", "package/LICENSE", "package/dist/index.js", "package/dist/index.d.ts"} <= names
    assert {Path(name).suffix for name in names if name.startswith("package/dist/")} == {".js", ".ts"}
    assert said.keys().isdisjoint({"private", "scripts", "devDependencies", "dependencies"})
    assert said["homepage"] == PROJECT_URL
    exported = [said["main"], said["types"], *said["exports"]["."].values()]
    assert [path for path in exported if f"package/{path.removeprefix('./')}" not in names] == []
