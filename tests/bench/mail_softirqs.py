# SPDX-License-Identifier: BSD-3-Clause
"""Time in softirqs on top of processes: mail_softirqs.bpf.c, through libbpf."""

import ctypes
import os


def _library():
    library = ctypes.CDLL("libbpf.so.1", use_errno=True)
    for name in ("bpf_object__open", "bpf_object__next_program", "bpf_program__attach"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


class Softirqs:
    """Watches for as long as the process lives."""

    def __init__(self, path):
        self.library = _library()
        bpf = ctypes.c_void_p(self._made(self.library.bpf_object__open(path.encode())))
        if self.library.bpf_object__load(bpf) != 0:
            self._fail()
        program = self.library.bpf_object__next_program(bpf, None)
        while program:
            self._made(self.library.bpf_program__attach(ctypes.c_void_p(program)))
            program = self.library.bpf_object__next_program(bpf, ctypes.c_void_p(program))
        self.map = self.library.bpf_object__find_map_fd_by_name(bpf, b"spent_ns")

    @staticmethod
    def _fail():
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "libbpf")

    def _made(self, pointer):
        if not pointer:
            self._fail()
        return pointer

    def seconds(self, pid):
        key, value = ctypes.c_uint32(pid), ctypes.c_uint64()
        self.library.bpf_map_lookup_elem(self.map, ctypes.byref(key), ctypes.byref(value))
        return value.value / 1e9
