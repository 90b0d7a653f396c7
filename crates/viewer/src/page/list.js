// A list of any length of which only what is seen is there. Rows are asked for in pages, and asked
// for again when they may have changed.

import { ask } from "/page/api.js";
import { atMost, el, lasted, put, sign } from "/page/dom.js";

const PAGE = 100;
const PAGES_KEPT = 40;
let lists = 0;

const MARKS = {
  refused: ["refused", "refused"], failed: ["failed", "failed"], fault: ["fault", "fault"],
  sent_back: ["fault", "sent back"], holds: ["done", "holds"], holds_not: ["failed", "does not hold"],
  finding: ["finding", "found"], asked: ["asked", "asks a person"], running: ["running", "at work"],
  person: ["person", "a person"], run: ["run", "the run"],
};
const KINDS = {
  turn: ["talk", "said"], call: ["tool", "called"], told: ["told", "was told"], others: ["talk", "others"],
  check: ["done", "check"], note: ["run", "note"],
};

/** Sign and words of what happened. */
export function marked(row) {
  return MARKS[row.mark] ?? KINDS[row.kind] ?? ["run", row.kind];
}

export class Happenings {
  /** `picked` is told of the row that is chosen; `fixed` is what is always looked for. */
  constructor(run, label, picked, fixed) {
    Object.assign(this, { run, picked, fixed: fixed ?? null });
    this.name = `list-${(lists += 1)}`;
    this.places = null;
    this.total = 0;
    this.at = -1;
    this.pages = new Map();
    this.asked = new Set();
    this.began = 0;
    this.rows = el("div", { class: "rows" });
    this.node = el("div", {
      class: "list", role: "listbox", tabindex: 0, "aria-label": label,
      on: { keydown: (event) => this.key(event), scroll: () => this.draw() },
    }, this.rows);
    this.again = atMost(400, () => this.renew());
    new ResizeObserver(() => this.draw()).observe(this.node);
  }

  height() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return Math.round(rem * (this.node.clientWidth < rem * 38 ? 3.4 : 2));
  }

  /** How many there are now, and when the run began. */
  has(total, began) {
    const end = this.follow && this.places === null && total !== this.total;
    this.began = began;
    if (this.places === null && !this.fixed) this.total = total;
    this.again();
    if (end) requestAnimationFrame(() => this.node.scrollTo(0, this.node.scrollHeight));
  }

  /** Shows these places only; null is all. */
  only(places) {
    this.places = places;
    this.at = -1;
    this.pages.clear();
    this.node.scrollTop = 0;
    this.draw();
  }

  length() {
    return this.places ? this.places.length : this.total;
  }

  async renew() {
    if (this.fixed) {
      try {
        const found = await ask(this.run, "find", this.fixed);
        this.places = found.places;
      } catch {
        return;
      }
    }
    const [from, to] = this.seen();
    for (let page = Math.floor(from / PAGE); page * PAGE < to; page += 1) await this.fetch(page);
    this.draw();
  }

  async fetch(page) {
    if (this.asked.has(page)) return;
    this.asked.add(page);
    const from = page * PAGE;
    const places = this.places;
    try {
      const query = places ? { at: places.slice(from, from + PAGE).join(",") } : { from, count: PAGE };
      const answer = await ask(this.run, "rows", query);
      if (places !== this.places && !this.fixed) return;
      this.pages.delete(page);
      this.pages.set(page, answer.rows);
      while (this.pages.size > PAGES_KEPT) this.pages.delete(this.pages.keys().next().value);
    } catch {
      // The line of the connection says why; the row stays empty until it is asked for again.
    } finally {
      this.asked.delete(page);
    }
  }

  seen() {
    const height = this.height();
    const from = Math.max(0, Math.floor(this.node.scrollTop / height) - 4);
    const to = Math.min(this.length(), Math.ceil((this.node.scrollTop + this.node.clientHeight) / height) + 4);
    return [from, Math.max(from, to)];
  }

  draw() {
    if (this.node.clientHeight === 0 && this.length() > 0 && !this.node.isConnected) return;
    const height = this.height();
    this.rows.style.height = `${this.length() * height}px`;
    const [from, to] = this.seen();
    const rows = [];
    for (let at = from; at < to; at += 1) rows.push(this.row(at, height));
    put(this.rows, rows);
    if (this.length() === 0) put(this.rows, el("p", { class: "empty" }, "There is nothing here."));
    this.node.setAttribute("aria-activedescendant", this.at >= 0 ? `${this.name}-${this.at}` : "");
  }

  row(at, height) {
    const page = Math.floor(at / PAGE);
    const row = this.pages.get(page)?.[at % PAGE];
    const node = el("div", {
      class: `happened${at === this.at ? " chosen" : ""}${row ? ` m-${row.mark}` : ""}`, role: "option",
      id: `${this.name}-${at}`, "aria-selected": at === this.at ? "true" : "false",
      "aria-setsize": this.length(), "aria-posinset": at + 1,
      on: { click: () => this.choose(at) },
    });
    node.style.top = `${at * height}px`;
    node.style.height = `${height}px`;
    if (!row) {
      this.fetch(page).then(() => this.pages.has(page) && this.drawSoon());
      put(node, "…");
      return node;
    }
    const [name, words] = marked(row);
    const who = [row.task, row.agent === undefined || row.agent === null ? null : `a${row.agent}`].filter(Boolean).join(" ");
    put(node,
      el("span", { class: "when", title: `record ${row.seq}` }, this.began && row.ms ? `+${lasted(Math.max(0, row.ms - this.began))}` : ""),
      el("span", { class: `what s-${name}` }, sign(name), words),
      el("span", { class: "who" }, who),
      el("span", { class: "text" }, row.text));
    return node;
  }

  drawSoon() {
    if (this.soon) return;
    this.soon = requestAnimationFrame(() => {
      this.soon = null;
      this.draw();
    });
  }

  choose(at) {
    if (at < 0 || at >= this.length()) return;
    this.at = at;
    const height = this.height();
    if (at * height < this.node.scrollTop) this.node.scrollTop = at * height;
    if ((at + 1) * height > this.node.scrollTop + this.node.clientHeight) {
      this.node.scrollTop = (at + 1) * height - this.node.clientHeight;
    }
    this.draw();
    this.picked(this.places ? this.places[at] : at);
  }

  /** Shows a place of the whole list. */
  goTo(place) {
    const at = this.places ? this.places.indexOf(place) : place;
    if (at < 0) return;
    this.at = at;
    this.node.scrollTop = Math.max(0, at * this.height() - this.node.clientHeight / 3);
    this.draw();
  }

  key(event) {
    const screen = Math.max(1, Math.floor(this.node.clientHeight / this.height()) - 1);
    const to = {
      ArrowDown: this.at + 1, ArrowUp: Math.max(0, this.at - 1), PageDown: Math.min(this.length() - 1, this.at + screen),
      PageUp: Math.max(0, this.at - screen), Home: 0, End: this.length() - 1, Enter: this.at,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.choose(to);
  }
}
