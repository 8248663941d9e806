"""The SDK's types hold for code as users write it, and find its mistakes."""

from __future__ import annotations

from pathlib import Path

from mypy import api

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

MISTAKES = {
    "an option that there is not": "ConsentMiddleware(page, strickt=True)",
    "an option of the wrong type": 'ConsentMiddleware(page, strict="yes")',
    "a visitor that is none": 'Client().track(7, "x")',
    "an answer's word": "consent('x').granted('y').upper()",
    "an application of the other kind": "AsgiMiddleware(page)",
}


def checked(path: Path) -> tuple[str, int]:
    out, errors, code = api.run(
        ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache"), str(path)]
    )
    return out + errors, code


def test_code_as_users_write_it() -> None:
    said, code = checked(HERE / "api.py")
    assert code == 0, said


def test_mistakes_are_found(tmp_path: Path) -> None:
    lines = (HERE / "api.py").read_text(encoding="utf-8").rstrip().splitlines()
    wrong = tmp_path / "wrong.py"
    wrong.write_text("\n".join([*lines, *MISTAKES.values()]) + "\n", encoding="utf-8")
    said, code = checked(wrong)
    assert code == 1
    for number, what in enumerate(MISTAKES, start=len(lines) + 1):
        assert f"wrong.py:{number}: error:" in said, f"{what}: {said}"


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "python_sdk" / "dongui" / "py.typed").exists()
