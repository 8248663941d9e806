"""Makes the pictures of the documentation small: a picture of more than 150 kB gets a palette of at most 256 colours.

``make pictures`` runs it behind the scripts that take the pictures.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).resolve().parent.parent / "images"
LARGEST = 150_000  # bytes
_PALETTES = (256, 128, 64, 32)


def smaller(picture: bytes) -> bytes:
    """The picture with as many colours as fit; unchanged where it is small enough."""
    if len(picture) <= LARGEST:
        return picture
    image = Image.open(BytesIO(picture)).convert("RGB")
    for colours in _PALETTES:
        out = BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() <= LARGEST:
            break
    return out.getvalue()


def main() -> None:
    for path in sorted(FOLDER.rglob("*.png")):
        before = path.read_bytes()
        after = smaller(before)
        if after != before:
            path.write_bytes(after)
            print(f"{path.relative_to(FOLDER)}: {len(before)} → {len(after)} bytes")


if __name__ == "__main__":
    main()
