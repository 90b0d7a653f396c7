// A whole text of any length, in pieces of which one is shown at a time.

import { ask } from "/page/api.js";
import { button, el, number, put } from "/page/dom.js";

export class WholeText {
  constructor(run, query, words) {
    Object.assign(this, { run, query });
    this.before = [];
    this.node = el("div", { class: "whole" }, button(words, () => this.show(0), { class: "linked" }));
  }

  async show(from) {
    try {
      const piece = await ask(this.run, "text", { ...this.query, from });
      this.draw(piece);
    } catch (error) {
      put(this.node, el("p", { class: "trouble", role: "alert" }, error.message));
    }
  }

  draw(piece) {
    const whole = piece.from === 0 && piece.to === piece.of;
    const back = button("Back", () => this.show(this.before.pop() ?? 0), { disabled: piece.from === 0 });
    const on = button("Further", () => {
      this.before.push(piece.from);
      this.show(piece.to);
    }, { disabled: piece.to === piece.of });
    put(this.node, el("pre", { tabindex: 0 }, piece.text || "(empty)"), whole ? null : el("p", { class: "tools" }, back, on,
      el("span", { class: "hint" }, `bytes ${number(piece.from)} to ${number(piece.to)} of ${number(piece.of)}`)));
  }
}
