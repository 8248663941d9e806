// What every page of the console gains from a script; without it everything still reads and works.
import { closeDrops } from "./drops";
import { keys } from "./keys";
import { followDraft } from "./policy";

closeDrops();
keys();
followDraft();
