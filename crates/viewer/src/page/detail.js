// What is chosen, in full: something that happened, a task, or an agent.

import { ask } from "/page/api.js";
import { atMost, badge, button, count, el, lasted, merged, money, number, put, sign } from "/page/dom.js";
import { Happenings, marked } from "/page/list.js";
import { WholeText } from "/page/text.js";

const ORIGINS = {
  model: "the model wanted it", input: "an input of the task is read", output_file: "the task's output is written",
  template: "the task is this call", check: "a check of the output", undo: "it undoes another call",
};
const DECISIONS = { allow: "allowed", ask: "a person is asked", deny: "refused" };

export class Detail {
  constructor(run, go) {
    Object.assign(this, { run, go });
    this.what = null;
    // Lists and opened texts of what is shown, which stay when it is drawn anew.
    this.kept = new Map();
    this.soon = atMost(1000, () => this.look());
    this.body = el("div", { class: "detail-body" });
    this.node = el("aside", { class: "detail", "aria-label": "What is chosen", tabindex: -1 }, this.body);
    this.empty();
  }

  empty() {
    put(this.body, el("p", { class: "empty" }, "Choose a task, an agent or something that happened; it is shown here in full."));
  }

  /** Shows something; `what` is `step`, `task` or `agent`. */
  async show(what, id) {
    if (JSON.stringify([what, id]) !== this.text) this.kept.clear();
    this.what = [what, id];
    this.text = JSON.stringify(this.what);
    const mine = this.text;
    try {
      const answer = what === "step" ? await ask(this.run, "detail", { at: id })
        : what === "task" ? await ask(this.run, "task", { id }) : await ask(this.run, "agent", { id });
      if (mine !== this.text) return;
      this.last = JSON.stringify(answer);
      this.draw(what, id, answer);
    } catch (error) {
      if (mine === this.text) put(this.body, el("p", { class: "trouble", role: "alert" }, error.message));
    }
  }

  /** Looks again at what is shown, and draws it anew where it has changed. */
  again() {
    this.soon();
  }

  keeps(name, make) {
    if (!this.kept.has(name)) this.kept.set(name, make());
    return this.kept.get(name);
  }

  async look() {
    this.kept.get("list")?.again();
    if (!this.what || this.node.contains(document.activeElement) && document.activeElement !== this.node) return;
    const [what, id] = this.what;
    const mine = this.text;
    try {
      const answer = what === "step" ? await ask(this.run, "detail", { at: id })
        : what === "task" ? await ask(this.run, "task", { id }) : await ask(this.run, "agent", { id });
      const now = JSON.stringify(answer);
      if (mine !== this.text || now === this.last) return;
      this.last = now;
      this.draw(what, id, answer);
    } catch {
      // What is shown stays; the line of the connection says why.
    }
  }

  draw(what, id, answer) {
    const scrolled = [this.node.scrollTop, this.kept.get("list")?.node.scrollTop ?? 0];
    const parts = what === "step" ? this.step(id, answer) : what === "task" ? this.task(answer) : this.agent(id, answer);
    const up = button("Back up", () => this.node.previousElementSibling?.scrollIntoView({ block: "start" }), { class: "up" });
    put(this.body, up, parts);
    const known = JSON.stringify(this.what) === this.drawn;
    this.drawn = JSON.stringify(this.what);
    this.node.scrollTop = known ? scrolled[0] : 0;
    if (known && this.kept.has("list")) this.kept.get("list").node.scrollTop = scrolled[1];
    if (known) return;
    if (window.matchMedia("(max-width: 60rem)").matches) this.node.scrollIntoView({ block: "start" });
  }

  toStep(place, words) {
    return place === null || place === undefined ? null : button(words, () => this.go("step", place), { class: "linked" });
  }

  toAgent(row) {
    return button(`a${row.agent} ${row.role || "no model"}`, () => this.go("agent", row.agent), { class: "linked" });
  }

  toTask(id) {
    return id ? button(`task ${id}`, () => this.go("task", id), { class: "linked" }) : null;
  }

  // Where it began is not led to from there.
  finding({ note, times }, here) {
    return el("li", { class: "s-finding" }, sign("finding"), el("div", null, el("p", null, note.text, times > 1 ? ` (told ${times} times)` : ""),
      el("p", { class: "links" }, here ? null : this.toStep(note.began_at, "Where it began"), this.toStep(note.at, "Where it was found"))));
  }

  findings(notes) {
    return notes.length === 0 ? null : el("section", null, el("h3", null, "What was found"), el("ul", { class: "findings" }, merged(notes).map((one) => this.finding(one))));
  }

