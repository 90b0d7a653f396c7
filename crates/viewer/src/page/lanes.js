// Who did what when: a lane for each agent, drawn for the part of time that is looked at. Only the
// lanes that are seen are asked for and drawn.

import { ask } from "/page/api.js";
import { atMost, button, el, lasted, put } from "/page/dom.js";

const MARKS = ["model", "tool", "person", "bad", "waits"];
const WORDS = { model: "the model thinks", tool: "a tool works", person: "a person is asked", bad: "failed or refused", waits: "waits" };

export class Lanes {
  constructor(run, pickedAgent, pickedStep) {
    Object.assign(this, { run, pickedAgent, pickedStep });
    this.agents = [];
    this.lanes = new Map();
    this.at = 0;
    this.range = null;
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.names = el("div", { class: "lane-names" });
    this.scroll = el("div", {
      class: "lanes", tabindex: 0, role: "listbox", "aria-label": "Agents in the order in which they began; arrow keys up and down choose, left and right move in time, + and - zoom",
      on: { scroll: () => this.soon(), keydown: (event) => this.key(event) },
    }, el("div", { class: "lane-space" }, this.names, this.canvas));
    this.words = el("span", { class: "hint", role: "status" });
    this.node = el("div", { class: "lanes-box" },
      el("div", { class: "tools" },
        button("−", () => this.zoom(2), { "aria-label": "Show more time" }),
        button("+", () => this.zoom(0.5), { "aria-label": "Show less time" }),
        button("←", () => this.move(-0.25), { "aria-label": "Earlier" }),
        button("→", () => this.move(0.25), { "aria-label": "Later" }),
        button("All", () => this.all()), button("The chosen one", () => this.around()), this.words,
        el("span", { class: "legend" }, MARKS.map((mark) => el("span", null, this.mark(mark), WORDS[mark])))),
      this.scroll);
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.soon = atMost(60, () => this.draw());
    this.fetchSoon = atMost(350, () => this.fetch());
    new ResizeObserver(() => this.soon()).observe(this.scroll);
    window.addEventListener("theme", this.soon);
  }

  close() {
    window.removeEventListener("theme", this.soon);
  }

  // A piece of the legend, drawn as in the lanes.
  mark(name) {
    const canvas = el("canvas", { class: "mark", width: 44, height: 28, "aria-hidden": "true" });
    requestAnimationFrame(() => {
      const pen = canvas.getContext("2d");
      pen.scale(2, 2);
      drawBar(pen, name, 1, 1, 20, 12, inks(canvas));
    });
    return canvas;
  }

  take(agents, head) {
    this.agents = agents;
    this.head = head;
    this.fetchSoon();
  }

