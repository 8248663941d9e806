"""The Visits screen: what is asked in its address, the figures, the graph, the lists and the map. Reads only."""
