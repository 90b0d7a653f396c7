// The list of runs.

import { ago, badge, count, el, money, number, put } from "/page/dom.js";

export class RunsView {
  constructor() {
    this.lines = [];
    this.known = "";
    this.words = el("input", {
      type: "search", placeholder: "Find a run by its goal, name or state", "aria-label": "Find a run",
      maxlength: 200, on: { input: () => this.draw() },
    });
    this.trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    this.title = el("h1", { id: "runs-head" }, "Runs of this project");
    this.body = el("tbody");
    this.note = el("p", { class: "empty", role: "status" }, "Reading the runs of the project…");
    const heads = ["State", "Goal", "Tasks done", "Tokens", "Begun", "Waits for a person"];
    this.table = el("table", { class: "runs", hidden: true },
      el("thead", null, el("tr", null, heads.map((head) => el("th", { scope: "col" }, head)))), this.body);
    this.node = el("section", { class: "page", "aria-labelledby": "runs-head" },
      el("div", { class: "row" }, this.title, this.words),
      this.trouble, this.note, this.table);
    this.node.addEventListener("keydown", (event) => this.key(event));
  }

  take(message) {
    this.lines = message.runs;
    put(this.title, message.title);
    this.trouble.hidden = !message.trouble;
    put(this.trouble, message.trouble ?? "");
    this.draw();
  }

  draw() {
    const words = this.words.value.trim().toLowerCase();
    const fits = (line) => `${line.run} ${line.state} ${line.goal}`.toLowerCase().includes(words);
    const lines = this.lines.filter(fits);
    this.table.hidden = lines.length === 0;
    this.note.hidden = lines.length > 0;
    put(this.note, this.lines.length === 0
      ? "There are no runs in this project yet. Begin one with: leadhand run \"what is to be done\""
      : "No run fits these words.");
    const known = JSON.stringify(lines) + Math.floor(Date.now() / 10000);
    if (known === this.known) return;
    this.known = known;
    const at = document.activeElement?.getAttribute?.("data-run");
    put(this.body, lines.map(row));
    if (at) this.body.querySelector(`a[data-run="${CSS.escape(at)}"]`)?.focus();
  }

  key(event) {
    const links = [...this.body.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || links.length === 0) return;
    event.preventDefault();
    links[Math.min(links.length - 1, Math.max(0, at + step))].focus();
  }
}

function row(line) {
  const part = line.tasks > 0 ? line.tasks_done / line.tasks : 0;
  const spent = line.micro_usd > 0 ? `${number(line.tokens)}, ${money(line.micro_usd)}` : number(line.tokens);
  return el("tr", { class: line.live ? "live" : "" },
    el("td", { "data-head": "State" }, badge(line.state)),
    el("td", { "data-head": "Goal", class: "goal" },
      el("a", { href: `#/run/${line.run}`, "data-run": line.run }, line.goal || "(no goal)"),
      el("span", { class: "id" }, line.run)),
    el("td", { "data-head": "Tasks done" }, line.state === "trace" ? count(line.tasks, "part") : line.tasks === 0 ? "no plan yet" : [
      el("progress", { max: 1, value: part, "aria-hidden": "true" }), ` ${line.tasks_done} of ${line.tasks}`]),
    el("td", { "data-head": "Tokens", class: "figure" }, spent),
    el("td", { "data-head": "Begun" }, line.started_ms > 0 ? ago(line.started_ms) : "unknown"),
    el("td", { "data-head": "Waits for a person" }, line.questions > 0
      ? el("strong", { class: "s-asked" }, count(line.questions, "question")) : "no"));
}
