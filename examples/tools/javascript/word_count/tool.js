// A tool that counts the words of a file. `leadhand tool build` makes a component of it.
import { read } from "leadhand/files.js";

export const tools = [
  {
    name: "word_count",
    description: "Count the lines and words of a text file.",
    arguments: {
      type: "object",
      properties: { path: { type: "string", description: "The file" } },
      required: ["path"],
      additionalProperties: false,
    },
    result: {
      type: "object",
      properties: { lines: { type: "integer" }, words: { type: "integer" } },
      required: ["lines", "words"],
    },
    effect: "pure",
    accesses: [{ capability: "fs.read", argument: "path" }],
    run({ path }) {
      const text = read(path);
      const lines = text.split("\n").length - 1;
      return { lines, words: text.split(/\s+/).filter(Boolean).length };
    },
  },
];
