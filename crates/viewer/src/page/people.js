// What a person does: answers questions, exactly as they were shown, and gives orders.

import { ask, order } from "/page/api.js";
import { button, el, put, sign } from "/page/dom.js";
import { long } from "/page/detail.js";

/** The questions of a run that are open. */
export class Questions {
  constructor(run) {
    this.run = run;
    this.shown = "";
    this.node = el("section", { class: "questions", "aria-label": "Questions for a person", hidden: true });
  }

  async look() {
    try {
      const { open } = await ask(this.run, "questions");
      this.draw(open);
    } catch (error) {
      this.none(error.message);
    }
  }

  /** There are none; or why nobody knows. */
  none(trouble) {
    this.shown = "";
    this.node.hidden = !trouble;
    put(this.node, trouble ? el("p", { class: "trouble", role: "alert" }, trouble) : null);
  }

  draw(open) {
    const now = open.map((one) => `${one.question} ${one.digest}`).join();
    if (now === this.shown) return;
    this.shown = now;
    this.node.hidden = open.length === 0;
    put(this.node, open.map((one) => this.question(one)));
  }

  question(one) {
    const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    const words = el("input", { type: "text", maxlength: 8000, "aria-label": "Words that go with the answer", placeholder: placeholder(one.ask) });
    const give = (say) => this.answer(one, say, words.value, trouble);
    return el("article", { class: "question" },
      el("h3", { class: "s-asked" }, sign("asked"), asked(one.ask)),
      shown(one.ask),
      el("details", null, el("summary", null, "All that is asked, as the run has it"), long(JSON.stringify(one.ask, null, 2))),
      el("p", { class: "id digest" }, `question q${one.question}, digest ${one.digest}`),
      words, el("div", { class: "tools" }, answers(one.ask).map(([say, text, style]) => button(text, () => give(say), { class: style }))), trouble);
  }

  async answer(one, say, text, trouble) {
    trouble.hidden = true;
    try {
      const given = await order(this.run, { order: "answer", question: one.question, digest: one.digest, say, text });
      this.shown = "";
      put(this.node, el("p", { role: "status" }, given.live ? "The answer counts." : `The answer is on record and counts when the run goes on: leadhand resume ${this.run}`));
      if (given.live) setTimeout(() => this.look(), 500);
    } catch (error) {
      trouble.hidden = false;
      put(trouble, error.message);
    }
  }
}

function asked(it) {
  switch (it.ask) {
    case "plan": return "May this plan be carried out?";
    case "tool": return "May this tool call be made?";
    case "outcome": return "Did this tool call take effect? Nobody knows, and it is not repeated by itself.";
    case "task": return "May this task begin?";
    case "finding": return "May this agent go on after what was found?";
    default: return "A person is asked";
  }
}


function shown(it) {
  const kind = it.ask;
  const call = it.tool_call ? [el("p", null, `${it.role} wants `, el("b", { class: "code" }, it.tool_call.name), " with"), long(JSON.stringify(it.tool_call.arguments, null, 2))] : null;
  if (kind === "tool") return [call, el("p", null, "Why it is asked: ", it.because)];
  if (kind === "outcome") return [call, el("ul", null, it.evidence.map((line) => el("li", null, line)))];
  if (kind === "plan") {
    return el("ol", { class: "plan" }, it.plan.tasks.map((task) => el("li", null, el("b", null, task.id), ` ${task.role || task.call?.tool || ""}: ${task.title || ""} `,
      task.depends_on?.length ? `after ${task.depends_on.join(", ")}` : "", long(task.instruction || JSON.stringify(task.call ?? {}, null, 2)))));
  }
  if (kind === "task") return [el("p", null, el("b", null, it.task.id), ` ${it.task.title ?? ""}`), long(it.task.instruction ?? "")];
  return [el("p", null, `${it.role}${it.task ? ` at task ${it.task}` : ""}`), long(it.finding.evidence ?? JSON.stringify(it.finding, null, 2)), el("ul", null, (it.done ?? []).map((line) => el("li", null, line)))];
}

