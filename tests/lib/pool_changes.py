#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Changes a pool at random, over and over, as operators do with mailrailctl.

    pool_changes.py CTL SOCKET --pool NAME --changes N --seed N [--pause SECONDS] NAME=ADDRESS...

Backends are those named; each change adds one, removes, drains, enables or re-weights one, puts
them in another order, or applies the same configuration again. None is disabled, and at least
one that is up may always get new sessions. While nobody listens at the socket it waits, and
then makes the change, once more perhaps. Prints a line for each change; the exit status is 1
when one was refused.
"""

import argparse
import json
import random
import subprocess
import sys
import time

UNREACHABLE = 3  # mailrailctl(1)
PATIENCE_S = 30


class Refused(Exception):
    """mailrailctl says so."""


class Balancer:
    """What mailrailctl says and does."""

    def __init__(self, ctl, socket):
        self.command = [ctl, "--socket", socket, "--json"]

    def call(self, *arguments, text=None):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            done = subprocess.run([*self.command, *arguments], input=text, text=True,
                                  capture_output=True, check=False)
            if done.returncode != UNREACHABLE or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        if done.returncode != 0:
            raise Refused(f"{' '.join(arguments)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def configuration(self):
        reply = self.call("config", "get")
        return reply.get("config", reply)

    def apply(self, configuration):
        self.call("config", "apply", "-", text=json.dumps(configuration))

    def health(self, pool):
        return {backend["name"]: backend["health"]
                for backend in self.call("backend", "list", pool)["backends"]}


class Changes:
    """One method for each kind of change; it returns what it did, or None when it may not."""

    def __init__(self, balancer, pool, servers, rng):
        self.balancer, self.pool, self.servers, self.rng = balancer, pool, servers, rng
        self.configuration = self.backends = self.health = None

    def look(self):
        self.configuration = self.balancer.configuration()
        self.backends = next(pool for pool in self.configuration["pools"]
                             if pool["name"] == self.pool)["backends"]
        self.health = self.balancer.health(self.pool)

    def serves_without(self, name):
        return any(backend["name"] != name and self.health.get(backend["name"]) == "up" and
                   backend.get("state", "enabled") == "enabled" and backend.get("weight", 100) > 0
                   for backend in self.backends)

    def pick(self):
        return self.rng.choice(self.backends)

    def add(self):
        missing = sorted(set(self.servers) - {backend["name"] for backend in self.backends})
        if not missing:
            return None
        name = self.rng.choice(missing)
        self.backends.insert(self.rng.randrange(len(self.backends) + 1),
                             {"name": name, "address": self.servers[name],
                              "weight": self.rng.randrange(1, 300)})
        self.balancer.apply(self.configuration)
        return f"add {name}"

    def remove(self):
        backend = self.pick()
        if not self.serves_without(backend["name"]):
            return None
        self.backends.remove(backend)
        self.balancer.apply(self.configuration)
        return f"remove {backend['name']}"

    def drain(self):
        name = self.pick()["name"]
        if not self.serves_without(name):
            return None
        self.balancer.call("backend", "drain", f"{self.pool}/{name}")
        return f"drain {name}"

    def enable(self):
        name = self.pick()["name"]
        self.balancer.call("backend", "enable", f"{self.pool}/{name}")
        return f"enable {name}"

    def weigh(self):
        name = self.pick()["name"]
        weight = self.rng.randrange(0 if self.serves_without(name) else 1, 300)
        self.balancer.call("backend", "set", f"{self.pool}/{name}", f"weight={weight}")
        return f"weigh {name} {weight}"

    def shuffle(self):
        self.rng.shuffle(self.backends)
        self.balancer.apply(self.configuration)
        return "order " + " ".join(backend["name"] for backend in self.backends)

    def repeat(self):
        self.balancer.apply(self.configuration)
        self.balancer.apply(self.configuration)
        return "the same twice"

    def make(self):
        """One change; those that may not be made are drawn again."""
        while True:
            self.look()
            change = self.rng.choice([self.add, self.remove, self.drain, self.enable, self.weigh,
                                      self.shuffle, self.repeat])
            done = change()
            if done:
                return done


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("ctl")
    parser.add_argument("socket")
    parser.add_argument("--pool", required=True)
    parser.add_argument("--changes", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--pause", type=float, default=0.5)
    parser.add_argument("servers", nargs="+", metavar="NAME=ADDRESS")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    changes = Changes(Balancer(options.ctl, options.socket), options.pool,
                      dict(server.split("=", 1) for server in options.servers), rng)
    for number in range(1, options.changes + 1):
        try:
            print(f"{number}: {changes.make()}", flush=True)
        except Refused as refused:
            print(f"{number}: refused: {refused}", flush=True)
            return 1
        time.sleep(rng.uniform(0, options.pause))
    return 0


if __name__ == "__main__":
    sys.exit(main())
