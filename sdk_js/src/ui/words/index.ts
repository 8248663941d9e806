/** Every language that ships: a further one is a file beside these and its lines here. */
import * as en from "./en";
import * as ko from "./ko";
import type { PanelWords, PlaceWords, Words } from "./words";

export const banners: Record<string, Words> = { ko: ko.banner, en: en.banner };
export const panels: Record<string, PanelWords> = { ko: ko.panel, en: en.panel };
export const places: Record<string, PlaceWords> = { ko: ko.place, en: en.place };
