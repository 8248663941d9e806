"""Calendar periods as a policy file writes them: ``P1Y``, ``P6M``, ``P2W``, ``P180D`` and sums of these.

Only the value lives here; when a period from a given day ends is a rule of law (``dongui.rules.periods``, K17).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dongui.i18n import LANGUAGES, Message, counted

_ISO = re.compile(r"P(?=[0-9])(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,5})D)?")
_DAY_SECONDS = 86_400
_UNITS = (("{n} year", "{n} years"), ("{n} month", "{n} months"), ("{n} week", "{n} weeks"), ("{n} day", "{n} days"))


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar period; never empty. Years and months follow the calendar, weeks and days are counted."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        if min(self.years, self.months, self.weeks, self.days) < 0 or self.seconds == 0:
            raise ValueError(Message("a period is at least one day long"))

    @classmethod
    def parse(cls, text: str) -> Period:
        """The period that an ISO 8601 duration of whole days names; ``ValueError`` on anything else."""
        match = _ISO.fullmatch(text)
        if match is None:
            sentence = "not a period of years, months, weeks or days, such as P1Y or P180D: {text!r}"
            raise ValueError(Message(sentence, text=text[:40]))
        return cls(*(int(number or 0) for number in match.groups()))

    @property
    def seconds(self) -> int:
        """A lower bound in seconds (a year of 365 days, a month of 30): for cookies, never for destruction."""
        return (self.years * 365 + self.months * 30 + self.weeks * 7 + self.days) * _DAY_SECONDS

    def days_text(self, lang: str) -> str:
        """The period in words (``"1년 6개월"``, ``"1 year 6 months"``); English where the language is not known."""
        known = lang if lang in LANGUAGES else "en"
        numbers = (self.years, self.months, self.weeks, self.days)
        return " ".join(counted(known, *unit, n) for unit, n in zip(_UNITS, numbers, strict=True) if n)

    def __str__(self) -> str:
        """The ISO 8601 form; ``Period.parse(str(p)) == p``."""
        parts = zip((self.years, self.months, self.weeks, self.days), "YMWD", strict=True)
        return "P" + "".join(f"{number}{unit}" for number, unit in parts if number)
