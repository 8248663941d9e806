// c15t has no script to load: what its guide says a React application does, bundled with React.
import "@c15t/react/styles.css";
import { ConsentBanner, ConsentDialog, ConsentManagerProvider } from "@c15t/react";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const options = { mode: "offline", consentCategories: ["necessary", "measurement", "marketing"] };
addEventListener("DOMContentLoaded", () =>
  createRoot(document.body.appendChild(document.createElement("div"))).render(
    createElement(ConsentManagerProvider, { options }, createElement(ConsentBanner), createElement(ConsentDialog)),
  ),
);
