# SPDX-License-Identifier: BSD-3-Clause
"""Speaks to mailraild over JSON-RPC 2.0; the standard library is all it needs.

    import mailrail

    with mailrail.connect() as node:
        node.backend.drain(pool="hub-transport", backend="hub1")
        for event in node.events.subscribe(kinds=["drain.finished"]):
            print(event["details"]["backend"])
            break

The methods are those of the node itself: what rpc.discover says is fetched once, and names and
parameters are checked against it before anything is sent. dir(node), dir(node.backend) and
help(node.backend.drain) show what there is. A parameter whose name is a word of Python, like from,
is written with an underscore behind it.

connect() takes the path of a socket or an address: http://127.0.0.1:9080, https://lb1:9443. Over
HTTPS a token or a client certificate says who calls. What the node refuses is an Error; what goes
wrong on the way is an OSError, TimeoutError among them. A connection is for one thread at a
time."""

import collections
import difflib
import http.client
import json
import socket
import ssl
import time
import urllib.parse

__all__ = ["DEFAULT_SOCKET", "Error", "Forbidden", "InvalidParams", "NotFound", "Refused",
           "StaleGeneration", "connect"]

DEFAULT_SOCKET = "/run/mailrail/control.sock"


class Error(Exception):
    """What the node answered instead of a result: code, message, and data, a list of
    {"pointer", "message"}, pointers being JSON Pointers into the parameters."""

    def __init__(self, code, message, data=None):
        reasons = [f"{item['pointer']}: {item['message']}".removeprefix(": ")
                   for item in data or []]
        super().__init__("; ".join([message] + reasons))
        self.code = code
        self.message = message
        self.data = data or []


class InvalidParams(Error):
    """Parameters are missing or wrong."""


class Refused(Error):
    """The change is well formed, but cannot take effect; nothing has changed."""


class StaleGeneration(Error):
    """The change was made for another generation than the one in force."""


class NotFound(Error):
    """An object named in the parameters does not exist."""


class Forbidden(Error):
    """The caller's role does not reach to this method."""


_ERRORS = {-32602: InvalidParams, 1000: Refused, 1001: StaleGeneration, 1002: NotFound,
           1003: Forbidden}


def _result_of(answer):
    if "error" not in answer:
        return answer["result"]
    error = answer["error"]
    kind = _ERRORS.get(error["code"], Error)
    raise kind(error["code"], error["message"], error.get("data"))


def connect(to=DEFAULT_SOCKET, *, timeout=30.0, token=None, ca_file=None, certificate=None,
            key=None, context=None):
    """Returns a Node. timeout: seconds for each answer; None: without end. ca_file: whom to trust
    instead of the system's authorities. certificate, key: files of the client's own. context: an
    ssl.SSLContext that is used as it is."""
    if not to.startswith(("http://", "https://")):
        return Node(_Socket(to, timeout))
    if to.startswith("https://") and context is None:
        context = ssl.create_default_context(cafile=ca_file)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    return Node(_Http(to, timeout, token, context))


class _Socket:
    """A JSON text in a line, there and back; notifications come between answers."""

    def __init__(self, path, timeout):
        self._timeout = timeout
        self._unread = b""
        self._lines = collections.deque()
        self._notifications = collections.deque()
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path)
        except BaseException:
            self._socket.close()
            raise

    def close(self):
        self._socket.close()

    def _read(self, deadline):
        """The next message."""
        while not self._lines:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError("no answer in time")
            self._socket.settimeout(left)
            got = self._socket.recv(1 << 16)
            if not got:
                raise ConnectionResetError("mailraild has closed the connection")
            *whole, self._unread = (self._unread + got).split(b"\n")
            self._lines.extend(line for line in whole if line.strip())
        return json.loads(self._lines.popleft())

    def ask(self, request):
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            while True:
                message = self._read(deadline)
                if isinstance(message, list) or "method" not in message:
                    return message
                self._notifications.append(message)
        except OSError:
            # A late answer would be taken for the next one's.
            self.close()
            raise

    def next_notification(self, timeout):
        if self._notifications:
            return self._notifications.popleft()
        return self._read(None if timeout is None else time.monotonic() + timeout)


