"""A filter that somebody sends costs no more than a few: the bound on their number is not got round inside of one."""

from __future__ import annotations

import pytest
from dongui_collector.analytics.filters import MOST_ALTERNATIVES, ReportError, parse_filter


@pytest.mark.parametrize("one", ["page:*a*", "!page:*a*", "event:props:a=*"], ids=["plain", "negated", "property"])
def test_the_alternatives_of_a_filter_are_few(one: str) -> None:
    """Of 6,500 alternatives, which a header of 64 KiB holds, two hundred words took seconds."""
    most = "|".join([one.replace("event:props:", "prop:")] * MOST_ALTERNATIVES)
    assert len(parse_filter(most).alternatives) == MOST_ALTERNATIVES
    for several in (f"{most}|prop:a=b", "|".join(["page:*a*"] * 6500), f"{most}|" * 300):
        with pytest.raises(ReportError, match="alternatives"):
            parse_filter(several)
