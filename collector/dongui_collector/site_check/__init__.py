"""``dongui check-site``: whether a page of a site asks, records and waits as it should, seen as a visitor sees it."""
