"""Turns `tools` of a tool.py into the exports of the contract."""

import json
import random

import wit_world
from componentize_py_types import Err
from leadhand.error import ToolError, fault
from tool import tools
from wit_world.imports import types

NAMED = {tool["name"]: tool for tool in tools}
EFFECTS = {effect.name.lower(): effect for effect in types.Effect}


def spec(tool):
    result = tool.get("result")
    return types.ToolSpec(
        name=tool["name"],
        description=tool["description"],
        arguments_schema=json.dumps(tool.get("arguments", {"type": "object", "properties": {}})),
        result_schema=None if result is None else json.dumps(result),
        effect=EFFECTS[tool.get("effect", "once")],
        accesses=[
            types.Access(one["capability"], one.get("argument"), one.get("methods", []))
            for one in tool.get("accesses", [])
        ],
    )


class WitWorld(wit_world.WitWorld):
    def specs(self):
        return [spec(tool) for tool in tools]

    def call(self, info, name, arguments):
        try:
            if name not in NAMED:
                raise ToolError("unknown-tool", f"There is no tool `{name}` in here.")
            # The snapshot that the component is made of holds one state for all calls.
            random.seed(info.seed)
            result = NAMED[name]["run"](json.loads(arguments), info)
            if isinstance(result, str) and "result" not in NAMED[name]:
                return types.ToolOutput(result)
            return types.ToolOutput(json.dumps(result, ensure_ascii=False))
        except BaseException as error:
            kind, message, retryable = fault(error)
            raise Err(types.ToolError(types.ErrorKind[kind.upper().replace("-", "_")], message, retryable))
