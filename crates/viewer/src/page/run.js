// One run: what it is, what to look at, and the ways to look at it.

import { ask } from "/page/api.js";
import { Attention } from "/page/attention.js";
import { Detail, long } from "/page/detail.js";
import { badge, button, count, el, lasted, money, number, put } from "/page/dom.js";
import { Graph } from "/page/graph.js";
import { Lanes } from "/page/lanes.js";
import { Happenings } from "/page/list.js";
import { Orders } from "/page/orders.js";
import { Questions } from "/page/people.js";
import { Spend } from "/page/spend.js";

const KINDS = [["", "everything"], ["turn", "what models said"], ["call", "tool calls"], ["told", "what models were told"],
  ["check", "checks"], ["others", "what agents did with each other"], ["note", "people, findings, the run"]];
let tabs = 0;

export class RunView {
  constructor(run, { compact }) {
    this.run = run;
    this.store = empty();
    const go = (what, id, quiet) => this.go(what, id, quiet);
    this.graph = new Graph((id) => go("task", id));
    this.lanes = new Lanes(run, (id) => go("agent", id), (at) => go("step", at));
    this.list = new Happenings(run, "What happened, in order", (at) => go("step", at, true));
    this.spend = new Spend(run);
    this.detail = new Detail(run, go);
    this.attention = new Attention(run, go);
    this.questions = new Questions(run);
    this.orders = new Orders(run, () => this.store);
    this.head = el("div", { class: "run-head" });
    this.trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    this.more = el("div", { class: "outcome" });
    this.beside = el("select", { "aria-label": "Another run beside this one", on: { change: () => this.compare() } });
    this.panels = this.tabbed();
    this.node = el("section", { class: `run${compact ? " compact" : ""}`, "aria-label": `run ${run}` },
      el("div", { class: "top" }, this.head, el("div", { class: "side" }, this.orders.node, compact ? null : this.beside)),
      this.orders.below, this.trouble, this.questions.node, this.more, this.attention.node,
      el("div", { class: "work" }, this.panels, this.detail.node));
    this.draw();
  }

  close() {
    this.lanes.close();
    clearTimeout(this.later);
  }

  /** Begins anew: the stream tells everything again. */
  anew() {
    this.store = { ...empty(), line: this.store.line };
    this.isNew = true;
  }

  tabbed() {
    const name = `tabs-${(tabs += 1)}`;
    const all = [["graph", "Tasks", this.graph.node], ["lanes", "Timeline", this.lanes.node], ["list", "Events", this.happened()], ["spend", "Spend", this.spend.node]];
    this.tabs = all.map(([key, words], at) => el("button", {
      type: "button", role: "tab", id: `${name}-${key}`, "aria-controls": `${name}-${key}-panel`, "data-tab": key,
      on: { click: () => this.tab(key), keydown: (event) => this.tabKey(event, at) },
    }, words));
    this.tabPanels = all.map(([key, words, node]) => el("div", {
      class: `panel p-${key}`, role: "tabpanel", id: `${name}-${key}-panel`, "aria-labelledby": `${name}-${key}`, "data-tab": key,
    }, el("h2", { class: "panel-head", "aria-hidden": "true" }, words), node));
    const node = el("div", { class: "panels" }, el("div", { class: "tabs", role: "tablist", "aria-label": "Ways to look at the run" }, this.tabs), this.tabPanels);
    this.tab("graph");
    return node;
  }

  tab(key) {
    this.tabs.forEach((tab) => {
      const is = tab.dataset.tab === key;
      tab.setAttribute("aria-selected", is);
      tab.setAttribute("tabindex", is ? 0 : -1);
    });
    this.tabPanels.forEach((panel) => panel.classList.toggle("open", panel.dataset.tab === key));
    if (key === "graph") this.graph.soon();
    if (key === "lanes") this.lanes.fetchSoon();
    if (key === "list") this.list.again();
    if (key === "spend") this.spend.again();
  }

