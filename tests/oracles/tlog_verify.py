"""Verifies a log of tlog-tiles with hashlib and openssl, from the specifications alone.

    tlog_verify.py log FOLDER VKEY               every entry and every tile, to the root of the checkpoint
    tlog_verify.py proof PROOF ENTRY VKEY        a c2sp.org/tlog-proof of an entry
"""

import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_hash(leaves):
    """MTH of RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(tree_hash(leaves[:split]), tree_hash(leaves[split:]))


def verify_note(note, vkey):
    """Checks the signature of a key in a note; answers with the text."""
    name, key_id, key = vkey.split("+", 2)
    key = base64.b64decode(key)
    assert key[0] == 1 and len(key) == 33
    assert hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    lines = [line.split(" ") for line in signatures.splitlines()]
    mine = [base64.b64decode(line[2]) for line in lines if line[:2] == ["\u2014", name]]
    mine = [signature for signature in mine if signature[:4].hex() == key_id]
    assert len(mine) == 1, "not signed by the log"
    spki = bytes.fromhex("302a300506032b6570032100") + key[1:]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "key").write_bytes(spki)
        (folder / "text").write_bytes(text.encode())
        (folder / "signature").write_bytes(mine[0][4:])
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile signature"
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return text


def checkpoint(note, vkey):
    origin, size, root = verify_note(note, vkey).splitlines()[:3]
    assert origin == vkey.split("+")[0]
    return int(size), base64.b64decode(root)


def path_of(level, index, width):
    digits = str(index).zfill((len(str(index)) + 2) // 3 * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    parts = ["x" + part for part in parts[:-1]] + parts[-1:]
    return f"tile/{level}/" + "/".join(parts) + (f".p/{width}" if width < 256 else "")


def verify_log(folder, vkey):
    folder = pathlib.Path(folder)
    size, root = checkpoint((folder / "checkpoint").read_text(), vkey)
    entries = []
    for start in range(0, size, 256):
        bundle = (folder / path_of("entries", start // 256, min(256, size - start))).read_bytes()
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            assert len(bundle) >= 2 + length
            entries.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    assert len(entries) == size
    hashes = [leaf_hash(entry) for entry in entries]
    assert tree_hash(hashes) == root, "another root"
    level = 0
    while hashes:
        for start in range(0, len(hashes), 256):
            part = hashes[start : start + 256]
            assert (folder / path_of(level, start // 256, len(part))).read_bytes() == b"".join(part)
        full = len(hashes) // 256
        hashes = [tree_hash(hashes[256 * at : 256 * (at + 1)]) for at in range(full)]
        level += 1
    decisions = [json.loads(entry)["decision"] for entry in entries]
    print(json.dumps({"size": size, "root": root.hex(), "decisions": decisions}))


def verify_proof(proof, entry, vkey):
    head, _, note = pathlib.Path(proof).read_text().partition("\n\n")
    kind, index, *path = head.split("\n")
    assert kind == "c2sp.org/tlog-proof@v1" and index.startswith("index ")
    index = int(index.removeprefix("index "))
    size, root = checkpoint(note, vkey)
    # RFC 9162, section 2.1.3.2.
    assert index < size
    node, last = index, size - 1
    found = leaf_hash(pathlib.Path(entry).read_bytes())
    for sibling in map(base64.b64decode, path):
        assert last > 0
        if node % 2 == 1 or node == last:
            found = node_hash(sibling, found)
            while node % 2 == 0 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    assert last == 0 and found == root, "another root"
    print(json.dumps({"index": index, "size": size}))


if __name__ == "__main__":
    {"log": verify_log, "proof": verify_proof}[sys.argv[1]](*sys.argv[2:])