  task(task) {
    const list = this.keeps("list", () => new Happenings(this.run, `What happened in task ${task.id}`, (place) => this.go("step", place, true), { task: task.id }));
    list.node.classList.add("short");
    list.has(0, task.began_ms ?? 0);
    return [
      el("h2", null, el("span", { class: "kind" }, "Task "), task.id, " ", badge(task.state)),
      el("p", { class: "lead" }, task.title),
      task.why ? el("section", { class: "why s-failed" }, el("h3", null, "Why it failed"), long(task.why)) : null,
      this.findings(task.findings),
      facts([
        ["Worker", task.worker], [task.foreign ? "Within" : "Waits for", task.after.length === 0 ? "nothing" : task.after.map((id) => this.toTask(id))],
        ["Took", task.began_ms ? lasted((task.ended_ms ?? Date.now()) - task.began_ms) : "has not begun"],
        ["Spent", spent(task.spent)], ["Output", task.artifact ? `${task.artifact}${task.file ? ` in ${task.file}` : ""}` : task.foreign ? null : "none"],
        ["Made from", task.sources.filter((it) => it !== "user").join(", ") || null], ["Since", task.revision > 0 ? `revision ${task.revision} of the plan` : null],
      ]),
      task.instruction ? el("section", null, el("h3", null, "What it says is to be done"), long(task.instruction)) : null,
      task.state === "waiting" ? el("p", { class: "links" }, button("Change this task…", () => this.go("change", task.id), { class: "linked" })) : null,
      el("section", null, el("h3", null, "Who worked at it"),
        task.agents.length === 0 ? el("p", { class: "empty" }, "Nobody yet.") : el("ul", { class: "plain" }, task.agents.map((agent) => el("li", null,
          this.toAgent(agent.row), ` attempt ${agent.row.attempt}, ${count(agent.turns, "turn")}, ${count(agent.tool_calls, "tool call")}`,
          agent.failure ? el("p", { class: "s-failed" }, `gave up: ${agent.failure}`) : null))),
        task.agents_left_out > 0 ? el("p", null, `and ${number(task.agents_left_out)} more`) : null),
      el("section", null, el("h3", null, "What happened"), list.node),
    ];
  }

  agent(id, agent) {
    const row = agent.row;
    const list = this.keeps("list", () => new Happenings(this.run, `What agent a${id} did and was told`, (place) => this.go("step", place, true), { agent: id }));
    list.node.classList.add("short");
    list.has(0, row.began_ms);
    return [
      el("h2", null, el("span", { class: "kind" }, "Agent "), `a${id} ${row.role || "no model"}`),
      agent.failure ? el("section", { class: "why s-failed" }, el("h3", null, "Why it gave up"), long(agent.failure)) : null,
      this.findings(agent.findings),
      facts([
        ["Is there for", row.task ? this.toTask(row.task) : row.purpose], ["Attempt", row.attempt],
        ["Took", row.ended_ms ? lasted(row.ended_ms - row.began_ms) : "is at work"], ["Spent", spent(agent.spent)],
        ["Tools", agent.tools ? agent.tools.join(", ") || "none" : null],
      ]),
      row.role ? el("section", null, el("h3", null, "What the model was told at the beginning"),
        this.keeps("opening", () => new WholeText(this.run, { agent: id, part: "opening" }, "Show it")).node,
        agent.prompt ? el("details", null, el("summary", null, "Who it is told to be (the prompt of its role)"), long(agent.prompt)) : null) : null,
      el("section", null, el("h3", null, "What it did and was told"), list.node),
    ];
  }

  step(at, answer) {
    const { row } = answer;
    const [name, words] = marked(row);
    const head = [
      el("h2", null, el("span", { class: `badge s-${name}` }, sign(name), words), " ", title(answer)),
      el("p", { class: "links" }, answer.agent ? this.toAgent(answer.agent) : row.agent !== null && row.agent !== undefined ? button(`agent a${row.agent}`, () => this.go("agent", row.agent), { class: "linked" }) : null,
        this.toTask(row.task), el("span", { class: "id" }, `record ${row.seq}`), row.ms ? el("span", { class: "id" }, new Date(row.ms).toLocaleString()) : null),
    ];
    const end = el("section", null, el("h3", null, "The record in the journal"), this.keeps("record", () => new WholeText(this.run, { at, part: "record" }, "Show it as it is")).node);
    if (answer.note) {
      return [head, el("section", { class: row.mark === "finding" ? "why s-finding" : "" }, long(answer.note.text)),
        el("p", { class: "links" }, this.toStep(answer.note.began_at, "Where it began")), end];
    }
    const began = answer.findings.length === 0 ? null : el("section", { class: "why s-finding" }, el("h3", null, "Here began what was found later"), el("ul", { class: "findings" }, merged(answer.findings).map((one) => this.finding(one, true))));
    return [head, began, this.parts(at, answer.step, answer), end];
  }