  row() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return Math.round(rem * 1.7);
  }

  span() {
    const [from, to] = [this.head?.began_ms ?? 0, Math.max((this.head?.began_ms ?? 0) + 1, this.head?.ended_ms ?? 1)];
    return this.range ?? [from, to];
  }

  all() {
    this.range = null;
    this.fetchSoon();
  }

  /** The time in which the chosen agent was there. */
  around() {
    const agent = this.agents[this.at];
    if (!agent) return;
    const end = agent.ended_ms ?? this.head.ended_ms;
    const room = Math.max(2, (end - agent.began_ms) / 20);
    this.set(agent.began_ms - room, end + room);
  }

  zoom(by) {
    const [from, to] = this.span();
    const [middle, half] = [(from + to) / 2, Math.max(2, (to - from) * by / 2)];
    this.set(middle - half, middle + half);
  }

  move(part) {
    const [from, to] = this.span();
    this.set(from + (to - from) * part, to + (to - from) * part);
  }

  set(from, to) {
    const [first, last] = [this.head.began_ms, Math.max(this.head.began_ms + 1, this.head.ended_ms)];
    const length = Math.min(to - from, last - first);
    const begin = Math.min(Math.max(from, first), last - length);
    this.range = length >= last - first ? null : [Math.round(begin), Math.round(begin + length)];
    this.fetchSoon();
  }

  seen() {
    const row = this.row();
    const from = Math.max(0, Math.floor(this.scroll.scrollTop / row) - 2);
    return this.agents.slice(from, from + Math.ceil(this.scroll.clientHeight / row) + 4).map((agent, nth) => [from + nth, agent]);
  }

  async fetch() {
    this.draw();
    const agents = this.seen().map(([, agent]) => agent.agent);
    if (agents.length === 0 || this.scroll.clientHeight === 0) return;
    const [from, to] = this.span();
    try {
      const answer = await ask(this.run, "lanes", { agents: agents.join(","), from_ms: from, to_ms: to, pixels: Math.max(100, this.canvas.clientWidth) });
      this.lanes = new Map(answer.lanes.map((lane) => [lane.agent, lane.bars]));
    } catch {
      return;
    }
    this.draw();
  }

  draw() {
    if (this.scroll.clientHeight === 0 || !this.head) return;
    const row = this.row();
    const top = this.scroll.scrollTop;
    this.node.querySelector(".lane-space").style.height = `${Math.max(1, this.agents.length) * row}px`;
    const seen = this.seen();
    put(this.names, this.agents.length === 0 ? el("p", { class: "empty" }, "No agent has begun yet.") : seen.map(([nth, agent]) => this.name(nth, agent, row)));
    this.scroll.setAttribute("aria-activedescendant", this.agents.length > 0 ? `lane-${this.run}-${this.at}` : "");
    const [width, height] = [this.canvas.clientWidth, this.scroll.clientHeight];
    const dots = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, width * dots);
    this.canvas.height = Math.max(1, height * dots);
    this.canvas.style.height = `${height}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(dots, dots);
    const ink = inks(this.canvas);
    const [from, to] = this.span();
    const x = (ms) => (ms - from) / (to - from) * (width - 8) + 4;
    const missing = seen.some(([, agent]) => !this.lanes.has(agent.agent));
    for (const [nth, agent] of seen) {
      const y = nth * row - top;
      if (nth === this.at) {
        pen.fillStyle = ink.chosen;
        pen.fillRect(0, y, width, row);
      }
      const end = agent.ended_ms ?? this.head.ended_ms;
      drawBar(pen, "waits", x(agent.began_ms), y + 4, Math.max(2, x(end) - x(agent.began_ms)), row - 8, ink);
      const bars = this.lanes.get(agent.agent) ?? [];
      // What went wrong is drawn last and wide enough to be seen.
      for (const bad of [false, true]) {
        for (const [kind, began, ended] of bars.filter((bar) => (bar[0] === "bad") === bad)) {
          drawBar(pen, kind, x(began), y + 4, Math.max(bad ? 9 : 2, x(ended) - x(began)), row - 8, ink);
        }
      }
    }
    put(this.words, `${lasted(Math.round(from - this.head.began_ms))} to ${lasted(Math.round(to - this.head.began_ms))}`);
    if (missing && !this.waiting) {
      this.waiting = setTimeout(() => {
        this.waiting = null;
        this.fetch();
      }, 150);
    }
  }

  name(nth, agent, row) {
    const what = agent.task ?? agent.purpose;
    const node = el("div", {
      class: `lane-name${nth === this.at ? " chosen" : ""}${agent.failed ? " s-failed" : ""}`, id: `lane-${this.run}-${nth}`, role: "option",
      "aria-selected": nth === this.at ? "true" : "false", "aria-setsize": this.agents.length, "aria-posinset": nth + 1,
      title: `a${agent.agent} ${agent.role}: ${agent.purpose}`, on: { click: () => this.choose(nth) },
    }, el("b", null, what), ` a${agent.agent} ${agent.role || "no model"}${agent.attempt > 1 ? `, attempt ${agent.attempt}` : ""}${agent.failed ? " ✕ gave up" : ""}`);
    node.style.top = `${nth * row}px`;
    node.style.height = `${row}px`;
    return node;
  }

  choose(nth) {
    if (nth < 0 || nth >= this.agents.length) return;
    this.at = nth;
    const row = this.row();
    if (nth * row < this.scroll.scrollTop) this.scroll.scrollTop = nth * row;
    if ((nth + 1) * row > this.scroll.scrollTop + this.scroll.clientHeight) this.scroll.scrollTop = (nth + 1) * row - this.scroll.clientHeight;
    this.draw();
    this.pickedAgent(this.agents[nth].agent);
  }

  click(event) {
    const box = this.canvas.getBoundingClientRect();
    const nth = Math.floor((event.clientY - box.top + this.scroll.scrollTop) / this.row());
    const agent = this.agents[nth];
    if (!agent) return;
    this.at = nth;
    const [from, to] = this.span();
    const ms = from + (event.clientX - box.left - 4) / (this.canvas.clientWidth - 8) * (to - from);
    const slack = (to - from) / this.canvas.clientWidth * 3;
    const bar = (this.lanes.get(agent.agent) ?? []).find(([, began, ended]) => ms >= began - slack && ms <= ended + slack);
    this.draw();
    if (bar && bar[3] !== null) this.pickedStep(bar[3]);
    else this.pickedAgent(agent.agent);
  }

  key(event) {
    const act = {
      ArrowDown: () => this.choose(this.at + 1), ArrowUp: () => this.choose(this.at - 1), ArrowLeft: () => this.move(-0.25),
      ArrowRight: () => this.move(0.25), "+": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.all(), z: () => this.around(), Enter: () => this.choose(this.at),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

function inks(node) {
  const style = getComputedStyle(node);
  const ink = (name) => style.getPropertyValue(`--${name}`).trim();
  return { model: ink("running"), tool: ink("tool"), person: ink("asked"), bad: ink("failed"), waits: ink("line"), chosen: ink("chosen"), ground: ink("ground") };
}

// Each kind has a shape of its own beside its colour.
function drawBar(pen, kind, x, y, width, height, ink) {
  pen.fillStyle = ink[kind];
  pen.strokeStyle = ink[kind];
  pen.lineWidth = 1.5;
  if (kind === "waits") pen.fillRect(x, y + height / 2 - 1, width, 2);
  else if (kind === "model") pen.fillRect(x, y, width, height);
  else if (kind === "tool") pen.fillRect(x, y + height / 4, width, height / 2);
  else if (kind === "person") {
    pen.strokeRect(x + 0.75, y + 0.75, Math.max(1, width - 1.5), height - 1.5);
    for (let at = x + 4; at < x + width; at += 5) pen.fillRect(at, y + 2, 1, height - 4);
  } else {
    pen.fillRect(x, y, width, height);
    pen.strokeStyle = ink.ground;
    pen.beginPath();
    const middle = x + width / 2;
    const arm = Math.min(width, height) / 2 - 1;
    pen.moveTo(middle - arm, y + height / 2 - arm);
    pen.lineTo(middle + arm, y + height / 2 + arm);
    pen.moveTo(middle + arm, y + height / 2 - arm);
    pen.lineTo(middle - arm, y + height / 2 + arm);
    pen.stroke();
  }
}