class _Http:
    """POST /rpc; what subscribes to something is answered by a stream of lines."""

    def __init__(self, url, timeout, token, context):
        parts = urllib.parse.urlsplit(url)
        self._path = parts.path if parts.path not in ("", "/") else "/rpc"
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        if parts.scheme == "https":
            self._open = lambda: http.client.HTTPSConnection(parts.hostname, parts.port,
                                                             timeout=timeout, context=context)
        else:
            self._open = lambda: http.client.HTTPConnection(parts.hostname, parts.port,
                                                            timeout=timeout)
        self._connection = self._open()
        self._socket = None  # of the last request: http.client forgets those that will close
        self._streaming = None  # the socket that carries events, and the answer that they are in
        self._stream = None

    def close(self):
        self._connection.close()
        self._end_stream()

    def _end_stream(self):
        if self._stream is not None:
            self._stream.close()
            self._streaming.close()

    def _post(self, body):
        self._connection.request("POST", self._path, body, self._headers)
        self._socket = self._connection.sock
        return self._connection.getresponse()

    def _exchange(self, body):
        used = self._connection.sock is not None
        try:
            return self._post(body)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # An idle connection may have been closed meanwhile; repeating is harmless.
            self._connection.close()
            if not used:
                raise
            return self._post(body)

    def _keep_stream(self, answer):
        """Events have this connection for themselves from now on."""
        self._end_stream()
        self._streaming, self._stream = self._socket, answer
        self._connection = self._open()
        return answer.readline()

    def ask(self, request):
        try:
            answer = self._exchange(json.dumps(request).encode())
            if answer.headers.get_content_type() == "application/x-ndjson":
                text = self._keep_stream(answer)
            else:
                text = answer.read()
        except http.client.HTTPException as problem:
            self._connection.close()
            raise ConnectionError(f"no answer that HTTP knows: {problem!r}") from problem
        except OSError:
            self._connection.close()
            raise
        if answer.status != 200:
            reason = text.decode(errors="replace").strip()
            raise ConnectionError(f"HTTP {answer.status} {answer.reason}: {reason}"[:500])
        return json.loads(text)

    def next_notification(self, timeout):
        if self._stream is None:
            raise ConnectionError("there is no subscription")
        self._streaming.settimeout(timeout)
        line = self._stream.readline()
        if not line:
            raise ConnectionResetError("mailraild has ended the stream")
        return json.loads(line)