  parts(at, step, answer) {
    if (step.step === "turn") return this.turn(at, step, answer);
    if (step.step === "call") return this.call(at, step);
    if (step.step === "told") {
      return [el("section", null, el("h3", null, "What the model was told"), long(step.text), this.whole(at, "told", step.text)),
        step.fault ? el("p", null, "It counts as a fault of its last reply.") : null];
    }
    if (step.step === "checked") {
      return el("section", { class: step.passed ? "" : "why s-failed" }, el("h3", null, step.passed ? "The check holds" : "The check does not hold"), long(step.evidence));
    }
    return el("section", null, long(step.text ?? ""));
  }

  turn(at, step, answer) {
    const told = answer.told ?? [];
    return [
      step.fault ? el("section", { class: "why s-failed" }, el("h3", null, "What was wrong"), long(step.fault)) : null,
      step.attempts_failed.length > 0 ? el("section", null, el("h3", null, "Attempts that failed"), el("ul", null, step.attempts_failed.map((it) => el("li", null, it)))) : null,
      el("section", null, el("h3", null, "What the model said"), step.text ? long(step.text) : el("p", { class: "empty" }, step.took_ms === null ? "No answer yet." : "Nothing in words: it called tools."), this.whole(at, "reply", step.text)),
      facts([["Model", step.model], ["Took", step.took_ms === null ? "no answer yet" : lasted(step.took_ms)],
        ["Tokens", `${number(step.usage.input_tokens)} in, ${number(step.usage.output_tokens)} out`], ["Cost", step.micro_usd > 0 ? money(step.micro_usd) : null]]),
      el("section", null, el("h3", null, "What the model was told before"),
        el("p", { class: "links" }, told.map((place, nth) => this.toStep(place, nth === 0 ? "What it was told last" : `${nth + 1} before`)),
          button("What it was told at the beginning", () => this.go("agent", answer.agent.agent), { class: "linked" }))),
    ];
  }

  call(at, step) {
    const refused = step.decision === "deny";
    const fault = step.result?.Err;
    const text = step.result?.Ok;
    const args = typeof step.arguments === "string" ? step.arguments : JSON.stringify(step.arguments, null, 2);
    return [
      el("section", { class: refused ? "why s-refused" : "" }, el("h3", null, "What the rules say"),
        el("p", null, el("b", null, DECISIONS[step.decision] ?? step.decision), step.because ? ": " : ""), step.because ? long(step.because) : null),
      el("section", null, el("h3", null, "With what it was called"), long(args), this.whole(at, "arguments", args)),
      fault ? el("section", { class: refused ? "" : "why s-failed" }, el("h3", null, refused ? "What the agent was told instead of a result" : "Why it failed"), long(fault.message), this.whole(at, "result", fault.message)) : null,
      text !== undefined ? el("section", null, el("h3", null, "What it brought"), text ? long(text) : el("p", { class: "empty" }, "Nothing."), this.whole(at, "result", text)) : null,
      step.result ? null : el("p", null, refused ? "It was not made." : "It is not finished."),
      facts([["Why it was called", ORIGINS[step.origin] ?? step.origin], ["Took", step.took_ms === null ? null : lasted(step.took_ms)], ["Id", step.call]]),
      reached("Files it changed", step.files.map((file) => `${file.change} ${file.path} (${count(file.bytes ?? 0, "byte")})`)),
      reached("What it asked of the network", step.requests.map((it) => `${it.method} ${it.url}: ${it.status === 0 ? "no answer" : `${it.status}, ${count(it.bytes, "byte")}`}`)),
      reached("What the sandbox refused it", step.refused.map((it) => `${it.capability} ${it.resource}`)),
    ];
  }

  whole(at, part, text) {
    return typeof text === "string" && text.endsWith("…") ? this.keeps(part, () => new WholeText(this.run, { at, part }, "Show the whole text")).node : null;
  }
}

function title(answer) {
  const step = answer.step;
  if (!step) return answer.note.kind === "finding" ? "A finding" : "";
  if (step.step === "call") return step.tool;
  if (step.step === "turn") return `turn ${step.turn}`;
  return "";
}

function reached(head, lines) {
  return lines.length === 0 ? null : el("section", null, el("h3", null, head), el("ul", { class: "plain code" }, lines.map((line) => el("li", null, line))));
}

function spent(it) {
  const parts = [`${number(it.usage.input_tokens + it.usage.output_tokens)} tokens`, count(it.turns, "turn"), count(it.tool_calls, "tool call")];
  return parts.concat(it.micro_usd > 0 ? [money(it.micro_usd)] : []).join(", ");
}

function facts(pairs) {
  const there = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, there.map(([name, value]) => [el("dt", null, name), el("dd", null, value)]));
}

/** A text of foreign origin, with its lines. */
export function long(text) {
  return el("pre", { tabindex: 0 }, text);
}
