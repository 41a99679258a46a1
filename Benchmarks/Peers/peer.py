"""Runs other libraries' versions of a kernel for the benchmarks.

One JSON object a line each way. Requests on standard input:

    {"command": "prepare", "kernel": K, "inputs": [FILE.npy, ...], "differentiated": N, "options": {...}}
        -> {"peers": [{"name": P, "passes": ["forward", "forward+backward"]}, ...]}
    {"command": "result", "peer": P, "folder": F}      value and gradients, which also compiles and warms up
        -> {"value": FILE.npy, "gradients": [FILE.npy, ...]}, "indices": FILE.npy where the value is of chosen points
           and "classes": FILE.npy, births and deaths, where it is of persistent homology
    {"command": "run", "peer": P, "pass": "forward"}
        -> {"seconds": S}                              one turn of the race, as Race.swift has it
    {"command": "versions"}
        -> {"versions": {"torch": V, ...}}

Whatever goes wrong is answered with {"error": "one line"}. Everything a library prints goes to standard error.
"""

import importlib
import json
import os
import pathlib
import re
import sys
import time
from importlib import metadata

import numpy

folder = pathlib.Path(__file__).parent
requests = sys.stdin
replies = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
sys.path.insert(0, str(folder))


def timed(run):
    start = time.perf_counter()
    outcome = run()
    seconds = time.perf_counter() - start
    del outcome
    return seconds


# Seconds from which on a run that nothing went before counts too, as Race.swift has it.
is_long = 4


class Session:
    def __init__(self):
        self.peers = {}
        self.long = {}

    def prepare(self, kernel, inputs, differentiated, options):
        # What the kernel before held goes first.
        self.peers, self.long = {}, {}
        module = "kernels." + re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), kernel)
        if importlib.util.find_spec(module) is None:
            return {"peers": []}
        arrays = [numpy.load(path) for path in inputs]
        peers = importlib.import_module(module).peers(arrays, differentiated, options)
        self.peers = {peer.name: peer for peer in peers}
        return {"peers": [{"name": peer.name, "passes": list(peer.passes)} for peer in peers]}

    def result(self, peer, folder):
        passes = self.peers[peer].passes
        for name, run in passes.items():
            start = time.perf_counter()
            outcome = run()
            self.long[peer, name] = time.perf_counter() - start
        value, gradients = outcome if "forward+backward" in passes else (outcome, [])
        paths = []
        for index, array in enumerate([value, *gradients]):
            paths.append(os.path.join(folder, f"peer-{index}.npy"))
            numpy.save(paths[-1], numpy.asarray(array, dtype=numpy.float32))
        reply = {"value": paths[0], "gradients": paths[1:]}
        if self.peers[peer].indices:
            reply["indices"] = os.path.join(folder, "peer-indices.npy")
            numpy.save(reply["indices"], self.peers[peer].indices())
        if self.peers[peer].classes:
            reply["classes"] = os.path.join(folder, "peer-classes.npy")
            numpy.save(reply["classes"], self.peers[peer].classes().astype(numpy.float64))
        return reply

    def run(self, peer, **request):
        run = self.peers[peer].passes[request["pass"]]
        # What takes very long and compiles nothing is not run again.
        before = self.long.get((peer, request["pass"]), 0)
        if before >= is_long and self.peers[peer].is_compiled:
            return {"seconds": before}
        first = timed(run)
        if first >= is_long:
            return {"seconds": first}
        times = [timed(run) for _ in range(3 if first < 0.1 else 1)]
        return {"seconds": sorted(times)[len(times) // 2]}

    def versions(self):
        lines = (folder / "requirements.txt").read_text().splitlines()
        names = [line.split("==")[0] for line in lines if "==" in line]
        return {"versions": {name: metadata.version(name) for name in names}}


session = Session()
for line in requests:
    request = json.loads(line)
    try:
        reply = getattr(session, request.pop("command"))(**request)
    except Exception as problem:
        reply = {"error": " ".join(f"{type(problem).__name__}: {problem}".split())[:500]}
    print(json.dumps(reply), file=replies)
