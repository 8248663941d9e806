"""Everything on one machine: a collector, an example shop, the console; and a journey through them."""
