#!/usr/bin/env python3
"""Measures how many small cabinets a second the service signs, against the rate of the bare key.

    benches/service/load.py PROOFMARK [--seconds 10] [--clients 32] [--database postgres://...] [--keyed]

PROOFMARK is a release build. Every request has another cabinet of 10 KB, which passes the gate of retail images, and is signed
with a key of RSA-2048. Clients share the machine with the service: beside the rate there is what counts on any machine, the
processor time of the service for each signature, against that of one bare signature of `openssl speed` in the same run.
"""

import argparse
import multiprocessing
import os
import re
import selectors
import socket
import subprocess
import tempfile
import time

from server import Cabinets, Service, configure, run


def bare(processes):
    """Signatures a second of `openssl speed`."""
    speed = ["openssl", "speed", "-seconds", "3", "-multi", str(processes), "rsa2048"]
    said = subprocess.run(speed, check=True, capture_output=True, text=True).stdout
    return float(re.search(r"^rsa 2048 bits\s+\S+\s+\S+\s+(\S+)", said, re.M)[1])


def load(address, token, cabinets, clients, seconds, keyed, results):
    """Keeps every client's next request on its way, in one thread."""
    fixed = (f"POST /v1/sign?profile=retail&name=a.cab HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
             f"Content-Length: {len(cabinets.base)}\r\n").encode()
    chosen = selectors.DefaultSelector()
    number, latencies, entries, errors = 0, [], set(), []

    def send(connection):
        nonlocal number
        number += 1
        key = f"Idempotency-Key: {os.getpid()}-{number}\r\n".encode() if keyed else b""
        connection.sendall(fixed + key + b"\r\n" + cabinets.make(number))
        return time.perf_counter()

    begun = time.perf_counter()
    for _ in range(clients):
        connection = socket.create_connection(address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chosen.register(connection, selectors.EVENT_READ, [send(connection), b"", None])
    left = clients
    # The first second warms up.
    counted, own = None, None
    while left:
        for key, _ in chosen.select():
            connection, state = key.fileobj, key.data
            state[1] += connection.recv(1 << 18)
            if state[2] is None:
                at = state[1].find(b"\r\n\r\n")
                if at < 0:
                    continue
                head = state[1][:at].lower()
                length = int(re.search(rb"content-length: (\d+)", head)[1])
                state[2] = at + 4 + length
                if not head.startswith(b"http/1.1 200"):
                    errors.append(state[1][:600])
                else:
                    entries.add(int(re.search(rb"proofmark-entry: (\d+)", head)[1]))
            if len(state[1]) < state[2]:
                continue
            now = time.perf_counter()
            if counted is not None:
                latencies.append(now - state[0])
            elif now - begun > 1:
                counted, own = now, time.process_time()
            if errors or (counted is not None and now - counted > seconds):
                chosen.unregister(connection)
                connection.close()
                left -= 1
                continue
            state[1], state[2] = b"", None
            state[0] = send(connection)
    counted = counted or time.perf_counter()
    results.put((latencies, len(entries), number, errors[:1], time.perf_counter() - counted, time.process_time() - (own or 0)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--database")
    parser.add_argument("--keyed", action="store_true", help="every request has an idempotency key")
    parser.add_argument("--pid-file", help="where the number of the service's process is written, for a profiler")
    arguments = parser.parse_args()
    program, cores = os.path.abspath(arguments.program), os.cpu_count()
    with tempfile.TemporaryDirectory() as folder:
        database = f"database = '{arguments.database}'\n" if arguments.database else ""
        configure(folder, "retail", f"{database}requests-per-minute = 100000000\nrequests-at-once = 10000\n")
        token = run(program, folder, "token", "create", "--role", "sign", "--profile", "retail", "load")
        cabinets = Cabinets(program, folder)
        one, all_cores = bare(1), bare(cores)
        service = Service(program, folder)
        if arguments.pid_file:
            with open(arguments.pid_file, "w") as file:
                file.write(str(service.process.pid))
        results = multiprocessing.Queue()
        words = (service.address, token, cabinets, arguments.clients, arguments.seconds, arguments.keyed, results)
        client = multiprocessing.Process(target=load, args=words)
        client.start()
        time.sleep(1.2)
        cpu, begun = service.cpu(), time.monotonic()
        time.sleep(arguments.seconds - 0.4)
        cpu, took = service.cpu() - cpu, time.monotonic() - begun
        latencies, entries, sent, errors, seconds, own = results.get()
        client.join()
        memory = service.memory()
        service.kill()
        assert not errors, errors
        assert entries == sent, "an answer without an entry of its own"
        latencies.sort()
        rate = len(latencies) / seconds
        each = cpu / (rate * took)
        median, last = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
        print(f"bare RSA-2048, openssl: {one:.0f} a second with one process, {all_cores:.0f} with {cores}; "
              f"{1e6 / one:.0f} us each")
        print(f"signed: {len(latencies)} in {seconds:.1f} s, {rate:.0f} a second with {arguments.clients} clients, "
              f"{rate / all_cores:.2f} of the bare rate")
        print(f"processor time: {each * 1e6:.0f} us of the service for each, of which a bare signature is "
              f"{1 / one / each:.2f}; {own / len(latencies) * 1e6:.0f} us of the client")
        print(f"latency: median {median * 1e3:.1f} ms, 99 % {last * 1e3:.1f} ms ({last / median:.1f} times the median), "
              f"longest {latencies[-1] * 1e3:.1f} ms")
        print(f"memory at most: {memory[1] / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
