import { createApp, h, onUnmounted, ref } from "vue";
import { init } from "../../sdk_js/dist/index.js";

const dongui = init({ site: "SITE", base: "https://collect.example.com" });

const Choice = {
  setup() {
    // The choice may be known already when the component comes into the page; the listener tells of changes only.
    const granted = ref(dongui.consent.granted("statistics"));
    onUnmounted(dongui.consent.onChange((state) => (granted.value = state.statistics)));
    return () => h("section", [
      h("p", { id: "state" }, granted.value ? "통계: 동의함" : "통계: 동의하지 않음"),
      h("button", { id: "grant", onClick: () => dongui.consent.set({ statistics: true }) }, "동의"),
      h("button", { id: "withdraw", onClick: () => dongui.withdraw("statistics") }, "철회"),
      h("button", { id: "show", onClick: () => dongui.show() }, "쿠키 설정"),
    ]);
  },
};

createApp(Choice).mount("#app");
