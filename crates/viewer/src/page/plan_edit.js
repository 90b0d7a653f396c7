// Changes of a plan by a person: put together one by one, shown as they will be made, and then made
// all together or not at all.

import { ask } from "/page/api.js";
import { button, count, el, put } from "/page/dom.js";

const IDS_MAX = 500;
const CUT = "…";
let forms = 0;

/** Each kind of change: its name in the list of kinds, the fields it has, and what it says it will do. */
const KINDS = {
  instruction: ["Say otherwise what is to be done", ["instruction"], (it) => `${it.task} is told to do this instead: ${it.instruction}`],
  role: ["Give it to another role", ["role"], (it) => `${it.task} goes to the role ${it.role}`],
  depends_on: ["Have it wait for other tasks", ["after"], (it) => `${it.task} waits for ${it.depends_on.join(", ") || "nothing"}`],
  hold: ["Hold it until it is released", [], (it) => `${it.task} waits until it is released`],
  release: ["Release it", [], (it) => `${it.task} may begin`],
  break_before: ["Ask a person before it begins", [], (it) => `a person is asked before ${it.task} begins`],
  drop: ["Take it out of the plan", [], (it) => `${it.task} is taken out of the plan`],
  add: ["Add a task", ["role", "title", "instruction", "after"],
    ({ task }) => `${task.id} is added, ${task.title || "without a title"}: the role ${task.role} does this after ${(task.depends_on ?? []).join(", ") || "nothing"}: ${task.instruction}`],
};

export class PlanEdit {
  /** `give` sends an order and says whether it was taken. */
  constructor(run, tasks, give, close) {
    Object.assign(this, { run, tasks, give, close });
    this.edits = [];
    this.name = `plan-edit-${(forms += 1)}`;
  }

  /** The form, for a task or for any. */
  form(task) {
    const kinds = Object.entries(KINDS).map(([kind, [words]]) => el("option", { value: kind }, words));
    const ids = this.tasks().filter((it) => it && (it.state === "waiting" || it.state === "failed")).slice(0, IDS_MAX);
    this.kind = el("select", { "aria-label": "What is changed", on: { change: () => this.fields() } }, kinds);
    this.task = el("input", { type: "text", maxlength: 64, list: this.name, value: task ?? "", "aria-label": "Which task", placeholder: "task", on: { change: () => this.known() } });
    this.role = el("input", { type: "text", maxlength: 200, "aria-label": "Role", placeholder: "role" });
    this.title = el("input", { type: "text", maxlength: 200, "aria-label": "Title", placeholder: "title" });
    this.after = el("input", { type: "text", "aria-label": "Tasks that it waits for, with commas between them", placeholder: "waits for: t1, t2" });
    this.instruction = el("textarea", { rows: 5, "aria-label": "What is to be done", placeholder: "What is to be done" });
    this.trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    this.list = el("div", { class: "edits" });
    this.filled = {};
    this.fields();
    if (task) this.known();
    this.drawn();
    return { kind: "plan", parts: [
      el("datalist", { id: this.name }, ids.map((it) => el("option", { value: it.id }, it.title))),
      el("div", { class: "tools" }, this.kind, this.task), this.role, this.title, this.after, this.instruction, this.trouble,
      el("div", { class: "tools" }, button("Show what it does", () => this.put()), button("Close", () => this.close())), this.list] };
  }

  fields() {
    const [, shown] = KINDS[this.kind.value];
    for (const name of ["role", "title", "after", "instruction"]) this[name].hidden = !shown.includes(name);
  }

  // What the task says now, to be changed.
  async known() {
    if (this.kind.value === "add" || !this.task.value.trim()) return;
    try {
      const it = await ask(this.run, "task", { id: this.task.value.trim() });
      this.fill("role", it.worker);
      this.fill("after", it.after.join(", "));
      // Words that are not all there must not be taken for all of them.
      this.fill("instruction", it.instruction && !it.instruction.endsWith(CUT) ? it.instruction : "");
    } catch {
      // The run refuses a task that is not there, and says which there are.
    }
  }

  // What a person has written stays.
  fill(field, value) {
    const before = this.filled[field] ?? "";
    if (this[field].value === before) this[field].value = value;
    this.filled[field] = value;
  }

  edit() {
    const kind = this.kind.value;
    const task = this.task.value.trim();
    const depends_on = this.after.value.split(",").map((id) => id.trim()).filter(Boolean);
    const [role, instruction] = [this.role.value.trim(), this.instruction.value.trim()];
    if (!task) throw new Error("Say which task.");
    if (kind === "instruction" && !instruction) throw new Error("Say what is to be done.");
    if ((kind === "role" || kind === "add") && !role) throw new Error("Say which role does it.");
    if (kind === "add" && !instruction) throw new Error("Say what is to be done.");
    if (kind === "instruction") return { edit: kind, task, instruction };
    if (kind === "role") return { edit: kind, task, role };
    if (kind === "depends_on") return { edit: kind, task, depends_on };
    if (kind === "add") return { edit: kind, task: { id: task, title: this.title.value.trim(), role, instruction, depends_on } };
    return { edit: kind, task };
  }

  put() {
    this.trouble.hidden = true;
    try {
      this.edits.push(this.edit());
    } catch (error) {
      this.trouble.hidden = false;
      put(this.trouble, error.message);
      return;
    }
    this.filled = {};
    for (const field of [this.task, this.role, this.title, this.after, this.instruction]) field.value = "";
    this.drawn();
    this.list.querySelector("button.good")?.focus();
  }

  async make() {
    const made = await this.give({ order: "edit_plan", edits: this.edits }, "The plan is changed.");
    if (made) this.edits = [];
  }

  drawn() {
    put(this.list, this.edits.length === 0 ? null : [
      el("p", null, el("b", null, "This will be done, all of it or nothing:")),
      el("ol", null, this.edits.map((edit, at) => el("li", null, KINDS[edit.edit][2](edit), " ",
        button("Not this", () => {
          this.edits.splice(at, 1);
          this.drawn();
        }, { class: "linked" })))),
      button(`Make ${count(this.edits.length, "change")}`, () => this.make(), { class: "good" })]);
  }
}
