"""A service that runs until the measurement ends, and the cabinets that it signs. Used by the programs beside it."""

import os
import random
import re
import struct
import subprocess
import threading

CERTIFICATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "testcerts")
HERTZ = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def configure(folder, profile="test", service="", key=None):
    """Writes `proofmark.toml`; `profile` is also the gate, `service` are lines for `[service]`."""
    lines = [f"[service]\n{service}", f"[service.profile.{profile}]\ngate = '{profile}'\n"]
    if profile == "retail":
        key = key or f"[profile.retail]\npfx = '{CERTIFICATES}/demo-retail.pfx'\n"
        lines = [f"[trust]\nroots = ['{CERTIFICATES}/demo-retail-root.cer']\n", key, *lines]
    with open(os.path.join(folder, "proofmark.toml"), "w") as file:
        file.write("".join(lines))


def run(program, folder, *words):
    """What a command prints."""
    ended = subprocess.run([program, *words], cwd=folder, check=True, capture_output=True, text=True)
    return ended.stdout.strip()


class Service:
    """`proofmark serve` in a folder."""

    def __init__(self, program, folder, before=(), environment=None):
        self.process = subprocess.Popen(
            [*before, program, "serve", "--listen", "127.0.0.1:0"],
            cwd=folder, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.url = None
        said = []
        for line in self.process.stderr:
            said.append(line)
            found = re.match(r"listening on http://(\S+):(\d+)", line)
            if found:
                self.url = f"http://{found[1]}:{found[2]}"
                self.address = (found[1], int(found[2]))
                break
        assert self.url, "the service did not begin:\n" + "".join(said)
        threading.Thread(target=lambda: [None for _ in self.process.stderr], daemon=True).start()

    def cpu(self):
        """Seconds of processor time so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / HERTZ

    def memory(self):
        """Resident bytes, now and at most."""
        with open(f"/proc/{self.process.pid}/status") as file:
            found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", file.read(), re.M))
        return int(found["VmRSS"]) * 1024, int(found["VmHWM"]) * 1024

    def kill(self):
        self.process.kill()
        self.process.wait()


class Cabinets:
    """Cabinets of one file of random bytes, each another: a word of it is changed, and the checksum with it."""

    def __init__(self, program, folder, size=10_000):
        os.makedirs(os.path.join(folder, "files"), exist_ok=True)
        content = random.Random(1).randbytes(size)
        with open(os.path.join(folder, "files", "a.bin"), "wb") as file:
            file.write(content)
        run(program, folder, "package", "pack", "--stored", "--out", "a.cab", "files")
        with open(os.path.join(folder, "a.cab"), "rb") as file:
            self.base = file.read()
        # A stored block is its checksum, two lengths and the bytes; the checksum is the exclusive or of its words.
        self.data = self.base.index(content[:16])
        self.checksum, = struct.unpack_from("<I", self.base, self.data - 8)
        self.first, = struct.unpack_from("<I", self.base, self.data)

    def make(self, number):
        """Cabinet number so and so."""
        at = self.data
        return b"".join((
            self.base[:at - 8], struct.pack("<I", self.checksum ^ self.first ^ number),
            self.base[at - 4:at], struct.pack("<I", number), self.base[at + 4:]))
