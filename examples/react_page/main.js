import { createElement as h, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { init } from "../../sdk_js/dist/index.js";

const dongui = init({ site: "SITE", base: "https://collect.example.com" });
const statistics = () => dongui.consent.granted("statistics");

function Choice() {
  const granted = useSyncExternalStore(dongui.consent.onChange, statistics);
  return h("section", null,
    h("p", { id: "state" }, granted ? "통계: 동의함" : "통계: 동의하지 않음"),
    h("button", { id: "grant", onClick: () => dongui.consent.set({ statistics: true }) }, "동의"),
    h("button", { id: "withdraw", onClick: () => dongui.withdraw("statistics") }, "철회"),
    h("button", { id: "show", onClick: () => dongui.show() }, "쿠키 설정"));
}

createRoot(document.getElementById("app")).render(h(Choice));
