#!/usr/bin/env python3
"""Serves a GGUF file as an OpenAI-compatible endpoint, with llama.cpp's own server.

    python3 -m venv target/llama-server
    target/llama-server/bin/pip install -r scripts/requirements.txt
    target/llama-server/bin/python scripts/llama-server.py MODEL.gguf --port 8080

Once it answers it prints its base URL, for OPENAI_BASE_URL, and serves until it is interrupted.
"""

import argparse
import os
import sys
import threading

# Read by OpenMP when the library is loaded: threads that spin starve everyone else.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import xllamacpp


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", help="the GGUF file")
    arguments.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 1) - 1))
    arguments.add_argument("--context", type=int, default=8192, help="tokens of one conversation")
    arguments.add_argument("--parallel", type=int, default=1, help="conversations at once")
    arguments.add_argument("--until-stdin-closes", action="store_true",
                           help="so that it never outlives whoever started it")
    given = arguments.parse_args()
    if not os.path.isfile(given.model):
        sys.exit(f"{given.model} is no file")

    params = xllamacpp.CommonParams()
    params.model.path = given.model
    params.hostnames = ["127.0.0.1"]
    params.port = given.port
    params.n_ctx = given.context * given.parallel
    params.n_parallel = given.parallel
    params.cpuparams.n_threads = given.threads
    params.cpuparams_batch.n_threads = given.threads
    # Returns when the model is loaded and `/health` answers 200.
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    try:
        if given.until_stdin_closes:
            sys.stdin.read()
        else:
            threading.Event().wait()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
