// Turns `export const tools` of a tool.js into the exports of the contract.
import "leadhand/globals.js";
import { seed } from "leadhand/chance.js";
import { fault } from "leadhand/error.js";
import { tools } from "./tool.js";

export function specs() {
  return tools.map((tool) => ({
    name: tool.name,
    description: tool.description,
    argumentsSchema: JSON.stringify(tool.arguments ?? { type: "object", properties: {} }),
    resultSchema: tool.result === undefined ? null : JSON.stringify(tool.result),
    effect: tool.effect ?? "once",
    accesses: (tool.accesses ?? []).map(({ capability, argument, methods }) => ({
      capability,
      argument: argument ?? null,
      methods: methods ?? [],
    })),
  }));
}

export function call(info, name, text) {
  try {
    const tool = tools.find((it) => it.name === name);
    if (!tool) throw { kind: "unknown-tool", message: `There is no tool \`${name}\` in here.` };
    // The snapshot that the component is made of holds one state for all calls.
    seed(info.seed);
    const result = tool.run(JSON.parse(text), info);
    if (result instanceof Promise) {
      throw new Error("`run` gave a promise, and nothing waits for it: leave out async and await");
    }
    const isText = typeof result === "string" && tool.result === undefined;
    return { text: isText ? result : (JSON.stringify(result) ?? "null") };
  } catch (error) {
    throw fault(error);
  }
}