  tabKey(event, at) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = this.tabs[(at + step + this.tabs.length) % this.tabs.length];
    this.tab(next.dataset.tab);
    next.focus();
  }

  happened() {
    const look = () => {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.search(), 250);
    };
    this.words = el("input", { type: "search", placeholder: "Find words in all that happened", "aria-label": "Find words in all that happened", maxlength: 200, on: { input: look } });
    this.kind = el("select", { "aria-label": "What is shown", on: { change: look } }, KINDS.map(([value, words]) => el("option", { value }, words)));
    this.wrong = el("input", { type: "checkbox", on: { change: look } });
    this.follow = el("input", { type: "checkbox", on: { change: () => { this.list.follow = this.follow.checked; } } });
    this.found = el("p", { class: "hint", role: "status" });
    this.tasksFound = el("p", { class: "links" });
    return el("div", { class: "events" },
      el("div", { class: "tools" }, this.words, this.kind, el("label", null, this.wrong, "only what went wrong"), el("label", null, this.follow, "go with the end"), this.found),
      this.tasksFound, this.list.node);
  }

  async search() {
    const query = { words: this.words.value.trim(), kind: this.kind.value, trouble: this.wrong.checked };
    const any = query.words || query.kind || query.trouble;
    put(this.tasksFound);
    if (!any) {
      put(this.found);
      this.list.only(null);
      return;
    }
    try {
      const answer = await ask(this.run, "find", query);
      put(this.found, `${number(answer.places.length)}${answer.more ? " or more" : ""} of ${number(answer.of)}`);
      put(this.tasksFound, answer.tasks.length > 0 ? "Tasks: " : null, answer.tasks.slice(0, 20).map((id) => button(id, () => this.go("task", id), { class: "linked" })));
      this.list.only(answer.places);
    } catch (error) {
      put(this.found, error.message);
    }
  }

  /** Shows something; `quiet` leaves the list where it is. */
  go(what, id, quiet) {
    if (what === "change") {
      this.orders.change(id);
      return;
    }
    this.detail.show(what, id);
    if (what === "task") this.graph.choosing(id);
    if (what === "step" && !quiet) this.list.goTo(id);
    if (!quiet && window.matchMedia("(min-width: 60.01rem)").matches) this.detail.node.focus({ preventScroll: true });
  }

  /** What the list of runs says. */
  lines(lines) {
    this.store.line = lines.find((line) => line.run === this.run) ?? null;
    const others = lines.filter((line) => line.run !== this.run);
    const known = others.map((line) => line.run).join();
    if (known !== this.others) {
      this.others = known;
      put(this.beside, el("option", { value: "" }, "Show another run beside…"), others.map((line) => el("option", { value: line.run }, `${line.run} ${line.goal}`.slice(0, 70))));
    }
    this.asks();
    this.draw();
  }

  compare() {
    if (this.beside.value) location.hash = `#/run/${this.run}/${this.beside.value}`;
  }

  asks() {
    const questions = this.store.line?.questions ?? 0;
    if (questions > 0) this.questions.look();
    else if (this.questions.shown !== "") this.questions.none();
  }

  take(message) {
    const store = this.store;
    store.head = message.head;
    store.state = message.state;
    store.rows = message.rows;
    for (const [at, row] of message.tasks) store.tasks[at] = row;
    for (const [at, row] of message.agents) store.agents[at] = row;
    store.notes.push(...message.notes);
    if (message.tasks.length > 0 || message.drawing || this.isNew) this.graph.take(store.tasks, message.drawing);
    this.isNew = false;
    this.lanes.take(store.agents, store.head);
    this.list.has(store.rows, store.head.began_ms);
    this.attention.take(store);
    this.spend.again();
    this.detail.again();
    if (message.notes.some((note) => note.kind === "person") && !this.store.line?.questions) this.questions.look();
    this.draw();
  }

  draw() {
    if (this.drawn) return;
    this.drawn = requestAnimationFrame(() => {
      this.drawn = null;
      this.headDrawn();
    });
  }

  headDrawn() {
    const { head, line, tasks, state } = this.store;
    this.trouble.hidden = !state?.trouble;
    put(this.trouble, state?.trouble ? `What follows is not all: ${state.trouble}` : null);
    if (!head) {
      this.orders.may(false, true, false);
      put(this.head, el("h1", null, this.run), el("p", { class: "empty" }, "Reading its records…"));
      return;
    }
    const stands = line?.live ? "running" : head.outcome?.kind ?? line?.state ?? "stopped";
    const done = tasks.filter((task) => task?.state === "done").length;
    const took = (line?.live ? Date.now() : head.ended_ms) - head.began_ms;
    put(this.head,
      el("h1", null, badge(stands), " ", head.goal || line?.goal || "(no goal)"),
      el("ul", { class: "figures" }, [
        head.foreign ? ["parts", number(tasks.length)] : ["tasks done", `${number(done)} of ${number(tasks.length)}`], ["events", number(head.records)], ["took", lasted(took)], ["turns", number(head.turns)],
        ["tool calls", number(head.tool_calls)], ["tokens", number(head.tokens_in + head.tokens_out)], head.micro_usd > 0 ? ["spent", money(head.micro_usd)] : null,
        head.autonomy ? ["autonomy", head.autonomy] : null, ["run", this.run],
      ].filter(Boolean).map(([name, value]) => el("li", null, el("span", null, name), el("b", null, value)))),
      state && !state.complete ? el("p", { class: "hint", role: "status" }, `Reading its records: ${count(head.records, "event")} so far…`) : null);
    const outcome = head.outcome && !line?.live ? head.outcome : null;
    this.more.hidden = !outcome?.why && !outcome?.answer && !outcome?.undone.length && !outcome?.in_doubt.length;
    const known = JSON.stringify(outcome);
    if (known !== this.outcome) {
      this.outcome = known;
      put(this.more, outcome?.why ? el("p", { class: "ended" }, el("b", null, "Why it stopped: "), outcome.why) : null,
        reports("Calls that were to be undone", outcome?.undone), reports("Calls in doubt", outcome?.in_doubt),
        outcome?.answer ? el("details", null, el("summary", null, "The answer"), long(outcome.answer)) : null);
    }
    const over = !line?.live && line !== null && !line?.resumable;
    this.orders.may(line?.live ?? false, over, line?.resumable ?? false, line?.orders ?? false);
  }
}

const REPORTS = {
  in_doubt: "may have taken effect", undone: "undone", not_undone: "could not be undone", undo_in_doubt: "nobody knows whether it was undone",
};

// What became of calls that are told of one by one.
function reports(head, calls) {
  return !calls?.length ? null : el("section", { class: "reports" }, el("h3", null, head), el("ul", { class: "plain code" }, calls.map((call) => el("li", null,
    `${call.tool} ${call.arguments}: `, el("b", null, REPORTS[call.state] ?? call.state), call.what ? `: ${call.what}` : ""))));
}

function empty() {
  return { head: null, state: null, line: null, tasks: [], agents: [], notes: [], rows: 0 };
}
