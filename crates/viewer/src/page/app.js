// The page: which runs are shown, the stream that tells of them, and the switch of the theme.

import { Stream } from "/page/api.js";
import { el, put } from "/page/dom.js";
import { RunsView } from "/page/runs.js";
import { RunView } from "/page/run.js";

const main = document.getElementById("main");
const where = document.getElementById("where");
const link = document.getElementById("link");
const RUN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

let lines = [];
let listed = null;
let first = true;
let shown = [];

const stream = new Stream(take, (text) => {
  put(link, text);
  link.hidden = text === "";
});

function take(message) {
  if (message.kind === "opened") {
    for (const view of shown) view.anew();
  } else if (message.kind === "runs") {
    lines = message.runs;
    // The only trace of a file is what was asked for; the list is a step back.
    if (first && listed && lines.length === 1 && !lines[0].orders) location.hash = `#/run/${lines[0].run}`;
    first = false;
    listed?.take(message);
    for (const view of shown) view.lines(lines);
  } else if (message.kind === "run") {
    for (const view of shown) if (view.run === message.run) view.take(message);
  }
}

function route() {
  const parts = location.hash.replace(/^#\/?/, "").split("/");
  const runs = parts[0] === "run" ? parts.slice(1, 3).filter((name) => RUN.test(name)) : [];
  for (const view of shown) view.close();
  listed = null;
  shown = [];
  if (runs.length === 0) {
    listed = new RunsView();
    put(main, listed.node);
    put(where);
    document.title = "Leadhand: runs";
  } else {
    shown = [...new Set(runs)].map((run) => new RunView(run, { compact: runs.length > 1 }));
    put(main, el("div", { class: shown.length > 1 ? "beside" : "alone" }, shown.map((view) => view.node)));
    put(where, ...crumbs(runs));
    for (const view of shown) view.lines(lines);
    document.title = `Leadhand: ${runs.join(" beside ")}`;
  }
  stream.open(runs);
}

function crumbs(runs) {
  const all = [el("a", { href: "#/" }, "All runs"), " › ", runs.join(" beside ")];
  if (runs.length > 1) all.push(" ", el("a", { href: `#/run/${runs[0]}` }, "only the first"));
  return all;
}

const THEMES = ["system", "light", "dark"];

function theme(name) {
  if (name === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", name);
  const node = document.getElementById("theme");
  put(node, `Theme: ${name}`);
  node.setAttribute("aria-label", `Theme: ${name}. Press for the next one.`);
  window.dispatchEvent(new Event("theme"));
}

function startTheme() {
  let name = localStorage.getItem("leadhand-theme") ?? "system";
  theme(THEMES.includes(name) ? name : "system");
  document.getElementById("theme").addEventListener("click", () => {
    name = THEMES[(THEMES.indexOf(name) + 1) % THEMES.length];
    localStorage.setItem("leadhand-theme", name);
    theme(name);
  });
}

startTheme();
window.addEventListener("hashchange", route);
route();
