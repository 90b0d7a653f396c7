// Asks the server. The key came in the address once and is kept for this tab only; with it comes
// a cookie that no script can read.

const KEY = "leadhand-key";

function takeKey() {
  const found = /^#key=([0-9a-f]+)$/.exec(location.hash);
  if (found) {
    sessionStorage.setItem(KEY, found[1]);
    history.replaceState(null, "", "/#/");
  }
}
takeKey();

function headers(more) {
  return { "x-leadhand-key": sessionStorage.getItem(KEY) ?? "", ...more };
}

async function answered(response) {
  const text = await response.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    body = { trouble: text.trim() || `the server answered ${response.status}` };
  }
  if (!response.ok) throw new Error(body.trouble ?? `the server answered ${response.status}`);
  return body;
}

/** Asks something of a run. */
export async function ask(run, what, query) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "" && value !== false) words.set(name, value);
  }
  const url = `/api/runs/${encodeURIComponent(run)}/${what}?${words}`;
  return answered(await fetch(url, { headers: headers() }));
}

/** Gives an order to a run. */
export async function order(run, body) {
  return send(run, "orders", body);
}

/** Has a run that stands still go on. */
export async function resume(run, body) {
  return send(run, "resume", body);
}

async function send(run, what, body) {
  const url = `/api/runs/${encodeURIComponent(run)}/${what}`;
  const sent = { method: "POST", headers: headers({ "content-type": "application/json" }), body: JSON.stringify(body) };
  return answered(await fetch(url, sent));
}

const AGAIN_MS = 1500;
const SILENT_MS = 30000;

/**
 * The stream of events: `take` is given each message, `link` how the connection is. It is closed
 * while the page is not seen, since a browser keeps few connections, and opened anew after that.
 */
export class Stream {
  constructor(take, link) {
    this.take = take;
    this.link = link;
    this.runs = [];
    this.stop = null;
    document.addEventListener("visibilitychange", () => this.open(this.runs));
  }

  open(runs) {
    this.runs = runs;
    this.stop?.abort();
    this.stop = null;
    if (document.hidden) return;
    this.stop = new AbortController();
    this.read(this.stop);
  }

  async read(stop) {
    while (!stop.signal.aborted) {
      try {
        await this.once(stop);
        this.link("the connection ended; it is tried again");
      } catch (error) {
        if (stop.signal.aborted) return;
        this.link(error instanceof TypeError ? "no connection: is leadhand ui still running?" : error.message);
      }
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }

  async once(stop) {
    const url = `/api/events?runs=${this.runs.map(encodeURIComponent).join(",")}`;
    const response = await fetch(url, { headers: headers(), signal: stop.signal });
    if (!response.ok) await answered(response);
    this.link("");
    this.take({ kind: "opened" });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let parts = [];
    let silent = null;
    try {
      for (;;) {
        clearTimeout(silent);
        silent = setTimeout(() => reader.cancel(), SILENT_MS);
        const { done, value } = await reader.read();
        if (done || stop.signal.aborted) return;
        parts.push(value);
        if (!value.includes("\n")) continue;
        const lines = parts.join("").split("\n");
        parts = [lines.pop()];
        for (const line of lines) {
          if (line.startsWith("data: ")) this.take(JSON.parse(line.slice(6)));
        }
      }
    } finally {
      clearTimeout(silent);
    }
  }
}
