#!/usr/bin/env python3
"""What a turn costs on the embedded model and on llama.cpp's server, in one run, by turns.

    python3 -m venv target/llama-server
    target/llama-server/bin/pip install -r scripts/requirements.txt
    target/llama-server/bin/python scripts/compare-with-llama-server.py MODEL.gguf

Both get the same conversation with the same model file and as many threads: about 1,500 tokens,
then the same with about 100 more, then that again where nothing of it is known yet.
"""

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINE = "The quick brown fox number 7 jumps over the lazy dog near the old stone bridge. "
OUTPUT_TOKENS_MAX = 24


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", help="the GGUF file")
    arguments.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--rounds", type=int, default=2, help="how often each is measured")
    given = arguments.parse_args()
    embedded = ["cargo", "run", "--release", "--quiet", "--package", "leadhand-inference",
                "--example", "measure", "--", given.model, str(given.threads)]
    for number in range(1, given.rounds + 1):
        print(f"== round {number}: embedded", flush=True)
        subprocess.run(embedded, cwd=ROOT, check=True)
        print(f"== round {number}: llama.cpp's server", flush=True)
        measure_server(given)


def measure_server(given: argparse.Namespace) -> None:
    """A server that nobody has asked anything yet."""
    command = [sys.executable, str(ROOT / "scripts/llama-server.py"), given.model,
               "--threads", str(given.threads), "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as server:
        address = server.stdout.readline().strip()
        ask(address, "short prompt", [user("Name three uses of a directed acyclic graph and "
                                           "explain each in two sentences.")], 128)
        messages = [{"role": "system", "content": "You are a careful assistant."},
                    user(LINE * 77)]
        said = ask(address, "1,500 tokens, nothing cached", messages)
        messages += [{"role": "assistant", "content": said}, user(LINE * 5)]
        ask(address, "100 tokens more, with reuse", messages)
        messages[0]["content"] = "New. " + messages[0]["content"]
        ask(address, "the same, without reuse", messages)
        server.stdin.close()


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def ask(address: str, what: str, messages: list, tokens_max: int = OUTPUT_TOKENS_MAX) -> str:
    body = {"messages": messages, "max_tokens": tokens_max, "temperature": 0}
    request = urllib.request.Request(f"{address}/chat/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as response:
        reply = json.load(response)
    spent = reply["timings"]
    print(f"{what:<30} {spent.get('cache_n', 0):5} cached {spent['prompt_n']:5} read in "
          f"{spent['prompt_ms'] / 1000:7.2f} s ({spent['prompt_per_second']:5.0f} tokens/s), "
          f"{spent['predicted_n']} written at {spent['predicted_per_second']:5.1f} tokens/s",
          flush=True)
    return reply["choices"][0]["message"]["content"]


if __name__ == "__main__":
    main()
