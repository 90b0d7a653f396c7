// What to look at first: tasks that failed, calls that were refused or failed, what was found.

import { ask } from "/page/api.js";
import { atMost, button, count, el, merged, put, sign } from "/page/dom.js";
import { marked } from "/page/list.js";

const SHOWN_MAX = 8;
const LOOKED_AT = 200;
const LINKS_MAX = 5;
const ORDER = ["refused", "failed", "fault", "sent_back", "holds_not"];
const WHAT = {
  refused: "A call was refused", failed: "A call failed", fault: "A turn went wrong",
  sent_back: "A reply was sent back", holds_not: "A check does not hold",
};

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

  // Tasks that failed for the same reason are one entry.
  failed() {
    const same = new Map();
    for (const task of this.store.tasks) {
      if (task?.state !== "failed") continue;
      if (!same.has(task.why)) same.set(task.why, []);
      same.get(task.why).push(task);
    }
    return [...same.values()].map((tasks) => ({
      name: "failed", head: tasks.length === 1 ? `Task ${tasks[0].id} failed` : `${count(tasks.length, "task")} failed`, text: tasks[0].why,
      links: tasks.length === 1 ? [["Look at the task", () => this.go("task", tasks[0].id)]]
        : tasks.slice(0, LINKS_MAX).map((task) => [task.id, () => this.go("task", task.id)]),
    }));
  }

  found() {
    return merged(this.store.notes.filter((it) => it.kind === "finding")).map(({ note, times }) => ({
      name: "finding", head: `Found${note.task ? ` in task ${note.task}` : ""}${times > 1 ? `, told ${times} times` : ""}`, text: note.text,
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
      const key = `${row.mark} ${row.text}`;
      if (!same.has(key)) same.set(key, { row, times: 0, tasks: new Set() });
      const one = same.get(key);
      one.times += 1;
      one.tasks.add(row.task ? `task ${row.task}` : `agent a${row.agent}`);
    }
    const sorted = [...same.values()].sort((a, b) => ORDER.indexOf(a.row.mark) - ORDER.indexOf(b.row.mark));
    return sorted.map(({ row, times, tasks }) => {
      const [name] = marked(row);
      const whose = tasks.size === 1 ? [...tasks][0] : `${tasks.size} tasks`;
      return { name, head: `${WHAT[row.mark]}, ${whose}${times > 1 ? `, ${times} times` : ""}`, text: row.text, links: [["Look at it", () => this.go("step", row.at)]] };
    });
  }
}

function card(entry) {
  return el("li", { class: `card s-${entry.name}` }, el("h3", null, sign(entry.name), entry.head), el("p", { class: "text" }, entry.text),
    el("p", { class: "links" }, entry.links.map(([words, act]) => button(words, act, { class: "linked" }))));
}
