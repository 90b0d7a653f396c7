// What to look at first: tasks that failed, calls that were refused or failed, what was found.

import { ask } from "/page/api.js";
import { atMost, button, el, put, sign } from "/page/dom.js";
import { marked } from "/page/list.js";

const SHOWN_MAX = 8;
const LOOKED_AT = 200;
const ORDER = ["refused", "failed", "fault", "sent_back", "holds_not"];

export class Attention {
  constructor(run, go) {
    Object.assign(this, { run, go });
    this.rows = [];
    this.all = false;
    this.node = el("section", { class: "attention", "aria-label": "What to look at", hidden: true });
    this.again = atMost(1500, () => this.look());
  }

  take(store) {
    this.store = store;
    this.again();
  }

  async look() {
    try {
      const { places } = await ask(this.run, "find", { trouble: true });
      const at = places.slice(0, LOOKED_AT).join(",");
      this.rows = at ? (await ask(this.run, "rows", { at })).rows : [];
      this.more = Math.max(0, places.length - LOOKED_AT);
    } catch {
      return;
    }
    this.draw();
  }

  draw() {
    const entries = [...this.failed(), ...this.found(), ...this.others()];
    this.node.hidden = entries.length === 0;
    const shown = this.all ? entries : entries.slice(0, SHOWN_MAX);
    const left = entries.length - shown.length;
    const text = JSON.stringify(shown.map((entry) => [entry.name, entry.head, entry.text, entry.links.map(([words]) => words)])) + left;
    if (text === this.text) return;
    this.text = text;
    put(this.node, el("h2", null, "What to look at"), el("ul", { class: "cards" }, shown.map((entry) => card(entry))),
      left > 0 ? button(`Show ${left} more`, () => {
        this.all = true;
        this.draw();
      }, { class: "linked" }) : null);
  }

  failed() {
    return this.store.tasks.filter((task) => task.state === "failed").map((task) => ({
      name: "failed", head: `Task ${task.id} failed`, text: task.why,
      links: [["Look at the task", () => this.go("task", task.id)]],
    }));
  }

  found() {
    return this.store.notes.filter((note) => note.kind === "finding").map((note) => ({
      name: "finding", head: `Found${note.task ? ` in task ${note.task}` : ""}`, text: note.text,
      links: [
        note.began_at !== null ? ["Where it began", () => this.go("step", note.began_at)] : null,
        note.at !== null ? ["Where it was found", () => this.go("step", note.at)] : null,
      ].filter(Boolean),
    }));
  }

  // The same thing again and again is one entry.
  others() {
    const same = new Map();
    for (const row of this.rows) {
      if (!ORDER.includes(row.mark)) continue;
      const key = `${row.mark} ${row.task ?? row.agent} ${row.text}`;
      if (!same.has(key)) same.set(key, { row, times: 0 });
      same.get(key).times += 1;
    }
    const sorted = [...same.values()].sort((a, b) => ORDER.indexOf(a.row.mark) - ORDER.indexOf(b.row.mark));
    return sorted.map(({ row, times }) => {
      const [name, words] = marked(row);
      const whose = row.task ? `task ${row.task}` : `agent a${row.agent}`;
      const what = row.kind === "call" ? `A call was ${words === "failed" ? "made and failed" : words}` : row.kind === "check" ? "A check does not hold" : row.mark === "sent_back" ? "A reply was sent back" : "A turn went wrong";
      return { name, head: `${what}, ${whose}${times > 1 ? `, ${times} times` : ""}`, text: row.text, links: [["Look at it", () => this.go("step", row.at)]] };
    });
  }
}

function card(entry) {
  return el("li", { class: `card s-${entry.name}` }, el("h3", null, sign(entry.name), entry.head), el("p", { class: "text" }, entry.text),
    el("p", { class: "links" }, entry.links.map(([words, act]) => button(words, act, { class: "linked" }))));
}
