// Makes elements. Everything that an agent or a tool wrote goes through `visible` and becomes a
// text node: no text is ever read as markup.

const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const SVG = "http://www.w3.org/2000/svg";

/** The text with characters written out that are not seen or that turn the direction of writing. */
export function visible(text) {
  return String(text).replace(HARMFUL, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    } else if (name === "class") {
      node.setAttribute("class", value);
    } else if (name === "value" || name === "checked" || name === "disabled") {
      node[name] = value;
    } else {
      node.setAttribute(name, value === true ? "" : visible(value));
    }
  }
  add(node, children);
  return node;
}

function add(node, children) {
  for (const child of children) {
    if (child === undefined || child === null || child === false) continue;
    if (Array.isArray(child)) add(node, child);
    else node.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
}

/** An HTML element; names of tags and properties are always ours, never data. */
export function el(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An SVG element. */
export function svg(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/** Puts these in place of what a node holds. */
export function put(node, ...children) {
  node.replaceChildren();
  add(node, children);
}

export function button(text, act, properties) {
  return el("button", { type: "button", ...properties, on: { click: act } }, text);
}

// Signs are drawn, so that they look the same with any font. State is told by sign and word, and
// by colour beside that.
const SIGNS = {
  ended: ["M4 4h8v8H4z", "full"],
  trace: ["M3 3h4v4H3zM9 9h4v4H9zM5 7v4h4", "open"],
  waiting: ["M8 2.5a5.5 5.5 0 1 0 .01 0z", "open"],
  running: ["M4 2.5l9.5 5.5L4 13.5z", "full"],
  done: ["M2.5 8.5l3.7 3.8L13.5 4", "line"],
  failed: ["M3.5 3.5l9 9M12.5 3.5l-9 9", "line"],
  dropped: ["M3 8h10", "line"],
  refused: ["M8 2.2a5.8 5.8 0 1 0 .01 0zM4 12L12 4", "open"],
  finding: ["M13 6A5.3 5.3 0 1 0 13.2 9.5M13.4 2.4V6.2H9.6", "open"],
  asked: ["M5 5.5a3 3 0 1 1 4.4 2.6C8.3 8.7 8 9.2 8 10M8 12.6v.6", "line"],
  fault: ["M8 2l6.5 11.5H1.5zM8 6.2v3.6M8 11.4v.6", "open"],
  talk: ["M2 3h12v8H7l-3 3v-3H2z", "open"],
  tool: ["M3 13l6-6M8.2 4.3a3 3 0 0 1 4-1.4l-2 2 1.1 1.1 2-2a3 3 0 0 1-4.1 4", "open"],
  told: ["M2 8h9M8 4.5L11.5 8 8 11.5M14 3v10", "open"],
  person: ["M8 2.5a2.6 2.6 0 1 0 .01 0zM3 14c.5-4 9.500-4 10 0", "open"],
  run: ["M4 2v12M4 3h9l-2.500 2.500L13 8H4", "open"],
};

/** A sign, without words: what stands beside it says what it means. */
export function sign(name) {
  const [path, kind] = SIGNS[name] ?? SIGNS.dropped;
  return svg("svg", { class: `sign ${kind} s-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: path }));
}

const STATE_WORDS = {
  waiting: "waiting", running: "running", done: "done", failed: "failed", dropped: "dropped", ended: "ended", trace: "a trace of others",
  stopped: "stopped: its process ended without a word", planned: "planned", not_achieved: "not achieved",
  waiting_for_person: "waits for a person", budget_spent: "budget spent", loop_found: "stopped: a loop was found",
  divergence_found: "stopped: work left the plan", refused: "refused by policy",
  model_unreachable: "no model reachable", interrupted: "paused", cancelled: "cancelled",
};
const STATE_SIGNS = {
  planned: "done", not_achieved: "failed", waiting_for_person: "asked", budget_spent: "fault", loop_found: "finding",
  divergence_found: "finding", model_unreachable: "fault", interrupted: "dropped", cancelled: "dropped", stopped: "fault",
};

export function stateWords(state) {
  return STATE_WORDS[state] ?? state;
}

/** The state of a task or run: sign and word. */
export function badge(state) {
  const name = STATE_SIGNS[state] ?? state;
  return el("span", { class: `badge s-${name}` }, sign(name), stateWords(state));
}

export function number(value) {
  return Number(value ?? 0).toLocaleString("en-US");
}

export function count(value, of) {
  return `${number(value)} ${of}${value === 1 ? "" : "s"}`;
}

export function money(micro) {
  return `$${(micro / 1e6).toFixed(micro < 10000 ? 6 : 2)}`;
}

/** A length of time. */
export function lasted(ms) {
  if (ms === undefined || ms === null) return "";
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3600000) return `${Math.floor(ms / 60000)} min ${Math.floor((ms / 1000) % 60)} s`;
  return `${Math.floor(ms / 3600000)} h ${Math.floor((ms / 60000) % 60)} min`;
}

export function ago(ms) {
  const seconds = Math.max(0, Math.floor((Date.now() - ms) / 1000));
  if (seconds < 120) return `${count(seconds, "second")} ago`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} minutes ago`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} hours ago`;
  return `${Math.floor(seconds / 86400)} days ago`;
}

/** Has something done at most once in so many milliseconds, and once more after the last call. */
export function atMost(ms, act) {
  let timer = null;
  let again = false;
  const go = () => {
    timer = null;
    if (again) {
      again = false;
      timer = setTimeout(go, ms);
      act();
    }
  };
  return () => {
    again = true;
    if (timer === null) timer = setTimeout(go, 0);
  };
}

/** Findings about the same agent that began at the same step, as one: the last, and how often it was told. */
export function merged(notes) {
  const same = new Map();
  for (const note of notes) {
    const key = `${note.agent} ${note.began_at} ${note.began_at === null ? note.text : ""}`;
    same.set(key, { note, times: (same.get(key)?.times ?? 0) + 1 });
  }
  return [...same.values()];
}
