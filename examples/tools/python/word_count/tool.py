"""A tool that counts the words of a file. `leadhand tool build` makes a component of it."""

from leadhand import files


def word_count(arguments, info):
    text = files.read(arguments["path"])
    return {"lines": text.count("\n"), "words": len(text.split())}


tools = [
    {
        "name": "word_count",
        "description": "Count the lines and words of a text file.",
        "arguments": {
            "type": "object",
            "properties": {"path": {"type": "string", "description": "The file"}},
            "required": ["path"],
            "additionalProperties": False,
        },
        "result": {
            "type": "object",
            "properties": {"lines": {"type": "integer"}, "words": {"type": "integer"}},
            "required": ["lines", "words"],
        },
        "effect": "pure",
        "accesses": [{"capability": "fs.read", "argument": "path"}],
        "run": word_count,
    }
]
