"""Runs Python that a model wrote. See README.md for what is enforced and by whom."""

import ast
import builtins
import contextlib
import io
import json
import os
from types import SimpleNamespace
from weakref import WeakSet

import libraries  # noqa: F401
from leadhand import files, http
from leadhand.error import ToolError

PRINTED_CHARS_MAX = 50_000
NAME = "<code>"


class Printed(io.StringIO):
    def write(self, text):
        left = PRINTED_CHARS_MAX - self.tell()
        super().write(text if len(text) <= left else text[: max(left, 0)])
        return len(text)


class Opened(io.BytesIO):
    """A file in memory; what was written goes to the workspace when it is closed, or when
    nothing refers to it any more."""

    def __init__(self, path, content, writes, failures):
        super().__init__(content)
        self.path, self.writes, self.failures = path, writes, failures

    def close(self):
        if not self.closed and self.writes:
            self.writes = False
            try:
                files.write(self.path, self.getvalue())
            except ToolError as error:
                self.failures.append(error)
                raise
        super().close()


def opener(check, opened, failures):
    def open(path, mode="r", buffering=-1, encoding="utf-8", errors=None, newline=None, **_):
        path, kind = os.fspath(path), mode.replace("b", "").replace("t", "")
        if kind not in ("r", "w", "a"):
            raise ValueError(f"the mode {mode!r} is not known here: r, w, a, rb, wb, ab are")
        if kind == "r" and not files.exists(path):
            raise FileNotFoundError(f"{path} does not exist, or may not be read")
        if kind != "r":
            check(path)
        there = kind == "r" or (kind == "a" and files.exists(path))
        content = files.read_bytes(path) if there else b""
        file = Opened(path, content, kind != "r", failures)
        file.seek(0, os.SEEK_END if kind == "a" else os.SEEK_SET)
        if "b" not in mode:
            file = io.TextIOWrapper(file, encoding or "utf-8", errors, newline)
        opened.add(file)
        return file

    return open


def returns(node):
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
        return False
    return isinstance(node, ast.Return) or any(map(returns, ast.iter_child_nodes(node)))


def evaluated(code, names):
    """The value of the last expression, or of what is behind `return`."""
    tree = ast.parse(code, NAME)
    if returns(tree):
        main = ast.parse("def _main(): pass", NAME)
        main.body[0].body = tree.body
        exec(compile(main, NAME, "exec"), names)
        return names["_main"]()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, NAME, "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), NAME, "eval"), names)


def line(error, code):
    number = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == NAME:
            number = trace.tb_lineno
        trace = trace.tb_next
    lines = code.split("\n")
    known = number is not None and 0 < number <= len(lines)
    return f" (line {number}: `{lines[number - 1].strip()[:200]}`)" if known else ""


def run(arguments, info):
    code, writes, urls = arguments["code"], arguments.get("writes") or [], arguments.get("urls") or []
    printed, opened, failures = Printed(), WeakSet(), []

    def check(names, argument, name):
        if name not in names:
            raise ToolError("denied", f"`{name}` is not named in the argument `{argument}`: name it there")

    def write(path, content):
        check(writes, "writes", path)
        files.write(path, content)

    def get(url, headers=None):
        check(urls, "urls", url)
        return http.get(url, headers)

    surface = SimpleNamespace(
        read=files.read, read_bytes=files.read_bytes, list=files.list, exists=files.exists, write=write
    )
    web = SimpleNamespace(get=get)
    builtins.open = io.open = opener(lambda path: check(writes, "writes", path), opened, failures)
    os.listdir = files.list
    os.path.exists = lambda path: files.exists(os.fspath(path))
    os.path.isfile = lambda path: files.kind(os.fspath(path)) == "file"
    os.path.isdir = lambda path: files.kind(os.fspath(path)) == "folder"
    names = {"__name__": "__main__", "input": arguments.get("input"), "files": surface, "http": web}
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            value = evaluated(code, names)
            for file in list(opened):
                file.close()
        for failure in failures:
            raise failure
        result = {"value": json.loads(json.dumps(value, default=plain))}
    except SystemExit:
        result = {"value": None}
    except BaseException as error:
        before = f" Printed before: {printed.getvalue()[:500]}" if printed.getvalue() else ""
        of_tool = isinstance(error, ToolError)
        what = str(error) if of_tool else f"{type(error).__name__}: {getattr(error, 'msg', None) or error}"
        kind = error.kind if of_tool else "invalid-arguments" if isinstance(error, SyntaxError) else "failed"
        raise ToolError(kind, f"{what.rstrip('.')}{line(error, code)}.{before}") from None
    return result | ({"printed": printed.getvalue()} if printed.getvalue() else {})


def plain(value):
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)


TEXTS = {"type": "array", "items": {"type": "string"}, "default": []}
tools = [
    {
        "name": "run_python",
        "description": "Run Python 3 with its standard library (no pip, no processes, no sockets) and get the "
        "value of the last expression and what it printed. It has `input`, open() and files.read(path), "
        "files.list(path); writing only to paths in `writes`; http.get(url).text for urls in `urls`.",
        "arguments": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "description": "The program"},
                "input": {"description": "A JSON value that the program finds as `input`"},
                "writes": TEXTS | {"description": "Paths of the files it may write"},
                "urls": TEXTS | {"description": "URLs it may get"},
            },
            "required": ["code"],
            "additionalProperties": False,
        },
        "result": {
            "type": "object",
            "properties": {"value": {}, "printed": {"type": "string"}},
            "required": ["value"],
        },
        "effect": "idempotent",
        "accesses": [
            {"capability": "fs.read"},
            {"capability": "fs.write", "argument": "writes"},
            {"capability": "net", "argument": "urls"},
        ],
        "run": run,
    }
]
