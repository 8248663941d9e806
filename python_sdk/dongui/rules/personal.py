"""What in a text names a person: e-mail addresses, telephone and resident numbers. Pure; any text, linear time.

The patterns are best effort: they find what people commonly put into addresses and texts by mistake, plain or
percent-encoded. Separators, check digits, birth dates and the words before a number tell it from barcodes, order
numbers and digits within longer tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["scrub_path", "scrub_text"]

# E-mail: local part, "@" (or %40, %2540 …), a domain whose last label is not a number ("react@18.2.0" is none). The
# look-behind lets a match start only where a run of local-part characters starts, so that a long run without an "@" is
# scanned once, not once from each of its characters.
_STOP = r"""\x00-\x20@/\\?#&=:;,<>"'()\[\]{}|`"""
_LABEL = r"A-Za-z0-9\-\u00a1-\U0010ffff"
_EMAIL = re.compile(
    rf"(?<![^{_STOP}])[^{_STOP}]+(?:@|%(?:25)*40)[{_LABEL}]+(?:\.[{_LABEL}]+)*\.[A-Za-z\u00a1-\U0010ffff][{_LABEL}]+"
)

# Numbers: not inside a percent-encoded byte, but right after one; not inside a longer number or a coordinate.
_GAP = r"(?:[-.~() \u00a0\u2010-\u2015\u2212\u3000\u30fc\u3161\uff0d]|%2[089DEde])"
_LEFT = r"(?<!%)(?<!%[0-9A-Fa-f])(?:(?<![0-9])(?<![0-9]\.)|(?<=%[0-9A-Fa-f]{2}))"
_RIGHT = r"(?![0-9])"

# Resident number: date of birth, then seven digits of which the first is 1 to 8 (the other six perhaps starred).
_RRN = re.compile(rf"{_LEFT}([0-9]{{6}})((?:{_GAP}|\+){{0,3}})([1-8](?:[0-9]{{6}}|\*{{6}})){_RIGHT}")
_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_RRN_WORD = re.compile(r"(?:주민|등록|외국인|rrn|jumin|resident|ssn|(?:^|[^a-z\s])\s*id)[^0-9]{0,12}$", re.IGNORECASE)

# Telephone: Korean mobile and area codes, with or without country code; any other country's behind a "+"; 555-123-4567.
# A UUID comes first, so that no part of one is looked at.
_JOIN = rf"(?:{_GAP}|[+_]){{0,3}}"
_PLUS = r"(?:(?<![0-9A-Za-z])\+|%2[Bb])"
_PHONE = re.compile(
    rf"(?<![0-9A-Za-z])[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}(?![0-9A-Za-z])|{_LEFT}("
    rf"(?:82{_JOIN}0?1[016789]|{_PLUS}82{_JOIN}0?{_JOIN}[1-7][0-9]?|0(?:1[016789]|2|[3-6][1-5]|50[2-8]?|70|80))"
    rf"{_JOIN}[0-9]{{3,4}}{_JOIN}[0-9]{{4}}"
    rf"|{_PLUS}[1-9][0-9]?(?:{_GAP}{{0,2}}[0-9]){{8,13}}"
    rf"|[2-9][0-9]{{2}}{_GAP}{{1,2}}[0-9]{{3}}{_GAP}[0-9]{{4}}"
    rf"){_RIGHT}"
)
_PHONE_WORD = re.compile(
    r"(?:tel|phone|call|fax|mobile|cell|hp|sms|전화|연락|휴대|핸드폰|팩스)[^0-9]{0,8}$", re.IGNORECASE
)
_ESCAPE_BEFORE = re.compile(r"%[0-9A-Fa-f]{2}$")
# Without a separator: a mobile number as it is, others with an exchange that there is (none begins with 0 or 1).
_MOBILE = re.compile(r"(?:820?|0)1")
_LANDLINE = re.compile(r"(?:02|0[3-6][1-5]|050[2-8]?|070|080)[2-9]")
_NEARBY = 24  # characters before a number in which a word may say what it is

