// An error of a tool as the contract wants it, out of anything that can be thrown.
const KINDS = ["invalid-arguments", "unknown-tool", "not-found", "denied", "limit-exceeded", "failed"];
// Codes of `files` and `http` that have another name as the kind of an error.
const BY_CODE = { "invalid-path": "invalid-arguments", "invalid-request": "invalid-arguments" };

export class ToolError extends Error {
  constructor(kind, message, retryable = false) {
    super(message);
    this.name = "ToolError";
    Object.assign(this, { kind, retryable });
  }
}

// The error of an interface of the host: { code, message } in a payload, or a sentence.
export function ofHost(error) {
  const { code, message } = error?.payload ?? {};
  if (code === undefined) return new ToolError("denied", String(error?.payload ?? error));
  return new ToolError(BY_CODE[code] ?? (KINDS.includes(code) ? code : "failed"), message);
}

export function fault(error) {
  const told = error?.payload === undefined ? error : ofHost(error);
  const where = /:\d+(?=\)?\s*$|:\d)/.exec(told?.stack?.split("\n")[0] ?? "");
  const known = KINDS.includes(told?.kind);
  return {
    kind: known ? told.kind : "failed",
    message: known ? String(told.message) : `${told}${where ? ` (line ${where[0].slice(1)})` : ""}`,
    retryable: told?.retryable === true,
  };
}
