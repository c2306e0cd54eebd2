#!/usr/bin/env python3
"""Lets slow clients keep connections open while a fast one signs.

    benches/service/slow.py PROOFMARK [CLIENTS]

Of CLIENTS (1000), half send a byte of a request's head every second, half a byte of its body. The time of a signature is
measured before they come and while they are there.
"""

import http.client
import os
import resource
import socket
import sys
import tempfile
import threading
import time

from server import Cabinets, Service, configure, run

SIGNATURES = 200


def main():
    program = os.path.abspath(sys.argv[1])
    clients = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with tempfile.TemporaryDirectory() as folder:
        configure(folder, "retail", "requests-at-once = 64\n")
        token = lambda name: run(program, folder, "token", "create", "--role", "sign", "--profile", "retail", name)
        fast, slow = token("fast"), [token(f"slow{number}") for number in range(-(-clients // 2 // 64))]
        cabinets = Cabinets(program, folder)
        # As many files as a shell usually allows.
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        service = Service(program, folder)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        connection = http.client.HTTPConnection(*service.address, timeout=60)
        number = 0

        def sign():
            nonlocal number
            times = []
            for _ in range(SIGNATURES):
                number += 1
                begun = time.perf_counter()
                connection.request("POST", "/v1/sign?profile=retail&name=a.cab", cabinets.make(number),
                                   {"Authorization": f"Bearer {fast}"})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200, answer.status
                times.append(time.perf_counter() - begun)
            times.sort()
            return times[len(times) // 2] * 1e3, times[int(len(times) * 0.99)] * 1e3

        alone = sign()
        head = b"POST /v1/sign?profile=retail&name=a.cab HTTP/1.1\r\nHost: x\r\n"
        open_ones = []
        for client in range(clients):
            slow_one = socket.create_connection(service.address)
            slow_one.sendall(head)
            if client % 2:
                bearer = slow[client // 2 // 64]
                slow_one.sendall(f"Authorization: Bearer {bearer}\r\nContent-Length: 10000\r\n\r\n".encode())
            open_ones.append(slow_one)
        end = threading.Event()

        def drip():
            while not end.wait(1):
                for slow_one in open_ones:
                    try:
                        slow_one.send(b"x")
                    except OSError:
                        pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        time.sleep(2)
        beside = sign()
        still = len(os.listdir(f"/proc/{service.process.pid}/fd"))
        memory = service.memory()
        end.set()
        dripping.join()
        service.kill()
        print(f"alone: median {alone[0]:.1f} ms, 99 % {alone[1]:.1f} ms")
        print(f"beside {clients} slow clients ({still} files open): median {beside[0]:.1f} ms, 99 % {beside[1]:.1f} ms; "
              f"memory at most {memory[1] / 2**20:.0f} MiB")


main()
