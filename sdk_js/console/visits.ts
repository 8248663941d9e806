// The Visits screen: its graph drawn by uPlot in place of the server's drawing.
import { graphs } from "./graph";

graphs();
