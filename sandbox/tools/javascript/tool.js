// Runs JavaScript that a model wrote. See README.md for what is enforced and by whom.
import { ToolError } from "leadhand/error.js";
import * as files from "leadhand/files.js";
import * as http from "leadhand/http.js";

const PRINTED_CHARS_MAX = 50_000;
const probe = {};

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return String(value);
  if (value instanceof Map) return `Map ${shown([...value])}`;
  if (value instanceof Set) return `Set ${shown([...value])}`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function json(value) {
  if (value instanceof Map || value instanceof Set) return [...value];
  return JSON.parse(JSON.stringify(value, (_, v) => (typeof v === "bigint" ? String(v) : v)) ?? "null");
}

// The value of the last expression, or of what is behind `return`.
function evaluated(code) {
  const run = globalThis.eval;
  try {
    run(`throw globalThis.probe;\n${code}`);
  } catch (error) {
    if (error === probe) return run(code);
  }
  if (!/\breturn\b/.test(code)) return run(code);
  return new Function(code)();
}

// Two lines come before the code of a function.
function line(error, code) {
  const behind = /<input>:(\d+)/.exec(error?.stack ?? "");
  if (!behind) return "";
  const inFunction = /\bat anonymous\b/.test(error.stack) || /return not in/.test(error.message);
  const number = Number(behind[1]) - (inFunction ? 2 : 0);
  const text = code.split("\n")[number - 1]?.trim();
  return text === undefined ? "" : ` (line ${number}: \`${text.slice(0, 200)}\`)`;
}

function run({ code, input = null, writes = [], urls = [] }) {
  let printed = "";
  const print = (...values) => {
    printed += `${values.map(shown).join(" ")}\n`;
    if (printed.length > PRINTED_CHARS_MAX) printed = `${printed.slice(0, PRINTED_CHARS_MAX)}\n[cut]`;
  };
  const console = { log: print, info: print, warn: print, error: print, debug: print };
  const write = (path, content) => {
    if (writes.includes(path)) return files.write(path, content);
    throw new ToolError("denied", `\`${path}\` is not named in the argument \`writes\`: name it there`);
  };
  const send = (url, options) => {
    if (urls.includes(String(url))) return http.send(String(url), options);
    throw new ToolError("denied", `\`${url}\` is not named in the argument \`urls\`: name it there`);
  };
  const { read, readBytes, list, exists } = files;
  Object.assign(globalThis, { input, console, print, probe });
  globalThis.files = { read, readBytes, list, exists, write };
  globalThis.http = { send, get: (url, headers) => send(url, { headers }) };
  try {
    const value = json(evaluated(code));
    return printed === "" ? { value } : { value, printed };
  } catch (error) {
    const before = printed === "" ? "" : ` Printed before: ${printed.slice(0, 500)}`;
    const isSyntax = error instanceof SyntaxError;
    const hint = isSyntax && /\bawait\b|\basync\b/.test(code) ? " There is nothing to wait for here: leave out `await`." : "";
    const what = (error instanceof ToolError ? error.message : String(error)).replace(/\.$/, "");
    const kind = error?.kind ?? (isSyntax ? "invalid-arguments" : "failed");
    throw new ToolError(kind, `${what}${line(error, code)}.${hint}${before}`);
  }
}

const text = (description) => ({ type: "string", description });
const texts = (description) => ({ type: "array", items: { type: "string" }, default: [], description });

export const tools = [
  {
    name: "run_javascript",
    description:
      "Run JavaScript (ES2023, no Node, no await) and get the value of its last expression and what " +
      "it printed with console.log. It has `input`, files.read(path), files.list(path), " +
      "files.write(path, text) for paths in `writes`, http.get(url) for urls in `urls`.",
    arguments: {
      type: "object",
      properties: {
        code: text("The program"),
        input: { description: "A JSON value that the program finds as `input`" },
        writes: texts("Paths of the files it may write"),
        urls: texts("URLs it may send requests to"),
      },
      required: ["code"],
      additionalProperties: false,
    },
    result: {
      type: "object",
      properties: { value: {}, printed: { type: "string" } },
      required: ["value"],
    },
    effect: "idempotent",
    accesses: [
      { capability: "fs.read" },
      { capability: "fs.write", argument: "writes" },
      { capability: "net", argument: "urls" },
    ],
    run,
  },
];
