// The questions of a run: what a person is asked, exactly as it will be done, and the answers.

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
      words, el("div", { class: "tools" }, answers(one.ask).map(([say, text, style]) => button(text, () => give(say), { class: style }))),
      one.ask.ask === "tool" ? this.otherwise(one, trouble) : null, trouble);
  }

  // Yes to the call with other arguments. They are judged anew, and the agent is told.
  otherwise(one, trouble) {
    const own = JSON.stringify(one.ask.tool_call.arguments, null, 2);
    const words = el("textarea", { rows: Math.min(16, own.split("\n").length + 1), class: "code", value: own, spellcheck: "false", "aria-label": "Arguments of the call, as one JSON object" });
    const send = () => {
      let given = null;
      try {
        given = JSON.parse(words.value);
      } catch (error) {
        trouble.hidden = false;
        put(trouble, `This is no JSON: ${error.message}`);
        return;
      }
      this.answer(one, "allow_edited", "", trouble, given);
    };
    return el("details", { class: "otherwise" }, el("summary", null, "Approve it with other arguments"), words,
      el("p", { class: "hint" }, "The rules judge them anew, and the agent is told of them."), button("Approve with these arguments", send, { class: "good" }));
  }

  async answer(one, say, text, trouble, given_arguments) {
    trouble.hidden = true;
    try {
      const given = await order(this.run, { order: "answer", question: one.question, digest: one.digest, say, text, arguments: given_arguments });
      this.shown = "";
      put(this.node, el("p", { role: "status" }, given.live ? "The answer counts." : `The answer is on record and counts when the run goes on, with Resume or leadhand resume ${this.run}`));
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
