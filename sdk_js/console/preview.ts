/** The collector of the previewed banner: answers from the page itself, keeps nothing, sends nothing. */
interface Told {
  purposes: { id: string; basis: string }[];
}
interface Choice {
  granted: string[];
  refused: string[];
}

const told = JSON.parse(document.getElementById("told")!.textContent!) as Told;
const view = (document.currentScript as HTMLScriptElement).dataset.view;
const states = new Map<string, string>();

/** What the collector would answer to a choice: the state of every purpose that rests on consent. */
function choose({ granted, refused }: Choice): object {
  for (const id of granted) states.set(id, "given");
  for (const id of refused) states.set(id, states.get(id) === "given" ? "withdrawn" : "refused");
  const asked = told.purposes.filter(({ basis }) => basis === "consent").map(({ id }) => [id, states.get(id) ?? "unasked"]);
  const someone = [...states.values()].includes("given");
  return { visitor: someone ? "preview-preview-preview".slice(0, 22) : null, state: Object.fromEntries(asked), receipt: null };
}

function answer(path: string, body: unknown): [status: number, body: object] {
  if (path.endsWith("/v1/notice") || path.endsWith("/v1/policy")) return [200, told];
  if (path.endsWith("/v1/consents")) return [201, choose(JSON.parse(String(body)) as Choice)];
  if (path.endsWith("/v1/me")) return [200, { suspended: false, consents: [], records: [], events: [] }];
  return [202, { recorded: 0, refused: {} }];
}

window.fetch = (input, options) => {
  const [status, body] = answer(new URL(String(input)).pathname, options?.body);
  return Promise.resolve(new Response(JSON.stringify(body), { status }));
};

/** The sandbox keeps no cookies, and nobody is asked where a choice cannot be kept: these last as long as the frame. */
const jar = new Map<string, string>();
Object.defineProperty(navigator, "cookieEnabled", { value: true });
Object.defineProperty(document, "cookie", {
  get: () => [...jar].map(([name, value]) => `${name}=${value}`).join("; "),
  set: (line: string) => {
    const [, name = "", value = ""] = /^([^=;]*)=([^;]*)/.exec(line) ?? [];
    if (/;\s*max-age=0/i.test(line)) jar.delete(name);
    else jar.set(name, value);
  },
});

if (view === "preferences") (window as { dongui?: unknown }).dongui = [["show"]];
