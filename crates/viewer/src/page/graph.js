// The tasks as a graph: columns from left to right, an arrow from each task to those that wait for
// it. Where tasks stand is the server's word, and stays while they only change their state. Of many
// tasks those of one column and state are drawn as one, which can be opened.

import { atMost, button, count, el, put, sign, stateWords, svg } from "/page/dom.js";

const WIDE = 190;
const HIGH = 46;
const ACROSS = 64;
const DOWN = 14;
const EDGE = 24;
const ALONE_MAX = 300;
const GROUP_MIN = 6;
const OPENED_MAX = 300;
const ARROWS_MAX = 4000;
const TALL = 14;
const STATES = ["failed", "running", "waiting", "done", "dropped"];

export class Graph {
  constructor(picked) {
    this.picked = picked;
    this.tasks = [];
    this.layers = [];
    this.edges = [];
    this.opened = new Set();
    this.scale = 1;
    this.chosen = null;
    this.nodes = [];
    this.box = el("div", { class: "graph-box" });
    this.words = el("p", { class: "hint", role: "status" });
    this.node = el("div", { class: "graph" },
      el("div", { class: "tools" },
        button("−", () => this.zoomed(0.8), { "aria-label": "Smaller" }),
        button("+", () => this.zoomed(1.25), { "aria-label": "Larger" }),
        button("Fit", () => this.fitted()), button("Close all groups", () => this.closeAll(), { class: "closing" }), this.words,
        el("span", { class: "legend" }, STATES.map((state) => el("span", { class: `s-${state}` }, sign(state), state)))),
      this.box);
    this.soon = atMost(250, () => this.drawSeen());
    this.byHand = false;
    new ResizeObserver(() => this.byHand || this.fit()).observe(this.box);
    this.node.addEventListener("keydown", (event) => this.key(event));
  }

  // What is not seen is not drawn; it is drawn when its tab is opened.
  drawSeen() {
    if (this.box.offsetParent !== null) this.draw();
  }

  /** Tasks by their numbers, and where they stand if that has changed. */
  take(tasks, drawing) {
    this.tasks = tasks;
    if (drawing) {
      // Another graph is drawn at once, what changes in it now and then.
      this.layers = Array.from({ length: drawing.columns }, () => []);
      drawing.nodes.forEach(({ column, row }, at) => { this.layers[column][row] = at; });
      this.edges = drawing.edges;
      this.drawSeen();
    } else if (this.layers.length > 0) {
      this.soon();
    }
  }

  closeAll() {
    this.opened.clear();
    this.draw();
  }

  /** What is drawn: tasks, and groups of tasks; and as what each task is. */
  items() {
    const many = this.tasks.length > ALONE_MAX;
    const as = [];
    const drawn = this.layers.map((layer, column) => {
      const own = layer.filter((at) => this.tasks[at]);
      const groups = new Map();
      for (const at of own) {
        const { state } = this.tasks[at];
        if (!groups.has(state)) groups.set(state, { key: `${column}/${state}`, group: [], state, column, shown: 0 });
        groups.get(state).group.push(at);
      }
      const items = [];
      for (const at of own) {
        const task = this.tasks[at];
        const item = groups.get(task.state);
        const apart = !many || item.group.length < GROUP_MIN || (this.opened.has(item.key) && item.shown < OPENED_MAX);
        if (apart) items.push({ key: task.id, task, column });
        else if (!item.listed) items.push(item);
        if (apart) item.shown += 1;
        else item.listed = true;
        as[at] = apart ? task.id : item.key;
      }
      return items;
    });
    return { drawn, as };
  }

