"""An error of a tool as the contract wants it, out of anything that can be raised."""

import traceback

KINDS = ("invalid-arguments", "unknown-tool", "not-found", "denied", "limit-exceeded", "failed")
# Codes of `files` and `http` that have another name as the kind of an error.
BY_CODE = {"invalid-path": "invalid-arguments", "invalid-request": "invalid-arguments"}


class ToolError(Exception):
    def __init__(self, kind, message, retryable=False):
        super().__init__(message)
        self.kind = kind if kind in KINDS else "failed"
        self.retryable = retryable


def of_host(error):
    """The error of an interface of the host: a code and a message, or a sentence."""
    value = getattr(error, "value", error)
    if not hasattr(value, "code"):
        return ToolError("denied", str(value))
    code = value.code.name.lower().replace("_", "-")
    return ToolError(BY_CODE.get(code, code), value.message)


def fault(error):
    if isinstance(error, ToolError):
        return error.kind, str(error), error.retryable
    if hasattr(error, "value") and hasattr(error.value, "message"):
        return fault(of_host(error))
    frames = traceback.extract_tb(error.__traceback__)
    where = f" (line {frames[-1].lineno} of {frames[-1].filename.rsplit('/', 1)[-1]})" if frames else ""
    return "failed", f"{type(error).__name__}: {error}{where}", False