function placeholder(it) {
  const kind = it.ask;
  if (kind === "outcome") return "What it gave, or why nobody knows";
  if (kind === "finding") return "What the agent is to know, or why not";
  return "Why not (for Deny; the agent is told)";
}

function answers(it) {
  const kind = it.ask;
  const deny = ["deny", kind === "outcome" ? "Nobody knows" : kind === "finding" ? "Stop the run" : "Deny", "bad"];
  if (kind === "tool") return [["allow", "Approve once", "good"], ["allow_for_task", "Approve for the task", ""], ["allow_for_run", "Approve for the run", ""], deny];
  if (kind === "outcome") return [["took_effect", "It took effect", "good"], ["again", "It did not: make it again", ""], deny];
  if (kind === "finding") return [["allow", "It may go on", "good"], ["allow_and_tell", "It may go on, and is told this", ""], deny];
  return [["allow", "Approve", "good"], deny];
}

/** Orders to a run as a whole. */
export class Orders {
  constructor(run, tasks) {
    Object.assign(this, { run, tasks });
    this.said = el("p", { role: "status", class: "said", hidden: true });
    this.pause = button("Pause", () => this.give({ order: "pause" }, "It starts nothing new and stands still once calls in flight are over."));
    this.form = el("div", { class: "order-form", hidden: true });
    this.steer = button("Steer…", () => this.open(() => this.steering()), { "aria-expanded": "false" });
    this.cancel = button("Cancel…", () => this.open(() => this.cancelling()), { "aria-expanded": "false" });
    this.node = el("div", { class: "orders", role: "group", "aria-label": "Orders to the run" }, this.pause, this.steer, this.cancel, this.form, this.said);
  }

  /** Which orders can be given now. */
  may(live, over) {
    this.pause.hidden = !live;
    this.steer.hidden = over;
    this.cancel.hidden = over;
    if (over) this.form.hidden = true;
  }

  open(make) {
    const form = make();
    const same = !this.form.hidden && this.form.dataset.kind === form.kind;
    this.form.hidden = same;
    if (same) return;
    this.form.dataset.kind = form.kind;
    put(this.form, form.parts);
    this.form.querySelector("textarea, select, button")?.focus();
  }

  steering() {
    const words = el("textarea", { rows: 3, maxlength: 8000, "aria-label": "What the agents are to know from now on" });
    const whom = el("select", { "aria-label": "Who is told" }, el("option", { value: "" }, "all agents"),
      this.tasks().slice(0, 500).map((task) => el("option", { value: task.id }, `those at task ${task.id}`)));
    const send = () => this.give({ order: "steer", text: words.value, task: whom.value || null }, "They are told before their next turn.");
    return { kind: "steer", parts: [words, whom, button("Tell them", send, { class: "good" }), button("Close", () => this.close())] };
  }

  cancelling() {
    const grade = el("select", { "aria-label": "How it ends" },
      el("option", { value: "stop" }, "Cancel: calls in flight are waited for"), el("option", { value: "wrap_up" }, "Wrap up: tasks at work come to their end"),
      el("option", { value: "abort" }, "Abort: nothing is waited for"));
    const send = () => this.give({ order: "cancel", grade: grade.value }, "It ends, and cannot be resumed.");
    return { kind: "cancel", parts: [el("p", null, "A run that is cancelled cannot be resumed."), grade, button("End the run", send, { class: "bad" }), button("Close", () => this.close())] };
  }

  close() {
    this.form.hidden = true;
  }

  async give(body, words) {
    this.said.hidden = false;
    try {
      const { live } = await order(this.run, body);
      this.close();
      put(this.said, live ? words : `It is on record. ${body.order === "steer" ? "It counts when the run goes on." : ""}`);
    } catch (error) {
      put(this.said, error.message);
    }
  }
}