  draw() {
    const focus = this.box.contains(document.activeElement) ? document.activeElement.getAttribute("data-key") : null;
    const { drawn, as } = this.items();
    const tallest = Math.max(0, ...drawn.map((items) => items.length));
    const width = 2 * EDGE + drawn.length * (WIDE + ACROSS) - ACROSS;
    const height = 2 * EDGE + tallest * (HIGH + DOWN) - DOWN;
    this.size = [Math.max(width, 1), Math.max(height, 1)];
    const places = new Map();
    drawn.forEach((items, x) => items.forEach((item, y) => {
      const free = tallest > TALL ? 0 : (tallest - items.length) * (HIGH + DOWN) / 2;
      places.set(item.key, [EDGE + x * (WIDE + ACROSS), EDGE + free + y * (HIGH + DOWN)]);
    }));
    this.columns = drawn;
    this.nodes = drawn.flat();
    const arrows = this.arrows(as, places);
    const picture = svg("svg", { role: "group", "aria-label": "Tasks; arrow keys go from one to the next, Enter opens one" },
      svg("defs", null, svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
        svg("path", { class: "tip", d: "M0 0L8 4L0 8z" }))),
      svg("g", { class: "arrows" }, arrows),
      this.nodes.map((item) => this.item(item, places.get(item.key))));
    put(this.box, this.tasks.length === 0 ? el("p", { class: "empty" }, "There is no plan yet.") : picture);
    this.picture = picture;
    const many = this.tasks.length > ALONE_MAX;
    this.node.classList.toggle("many", many);
    put(this.words, many ? `${count(this.tasks.length, "task")}; groups open when they are chosen` : "");
    if (this.byHand) this.zoom(this.scale);
    else this.fit();
    if (focus) this.focus(focus);
  }

  arrows(as, places) {
    const seen = new Set();
    const arrows = [];
    for (const [first, second] of this.edges) {
      const [from, to] = [as[first], as[second]];
      const key = `${from}>${to}`;
      if (from === to || seen.has(key) || arrows.length >= ARROWS_MAX) continue;
      seen.add(key);
      const [a, b] = [places.get(from), places.get(to)];
      if (a && b) arrows.push(svg("path", { d: this.way(a, b, places), "marker-end": "url(#tip)" }));
    }
    return arrows;
  }

  // From one task to another; through the columns between them it goes where no task stands.
  way([fromX, fromY], [toX, toY], places) {
    const [x1, y1, x2, y2] = [fromX + WIDE, fromY + HIGH / 2, toX, toY + HIGH / 2];
    let [x, y, path] = [x1, y1, `M${x1} ${y1}`];
    const bendTo = (nextX, nextY) => {
      const bend = (nextX - x) / 2;
      path += `C${x + bend} ${y} ${nextX - bend} ${nextY} ${nextX} ${nextY}`;
      [x, y] = [nextX, nextY];
    };
    for (let column = Math.round((fromX - EDGE) / (WIDE + ACROSS)) + 1; EDGE + column * (WIDE + ACROSS) < toX; column += 1) {
      const left = EDGE + column * (WIDE + ACROSS);
      const own = this.columns[column];
      const top = own.length > 0 ? places.get(own[0].key)[1] - DOWN / 2 : 0;
      const straight = y1 + (y2 - y1) * (left - x1) / (x2 - x1);
      const row = Math.min(own.length, Math.max(0, Math.round((straight - top) / (HIGH + DOWN))));
      bendTo(left, own.length > 0 ? top + row * (HIGH + DOWN) : straight);
      x += WIDE;
      path += `H${x}`;
    }
    bendTo(x2, y2);
    return path;
  }

  item(item, [x, y]) {
    const state = item.task?.state ?? item.state;
    const title = item.task ? item.task.title || item.task.id : count(item.group.length, "task");
    const id = item.task ? item.task.id : `column ${item.column + 1}`;
    const notes = item.task ? flags(item.task) : [];
    const label = `${id}, ${title}, ${stateWords(state)}${notes.map(([, , words]) => `, ${words}`).join("")}`;
    const first = this.nodes[0] === item;
    const picture = sign(state);
    const place = { x: 8, y: 8, width: 15, height: 15 };
    for (const [name, value] of Object.entries(place)) picture.setAttribute(name, value);
    return svg("g", {
      class: `task s-${state}${item.group ? " group" : ""}${item.key === this.chosen ? " chosen" : ""}`,
      transform: `translate(${x} ${y})`, tabindex: first || item.key === this.chosen ? 0 : -1, role: "button",
      "aria-label": label, "data-key": item.key, on: { click: () => this.choose(item) },
    },
    svg("title", null, label),
    item.group ? svg("rect", { class: "behind", x: 4, y: -4, width: WIDE, height: HIGH, rx: 6 }) : null,
    svg("rect", { class: "card", width: WIDE, height: HIGH, rx: state === "done" ? 14 : state === "failed" ? 0 : 6 }),
    picture,
    svg("text", { class: "id", x: 29, y: 20 }, shorter(id, 14)),
    svg("text", { class: "state", x: WIDE - 8 - notes.length * 18, y: 20, "text-anchor": "end" }, stateWords(state)),
    svg("text", { class: "title", x: 10, y: 37 }, shorter(title, 29)),
    notes.map(([name, , words], at) => {
      const flag = sign(name);
      flag.setAttribute("x", WIDE - 22 - at * 18);
      flag.setAttribute("y", 8);
      flag.setAttribute("width", 15);
      flag.setAttribute("height", 15);
      flag.append(svg("title", null, words));
      return flag;
    }));
  }

  choose(item) {
    if (item.group) {
      if (!this.opened.delete(item.key)) this.opened.add(item.key);
      this.draw();
      this.focus(this.tasks[item.group[0]].id);
      return;
    }
    this.choosing(item.key);
    this.picked(item.key);
  }

  /** Marks a task as the one that is looked at. */
  choosing(id) {
    this.chosen = id;
    for (const node of this.box.querySelectorAll(".task")) {
      const is = node.getAttribute("data-key") === id;
      node.classList.toggle("chosen", is);
      if (is) node.setAttribute("aria-current", "true");
      else node.removeAttribute("aria-current");
    }
  }

  zoom(scale) {
    this.scale = Math.min(3, Math.max(0.15, scale));
    if (!this.size || !this.picture) return;
    const [width, height] = this.size;
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.picture.setAttribute("width", Math.round(width * this.scale));
    this.picture.setAttribute("height", Math.round(height * this.scale));
  }

  /** Zooms as a person wants it; from then on the size of the window does not matter. */
  zoomed(by) {
    this.byHand = true;
    this.zoom(this.scale * by);
  }

  fitted() {
    this.byHand = false;
    this.fit();
  }

  fit() {
    if (!this.size || this.box.clientWidth === 0) return;
    const [width, height] = this.size;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const room = parseFloat(getComputedStyle(this.box).maxHeight) || this.box.clientHeight;
    const whole = Math.min((this.box.clientWidth - 4) / width, (room - 4) / height);
    this.zoom(Math.min(rem / 12, Math.max(rem / 25, whole)));
  }

  focus(key) {
    const node = this.box.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!node) return;
    for (const other of this.box.querySelectorAll('.task[tabindex="0"]')) other.setAttribute("tabindex", -1);
    node.setAttribute("tabindex", 0);
    node.focus();
    node.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  key(event) {
    if (event.key === "+" || event.key === "-") this.zoomed(event.key === "+" ? 1.25 : 0.8);
    const key = document.activeElement?.getAttribute("data-key");
    const item = this.nodes.find((it) => it.key === key);
    if (!item) return;
    const own = this.columns[item.column];
    const row = own.indexOf(item);
    const beside = (x) => {
      const them = this.columns[item.column + x] ?? [];
      return them[Math.min(them.length - 1, Math.round(row * them.length / own.length))];
    };
    const to = { ArrowDown: own[row + 1], ArrowUp: own[row - 1], ArrowRight: beside(1), ArrowLeft: beside(-1) }[event.key];
    if (to) this.focus(to.key);
    else if (event.key === "Enter" || event.key === " ") this.choose(item);
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
  }
}

// What is worth a flag on a task, with its sign and words.
function flags(task) {
  const all = [];
  if (task.findings > 0) all.push(["finding", "s-finding", count(task.findings, "finding")]);
  if (task.refused > 0) all.push(["refused", "s-refused", `${count(task.refused, "call")} refused`]);
  return all;
}

function shorter(text, most) {
  const letters = [...String(text).replace(/\s+/g, " ")];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
}
