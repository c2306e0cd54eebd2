#!/usr/bin/env python3
"""Kills the service under load and looks whether a signature left without its entry.

    benches/service/faults.py PROOFMARK [ROUNDS] [postgres://...]

PROOFMARK is the program. In every round four clients sign cabinets, half of them with idempotency keys, until the service is
killed with SIGKILL after a time between 0 and 1 s of load; then it is started again and must answer. At the end every answer that a
client got has to be an entry of the log with the same digest, entries have to be numbered without a gap, and a request
that is repeated with its key has to give the entry that it gave before.
"""

import hashlib
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from server import Cabinets, Service, configure, run

CLIENTS = 4


def sign(url, token, body, name, key=None):
    request = urllib.request.Request(
        f"{url}/v1/sign?profile=test&name={name}", data=body,
        headers={"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {})})
    with urllib.request.urlopen(request, timeout=60) as answer:
        signed = answer.read()
        return int(answer.headers["proofmark-entry"]), hashlib.sha256(signed).hexdigest()


def entries(folder, database):
    """Every entry by its number."""
    if database is None:
        import sqlite3
        rows = sqlite3.connect(os.path.join(folder, "proofmark-data/proofmark.db")).execute(
            "SELECT position, entry FROM audit_entry")
        return {position: json.loads(entry) for position, entry in rows}
    query = "SELECT position || ' ' || convert_from(entry, 'UTF8') FROM audit_entry"
    text = subprocess.run(["psql", "-Atc", query, database], check=True, capture_output=True, text=True).stdout
    return {int(line.split(" ", 1)[0]): json.loads(line.split(" ", 1)[1]) for line in text.splitlines()}


def main():
    program = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    database = sys.argv[3] if len(sys.argv) > 3 else None
    with tempfile.TemporaryDirectory() as folder:
        configure(folder, "test", f"database = '{database}'\n" if database else "")
        token = run(program, folder, "token", "create", "--role", "sign", "--profile", "test", "load")
        body = Cabinets(program, folder).base
        answers, keyed, failures, slowest = [], {}, 0, 0.0
        lock = threading.Lock()
        chance = random.Random(7)
        for number in range(rounds):
            begun = time.monotonic()
            service = Service(program, folder)
            sign(service.url, token, body, "a.cab")
            slowest = max(slowest, time.monotonic() - begun)
            stop = threading.Event()

            def load(client):
                nonlocal failures
                count = 0
                while not stop.is_set():
                    count += 1
                    key = f"{number}-{client}-{count}" if count % 2 else None
                    try:
                        entry, digest = sign(service.url, token, body, "a.cab", key)
                    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
                        with lock:
                            failures += 1
                        if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                            raise
                        continue
                    with lock:
                        answers.append((entry, digest))
                        if key:
                            keyed[key] = entry

            threads = [threading.Thread(target=load, args=(client,)) for client in range(CLIENTS)]
            for thread in threads:
                thread.start()
            time.sleep(chance.random())
            service.kill()
            stop.set()
            for thread in threads:
                thread.join()
        service = Service(program, folder)
        repeated = list(keyed.items())[-200:]
        for key, entry in repeated:
            assert sign(service.url, token, body, "a.cab", key)[0] == entry, f"{key}: signed twice"
        service.kill()
        log = entries(folder, database)
        assert sorted(log) == list(range(len(log))), "the log has a gap"
        for entry, digest in answers:
            assert log[entry]["decision"] == "signed", entry
            assert log[entry]["output"]["sha256"] == digest, entry
        assert len({entry for entry, _ in answers}) == len(answers), "two answers with one entry"
        print(f"{rounds} kills, {len(answers)} signatures answered, {failures} requests cut, {len(log)} entries, "
              f"{len(repeated)} repeated by key, slowest start to first signature {slowest:.1f} s: nothing lost")


main()
