// What was spent over time, as a small curve.

import { ask } from "/page/api.js";
import { atMost, el, lasted, money, number, put, svg } from "/page/dom.js";

const WIDE = 600;
const HIGH = 120;

export class Spend {
  constructor(run) {
    this.run = run;
    this.node = el("div", { class: "spend" });
    this.again = atMost(2000, () => this.look());
    // It is drawn when it comes into sight, be it by its tab or by a wider window.
    new ResizeObserver(() => this.again()).observe(this.node);
  }

  async look() {
    if (this.node.offsetParent === null) return;
    try {
      const { points } = await ask(this.run, "spend");
      this.draw(points);
    } catch {
      // The line of the connection says why.
    }
  }

  draw(points) {
    const last = points.at(-1);
    if (!last || points.length < 2) {
      put(this.node, el("p", { class: "empty" }, "Nothing was spent yet."));
      return;
    }
    const money_too = last.micro_usd > 0;
    put(this.node, curve(points, "tokens", number), money_too ? curve(points, "micro_usd", money) : el("p", { class: "hint" }, "The models of this run have no price, so only tokens are shown."));
  }
}

function curve(points, field, words) {
  const [from, to] = [points[0].at_ms, Math.max(points[0].at_ms + 1, points.at(-1).at_ms)];
  const most = Math.max(1, points.at(-1)[field]);
  const x = (ms) => ((ms - from) / (to - from)) * WIDE;
  const y = (value) => HIGH - (value / most) * (HIGH - 6);
  let path = `M0 ${HIGH}`;
  for (const point of points) path += `H${x(point.at_ms).toFixed(1)}V${y(point[field]).toFixed(1)}`;
  const name = field === "tokens" ? "Tokens" : "Money";
  const label = `${name} over time: ${words(most)} after ${lasted(to - from)}`;
  return el("figure", null, el("figcaption", null, el("b", null, name), ` ${words(most)} in ${lasted(to - from)}`),
    svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
      svg("path", { class: "area", d: `${path}V${HIGH}Z` }), svg("path", { class: "curve", d: path })),
    el("div", { class: "axis" }, el("span", null, "beginning"), el("span", null, lasted(to - from))));
}
