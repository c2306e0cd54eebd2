#!/usr/bin/env python3
"""Watches the memory of the service while it signs a large file.

    benches/service/large.py PROOFMARK [MIB] [CLIENTS]

A cabinet of MIB (1024) is signed with the gate of retail images, then by CLIENTS (4) at once.
"""

import http.client
import os
import sys
import tempfile
import threading
import time

from server import Service, configure, run


def main():
    program = os.path.abspath(sys.argv[1])
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 1024
    clients = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    with tempfile.TemporaryDirectory() as folder:
        configure(folder, "retail")
        token = run(program, folder, "token", "create", "--role", "sign", "--profile", "retail", "load")
        for name, length in (("small", 10_000), ("large", size << 20)):
            os.mkdir(os.path.join(folder, name))
            with open(os.path.join(folder, name, "a.bin"), "wb") as file:
                file.truncate(length)
            run(program, folder, "package", "pack", "--stored", "--out", f"{name}.cab", name)
            os.remove(os.path.join(folder, name, "a.bin"))
        service = Service(program, folder)

        def sign(name):
            path = os.path.join(folder, f"{name}.cab")
            connection = http.client.HTTPConnection(*service.address, timeout=600)
            with open(path, "rb") as body:
                headers = {"Authorization": f"Bearer {token}", "Content-Length": str(os.path.getsize(path))}
                connection.request("POST", f"/v1/sign?profile=retail&name={name}.cab", body, headers)
                answer = connection.getresponse()
                received = 0
                while chunk := answer.read(1 << 20):
                    received += len(chunk)
            assert answer.status == 200 and received > os.path.getsize(path), (answer.status, received)

        sign("small")
        _, before = service.memory()
        for number in (1, clients):
            begun = time.monotonic()
            threads = [threading.Thread(target=sign, args=("large",)) for _ in range(number)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            now, most = service.memory()
            print(f"{number} of {size} MiB at once: {time.monotonic() - begun:.1f} s; memory {before / 2**20:.0f} MiB before, "
                  f"{most / 2**20:.0f} MiB at most, {now / 2**20:.0f} MiB after")
        service.kill()


main()
