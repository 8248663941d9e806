"""What the shop sells. All of it is made up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Good:
    """One product; ``price`` in won, ``names`` and ``texts`` by language."""

    slug: str
    kind: str
    price: int
    names: dict[str, str]
    texts: dict[str, str]


def _good(slug: str, kind: str, price: int, ko: str, en: str, text_ko: str, text_en: str) -> Good:
    return Good(slug, kind, price, {"ko": ko, "en": en}, {"ko": text_ko, "en": text_en})


GOODS = (
    _good("kettle", "pots", 68000, "청자빛 주전자", "Celadon kettle",
          "물이 천천히 끓는 두꺼운 몸통. 손잡이는 벚나무입니다.", "A thick body that boils slowly, a cherry handle."),
    _good("teacup", "cups", 18000, "흰 찻잔", "White teacup",
          "두 손으로 감싸면 꼭 맞는 크기, 150 ml.", "Made to fit between two hands, 150 ml."),
    _good("moonjar", "pots", 120000, "작은 달항아리", "Small moon jar",
          "두 반구를 이어 붙인 자리가 그대로 보입니다.", "The seam where two bowls became one is left to be seen."),
    _good("teapot", "pots", 54000, "붉은 흙 다관", "Red-clay teapot",
          "유약 없이 구워, 쓸수록 빛이 납니다.", "Fired without glaze; it shines the more it is used."),
    _good("tin", "tea", 24000, "우전 녹차 50 g", "First-flush green tea, 50 g",
          "곡우 전에 딴 어린 잎만 담았습니다.", "Only young leaves, picked before the spring rain."),
    _good("whisk", "tools", 15000, "대나무 차선", "Bamboo whisk",
          "백 갈래로 쪼갠 대나무 한 마디.", "One joint of bamboo, split a hundredfold."),
    _good("cloth", "tools", 12000, "모시 보자기", "Ramie wrapping cloth",
          "선물을 싸고, 찻자리를 덮고, 다시 씁니다.", "Wraps a gift, covers a table, and is used again."),
    _good("tray", "tools", 46000, "호두나무 다반", "Walnut tea tray",
          "찻잔 둘이 마주 앉는 자리.", "Room for two cups to face each other."),
)  # fmt: skip

BY_SLUG = {good.slug: good for good in GOODS}
KINDS = ("pots", "cups", "tea", "tools")


def shelf(kind: str) -> list[Good]:
    """The goods of a kind, in the order of the catalogue."""
    return [good for good in GOODS if good.kind == kind]


def find(text: str, lang: str) -> list[Good]:
    """The goods whose name or description holds ``text``, whatever its case."""
    wanted = text.strip().casefold()
    return [good for good in GOODS if wanted and wanted in f"{good.names[lang]} {good.texts[lang]}".casefold()]
