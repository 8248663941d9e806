"""Privacy requests, access packages, disclosures, minors, members."""