# The cheap tests before the dear ones: most texts hold no pattern. Every number above has four digits in a row or a
# plus sign; and nine digits in all, or a star.
_FOUR_DIGITS = re.compile(r"[0-9]{4}")
_NINE_DIGITS = re.compile(r"(?:[^0-9]*[0-9]){9}")
# Full-width digits, as Korean keyboards have them.
_WIDE = re.compile(r"[\uff10-\uff19]")
_NARROW = {0xFF10 + digit: str(digit) for digit in range(10)}


def scrub_text(text: str) -> str:
    """``text`` with e-mail addresses, telephone and resident numbers as ``[email]``, ``[phone]`` and ``[rrn]``.

    A number that is written apart (``900101-1234567``, ``02-123-4567``) is replaced as it stands. One without
    separators might be a barcode or an order's: there has to be such a number, or a word before it says what it is.
    """
    return _scrubbed(text, _telephone)


def scrub_path(text: str) -> str:
    """The same in an address, where a landline's bare digits are a product's number unless a word says otherwise."""
    return _scrubbed(text, _telephone_in_path)


def _scrubbed(text: str, telephone: Callable[[re.Match[str]], str]) -> str:
    if not text.isascii() and _WIDE.search(text):
        narrow = text.translate(_NARROW)
        clean = _scrubbed(narrow, telephone)
        return text if clean == narrow else clean
    if _may_hold_a_number(text):
        text = _PHONE.sub(telephone, _RRN.sub(_resident_number, text))
    if "@" in text or ("%" in text and "40" in text):
        text = _EMAIL.sub("[email]", text)
    return text


def _resident_number(match: re.Match[str]) -> str:
    birth, gap, rest = match.groups()
    if not 1 <= int(birth[2:4]) <= 12 or not 1 <= int(birth[4:]) <= 31:
        return match[0]
    if gap or "*" in rest:
        return "[rrn]"
    if _RRN_WORD.search(match.string, max(0, match.start() - _NEARBY), match.start()):
        return "[rrn]"
    within = _in_a_word(match)
    return match[0] if within or not _is_valid(birth + rest) else "[rrn]"


def _is_valid(digits: str) -> bool:
    """Whether it can be a resident number by its birth date and check digit.

    Who was born since October 2020 has a random digit in its place (Enforcement Rule of the Resident Registration Act,
    article 2): without a separator such a number looks like any order's of that day, so a word has to say what it is.
    """
    numbers = [int(digit) for digit in digits]
    kind = numbers[6]
    year = (2000 if kind in (3, 4, 7, 8) else 1900) + int(digits[:2])
    month, day = int(digits[2:4]), int(digits[4:6])
    total = sum(weight * number for weight, number in zip(_WEIGHTS, numbers, strict=False))
    check = ((13 if kind > 4 else 11) - total % 11) % 10
    return (year, month) < (2020, 10) and day <= _days_in_month(year, month) and check == numbers[12]


def _days_in_month(year: int, month: int) -> int:
    return 30 + (month + month // 8) % 2 - (month == 2) * (2 - (year % 4 == 0 and (year % 100 > 0 or year % 400 == 0)))


def _telephone(match: re.Match[str]) -> str:
    return _bare_telephone(match, _MOBILE, _LANDLINE)


def _telephone_in_path(match: re.Match[str]) -> str:
    return _bare_telephone(match, _MOBILE)


def _bare_telephone(match: re.Match[str], *known: re.Pattern[str]) -> str:
    if match[1] is None:
        return match[0]
    if not match[0].isdecimal() or _PHONE_WORD.search(match.string, max(0, match.start() - _NEARBY), match.start()):
        return "[phone]"
    return "[phone]" if any(form.match(match[0]) for form in known) and not _in_a_word(match) else match[0]


def _in_a_word(match: re.Match[str]) -> bool:
    """Whether Latin letters stand right before or behind it; a percent-encoded byte is none."""
    text, start = match.string, match.start()
    before, behind = text[max(0, start - 3) : start], text[match.end() : match.end() + 1]
    return (before[-1:].isascii() and before[-1:].isalpha() and not _ESCAPE_BEFORE.match(before)) or (
        behind.isascii() and behind.isalpha()
    )


def _may_hold_a_number(text: str) -> bool:
    if "+" not in text and "%2" not in text and not _FOUR_DIGITS.search(text):
        return False
    return "*" in text or _NINE_DIGITS.match(text) is not None
