// Orders to a run as a whole: pause, steer, resume, change the plan, cancel, roll back. What cannot
// be taken back is shown first, and wants a second press.

import { ask, order, resume } from "/page/api.js";
import { button, count, el, put } from "/page/dom.js";
import { PlanEdit } from "/page/plan_edit.js";

/** What is said of an order to a run that stands still. */
const LATER = {
  steer: "It is on record, and counts when the run goes on.",
  edit_plan: "The plan is changed, and counts when the run goes on.",
  cancel: "The run is cancelled.",
  roll_back: "The run is over. What became of each call stands below.",
};

export class Orders {
  constructor(run, store) {
    Object.assign(this, { run, store });
    this.said = el("p", { role: "status", class: "said", hidden: true });
    this.form = el("div", { class: "order-form", hidden: true });
    this.edit = new PlanEdit(run, () => this.store().tasks, (body, words) => this.give(body, words), () => this.close());
    const opens = (name, make) => button(name, () => this.open(make()), { "aria-expanded": "false" });
    this.pause = button("Pause", () => this.give({ order: "pause" }, "It starts nothing new and stands still once calls in flight are over."));
    this.resume = opens("Resume…", () => this.resuming());
    this.steer = opens("Steer…", () => this.steering());
    this.plan = opens("Change the plan…", () => this.edit.form());
    this.cancel = opens("Cancel…", () => this.cancelling());
    this.back = opens("Roll back…", () => this.rollingBack());
    this.all = [this.pause, this.resume, this.steer, this.plan, this.cancel, this.back];
    this.node = el("div", { class: "orders", role: "group", "aria-label": "Orders to the run" }, this.all);
    // The form has the whole width, below the head of the run.
    this.below = el("div", { class: "orders below", role: "group", "aria-label": "The order that is given" }, this.form, this.said);
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** Which orders can be given now; what is read from a file takes none. */
  may(live, over, resumable, any = true) {
    this.node.hidden = !any;
    this.pause.hidden = !live;
    this.resume.hidden = live || !resumable;
    this.steer.hidden = over;
    this.plan.hidden = over || this.store().tasks.length === 0;
    this.cancel.hidden = over;
    this.back.hidden = this.store().tasks.length === 0;
    if (this.opener?.hidden) this.close();
  }

  /** Changes a task of the plan. */
  change(task) {
    this.close();
    this.open(this.edit.form(task));
    this.form.scrollIntoView({ block: "nearest" });
  }

  open({ kind, parts }) {
    const opener = this[kind];
    const same = this.opener === opener;
    this.close();
    if (same) return;
    this.opener = opener;
    opener.setAttribute("aria-expanded", "true");
    put(this.form, parts);
    this.form.hidden = false;
    this.form.querySelector("textarea, select, input, button")?.focus();
  }

  close() {
    this.opener?.setAttribute("aria-expanded", "false");
    if (this.form.contains(document.activeElement)) this.opener?.focus();
    this.opener = null;
    this.form.hidden = true;
    put(this.form);
  }

  /** The button that gives the order, and the one that does not. */
  ending(words, send, style) {
    return el("div", { class: "tools" }, button(words, send, { class: style }), this.closing());
  }

  closing() {
    return button("Close", () => this.close());
  }

  resuming() {
    const { head } = this.store();
    const model = el("input", { type: "text", maxlength: 200, value: head?.model ?? "", "aria-label": "Model", placeholder: "the usual one of the project" });
    const tokens = el("input", { type: "number", min: 1, "aria-label": "Tokens that may be spent beside its budget", placeholder: "none" });
    const usd = el("input", { type: "number", min: 0, step: "0.01", "aria-label": "Dollars that may be spent beside its budget", placeholder: "none" });
    const send = () => this.resumed({
      model: model.value, tokens_added: tokens.value ? Number(tokens.value) : null, micro_usd_added: usd.value ? Math.round(Number(usd.value) * 1e6) : null,
    });
    return { kind: "resume", parts: [
      el("p", null, "It goes on in a process of its own, which does not end with this page. Nobody is asked on a terminal: at a question it stands still, is answered here, and is resumed again."),
      el("div", { class: "tools" }, el("label", null, "Model ", model), el("label", null, "Tokens more ", tokens), el("label", null, "Dollars more ", usd)),
      this.ending("Go on with the run", send, "good")] };
  }

  async resumed(body) {
    this.tells("It is taken up…");
    try {
      const { said } = await resume(this.run, body);
      this.close();
      this.tells(said);
    } catch (error) {
      this.tells(error.message, true);
    }
  }

  steering() {
    const words = el("textarea", { rows: 3, maxlength: 8000, "aria-label": "What the agents are to know from now on" });
    const whom = el("select", { "aria-label": "Who is told" }, el("option", { value: "" }, "all agents"),
      this.store().tasks.slice(0, 500).map((task) => el("option", { value: task.id }, `those at task ${task.id}`)));
    const send = () => this.give({ order: "steer", text: words.value, task: whom.value || null }, "They are told before their next turn.");
    return { kind: "steer", parts: [words, whom, this.ending("Tell them", send, "good")] };
  }

  cancelling() {
    const grade = el("select", { "aria-label": "How it ends" },
      el("option", { value: "stop" }, "Cancel: calls in flight are waited for"), el("option", { value: "wrap_up" }, "Wrap up: tasks at work come to their end"),
      el("option", { value: "abort" }, "Abort: nothing is waited for"));
    const send = () => this.give({ order: "cancel", grade: grade.value }, "It ends, and cannot be resumed.");
    return { kind: "cancel", parts: [el("p", null, "A run that is cancelled cannot be resumed."), grade, this.ending("End the run", send, "bad")] };
  }

  // What would be undone is shown before it can be ordered, and the order names what was shown.
  rollingBack() {
    const body = el("div", { class: "undoing" }, el("p", { role: "status" }, "Looking for what can be undone…"), this.closing());
    ask(this.run, "undoable").then(({ calls, of, digest }) => {
      const why = el("input", { type: "text", maxlength: 8000, "aria-label": "Why it is rolled back", placeholder: "Why (it stands in the account)" });
      const send = () => this.give({ order: "roll_back", shown: digest, why: why.value }, "It ends, and its calls are undone.");
      put(body, el("p", null, el("b", null, `The run ends and cannot be resumed. ${count(of, "call")} will be undone, in this order:`)),
        el("ol", { class: "plain code" }, calls.map((call) => el("li", null, `${call.tool} ${call.arguments}`, el("span", { class: "hint" }, ` undone by ${call.undo}`)))),
        of > calls.length ? el("p", null, `and ${count(of - calls.length, "call")} more`) : null,
        why, this.ending(`Undo ${count(of, "call")}`, send, "bad"));
      why.focus();
    }).catch((error) => put(body, el("p", { class: "trouble", role: "alert" }, error.message), this.closing()));
    return { kind: "back", parts: [body] };
  }

  tells(words, isTrouble) {
    this.said.hidden = false;
    this.said.classList.toggle("trouble", Boolean(isTrouble));
    put(this.said, words);
  }

  async give(body, words) {
    this.tells("It is ordered…");
    try {
      const { live } = await order(this.run, body);
      this.close();
      this.tells(live ? words : LATER[body.order] ?? "It is on record.");
      return true;
    } catch (error) {
      this.tells(error.message, true);
      return false;
    }
  }
}
