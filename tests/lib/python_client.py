# SPDX-License-Identifier: BSD-3-Clause
"""Uses tools/mailrail.py as a program of an operator would, against a running node.

    python_client.py SOCKET POOL BACKEND
    python_client.py https://... POOL BACKEND TOKEN CA_FILE

TOKEN is one of an administrator. Ends with an exception at the first thing that is not as it
should be."""

import contextlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import mailrail  # noqa: E402


@contextlib.contextmanager
def raises(kind, part=""):
    try:
        yield
    except kind as problem:
        assert part in str(problem), f"{problem!r} does not say {part!r}"
    else:
        raise AssertionError(f"no {kind.__name__}")


def check_names(node, pool):
    assert "backend" in dir(node) and "drain" in dir(node.backend)
    assert "pool (required)" in node.backend.drain.__doc__
    with raises(AttributeError, "did you mean backend"):
        node.bakends
    with raises(AttributeError, "did you mean drain"):
        node.backend.drian
    with raises(TypeError, "did you mean backend"):
        node.backend.drain(pool=pool, bakends="x")
    with raises(TypeError, "needs backend"):
        node.backend.drain(pool=pool)
    with raises(TypeError, "did you mean pool.list"):
        node.call("pool.lis")


def check_errors(node, pool, backend):
    with raises(mailrail.NotFound, "no-such-pool"):
        node.pool.show(pool="no-such-pool")
    with raises(mailrail.InvalidParams, "/weight"):
        node.backend.set(pool=pool, backend=backend, weight=1001)
    try:
        node.backend.set(pool=pool, backend=backend, weight="7")
    except mailrail.Error as problem:
        assert problem.code == -32602 and problem.data[0]["pointer"] == "/weight", problem.data
    else:
        raise AssertionError("a weight that is no number")


def check_changes(node, pool, backend):
    """Compare and set, and that repeating is harmless."""
    generation = node.config.get()["generation"]
    changed = node.backend.set(pool=pool, backend=backend, weight=77, generation=generation)
    assert changed["changed"] and changed["generation"] == generation + 1, changed
    with raises(mailrail.StaleGeneration):
        node.backend.set(pool=pool, backend=backend, weight=78, generation=generation)
    again = node.backend.set(pool=pool, backend=backend, weight=77)
    assert not again["changed"] and again["generation"] == generation + 1, again
    # A parameter that is a word of Python.
    diff = node.config.diff(from_=generation, to=generation + 1)
    assert any("weight" in change["pointer"] for change in diff["changes"]), diff


def check_batch(node):
    with node.batch() as batch:
        pools, missing, info = (batch.pool.list(), batch.pool.show(pool="no-such-pool"),
                                batch.node.info())
    assert pools.result()["pools"] and info.result()
    with raises(mailrail.NotFound):
        missing.result()
    with raises(RuntimeError, "not been sent"):
        node.batch().call("pool.list").result()


def check_events(node, connect, pool, backend):
    """Events come while other calls are made."""
    events = node.events.subscribe(kinds=["config.applied"])
    assert events.start["sequence"] >= 0
    with connect() as other:
        applied = other.backend.set(pool=pool, backend=backend, weight=80)["generation"]
    node.pool.list()
    event = events.next(timeout=10)
    assert event["kind"] == "config.applied", event
    assert event["details"]["generation"] == applied, event
    with raises(TimeoutError):
        events.next(timeout=0.01)
    # Those that are kept come first.
    for repeated in node.events.subscribe(since=event["sequence"] - 1, kinds=["config.applied"]):
        assert repeated == event
        break


def main():
    to, pool, backend, *rest = sys.argv[1:]
    options = dict(zip(("token", "ca_file"), rest), timeout=10)

    def connect():
        return mailrail.connect(to, **options)

    with connect() as node:
        check_names(node, pool)
        check_errors(node, pool, backend)
        check_changes(node, pool, backend)
        check_batch(node)
        check_events(node, connect, pool, backend)
        if not rest:
            assert node.events.unsubscribe()["changed"]
    if rest:
        options["token"] = "nobody's"
        with raises(ConnectionError, "401"), connect() as stranger:
            stranger.pool.list()
        return
    with raises(OSError):
        node.pool.list()
    with raises(FileNotFoundError):
        mailrail.connect(to + ".none")


main()
