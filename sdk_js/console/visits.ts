// The Visits screen: its graph drawn by uPlot in place of the server's drawing, and keys for what is chosen often.
import { graphs } from "./graph";
import { keys } from "./keys";

graphs();
keys();
