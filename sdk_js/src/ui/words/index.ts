/** Every language that ships: a further one is a file beside these and its lines here. */
import * as en from "./en";
import * as ko from "./ko";
import type { PanelWords, PlaceWords, Words } from "./words";

export const banners: Record<string, Words> = { __proto__: null as never, ko: ko.banner, en: en.banner };
export const panels: Record<string, PanelWords> = { __proto__: null as never, ko: ko.panel, en: en.panel };
export const places: Record<string, PlaceWords> = { __proto__: null as never, ko: ko.place, en: en.place };
/** Why the question comes back: the answer was refused for good. */
export const agains: Record<string, string> = { __proto__: null as never, ko: ko.again, en: en.again };