class _Methods:
    """What has a method call(name, **params) and a document, and nouns as attributes."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        nouns = {method.partition(".")[0] for method in self._methods()}
        if name not in nouns:
            raise AttributeError(f"there is no {name} at this node{_near(name, nouns)}")
        return _Noun(self, name)

    def __dir__(self):
        nouns = {method.partition(".")[0] for method in self._methods()}
        return sorted(nouns | set(super().__dir__()))

    def _check(self, method, params):
        """The parameters by their right names. TypeError: they cannot be meant."""
        described = self._methods().get(method)
        if described is None:
            raise TypeError(f"there is no method {method}{_near(method, self._methods())}")
        known = {param["name"]: param for param in described["params"]}
        named = {_plain(name, known): value for name, value in params.items()}
        for name in named:
            if name not in known:
                raise TypeError(f"{method} has no parameter {name}{_near(name, known)}")
        missing = [name for name, param in known.items()
                   if param.get("required") and name not in named]
        if missing:
            raise TypeError(f"{method} needs {', '.join(missing)}")
        return named


def _plain(name, known):
    return name[:-1] if name.endswith("_") and name[:-1] in known else name


def _near(name, candidates):
    found = difflib.get_close_matches(name, list(candidates), 1)
    return f" (did you mean {found[0]}?)" if found else ""


class _Noun:
    """Its methods are attributes."""

    def __init__(self, target, noun):
        self._target = target
        self._noun = noun

    def _verbs(self):
        return [method.partition(".")[2] for method in self._target._methods()
                if method.partition(".")[0] == self._noun]

    def __getattr__(self, verb):
        if verb.startswith("_") or verb not in self._verbs():
            raise AttributeError(f"{self._noun} has no {verb}{_near(verb, self._verbs())}")
        method = f"{self._noun}.{verb}"
        target = self._target

        def call(**params):
            return target.call(method, **params)

        call.__name__ = verb
        call.__qualname__ = method
        call.__doc__ = _document(target._methods()[method])
        return call

    def __dir__(self):
        return sorted(self._verbs())


def _document(described):
    lines = [f"{described['summary']}.", ""]
    for param in described["params"]:
        must = " (required)" if param.get("required") else ""
        lines.append(f"{param['name']}{must}: {param['description']}")
    lines.append(f"Returns: {described['result']['description']}")
    return "\n".join(lines)


class Node(_Methods):
    """A node of mailrail. Closes its connection at the end of a with statement."""

    def __init__(self, transport):
        self._transport = transport
        self._described = None
        self._last_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._transport.close()

    def _methods(self):
        """The methods of the OpenRPC document, by name."""
        if self._described is None:
            document = self._call("rpc.discover", {})
            self._described = {method["name"]: method for method in document["methods"]}
        return self._described

    def _request(self, method, params):
        self._last_id += 1
        return {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}

    def _call(self, method, params):
        request = self._request(method, params)
        answer = self._transport.ask(request)
        # Of a request that was too broken to be read the id is not known.
        if isinstance(answer, list) or answer.get("id") not in (request["id"], None):
            raise ConnectionError("an answer to another request")
        return _result_of(answer)

    def call(self, method, /, **params):
        """Calls a method by its name, "backend.list"; returns its result."""
        params = self._check(method, params)
        result = self._call(method, params)
        return Subscription(self, result) if method == "events.subscribe" else result

    def batch(self):
        """Calls that travel together, at the end of the with statement:

            with node.batch() as batch:
                pools, stats = batch.pool.list(), batch.stats.get()
            print(pools.result(), stats.result())
        """
        return Batch(self)


class Pending:
    """The answer of a call in a batch."""

    def __init__(self):
        self._answer = None

    def result(self):
        """The result, once the batch has been sent. Raises the Error that was answered."""
        if self._answer is None:
            raise RuntimeError("the batch has not been sent")
        return _result_of(self._answer)


class Batch(_Methods):
    """See Node.batch(). Nothing is sent when the with statement ends by an exception."""

    def __init__(self, node):
        self._node = node
        self._requests = []
        self._pending = {}

    def _methods(self):
        return self._node._methods()

    def call(self, method, /, **params):
        request = self._node._request(method, self._check(method, params))
        self._requests.append(request)
        self._pending[request["id"]] = Pending()
        return self._pending[request["id"]]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and self._requests:
            self._send()

    def _send(self):
        answers = self._node._transport.ask(self._requests)
        if isinstance(answers, dict):
            _result_of(answers)  # about the batch as a whole
            raise ConnectionError("one answer to several requests")
        for answer in answers:
            if answer.get("id") in self._pending:
                self._pending[answer["id"]]._answer = answer


class Subscription:
    """Events as they come, without end: each is a dict with sequence, time_ms, kind, text and
    details. A reader too slow for the node's backlog gets {"kind": "events.lost", "first", "last"}
    for what it has missed."""

    def __init__(self, node, start):
        self._node = node
        self.start = start  # what events.subscribe answered: sequence, oldest, stream

    def next(self, timeout=None):
        """The next event. TimeoutError: there was none for so many seconds; over HTTP that ends
        the subscription."""
        message = self._node._transport.next_notification(timeout)
        if message["method"] == "events.event":
            return message["params"]
        return {"kind": message["method"], **message["params"]}

    def __iter__(self):
        return self

    def __next__(self):
        return self.next()
