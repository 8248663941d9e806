import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { Page } from "./page.jsx";

export const render = () => renderToString(createElement(Page));
