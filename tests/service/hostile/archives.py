"""Writes archives that no honest tool writes; each name begins with what is wrong with it."""
import gzip
import io
import struct
import sys
import tarfile
import zipfile

out = sys.argv[1]


def tar(name, *members, form=tarfile.GNU_FORMAT):
    with tarfile.open(f"{out}/{name}.tar", "w", format=form) as archive:
        for member, content in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            if info.type == tarfile.REGTYPE:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def special(name, kind, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, b""


def zipped(name, *members):
    with zipfile.ZipFile(f"{out}/{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)


def unix(name, mode):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


text = b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\A]\r\n"
good = ("a/one.reg", text)
for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT):
    tar(f"good-{form}", special("./", tarfile.DIRTYPE), good, ("b/" + "n" * 90 + "/" + "m" * 90 + ".reg", text), form=form)
zipped("good", good, ("b/two.reg", text))
with gzip.open(f"{out}/good.tgz", "wb") as file:
    file.write(open(f"{out}/good-0.tar", "rb").read())

names = {
    "up": "../one.reg", "up-inside": "a/../../one.reg", "absolute": "/one.reg", "drive": "C:/one.reg", "stream": "one.reg:x",
    "backslash": "..\\one.reg", "device": "a/NUL.reg", "dot": "a/one.reg.", "empty": "a//one.reg", "control": "a/on\x1be.reg",
    "long": "n" * 65536, "long-part": "a/" + "n" * 256, "deep": "d/" * 40 + "one.reg", "question": "on?.reg",
}
for what, name in names.items():
    tar(f"name-{what}", good, (name, text))
    tar(f"name-{what}-pax", good, (name, text), form=tarfile.PAX_FORMAT)
    if len(name) < 65536:
        zipped(f"name-{what}", good, (name, text))
tar("name-latin", good, (b"a/\xe4.reg".decode("utf-8", "surrogateescape"), text))

tar("twice", good, good)
tar("twice-case", good, ("A/ONE.REG", text))
tar("twice-folder", ("a", text), good)
zipped("twice-case", good, ("a/One.reg", text))

tar("kind-symlink", good, special("link", tarfile.SYMTYPE, "/etc/passwd"))
tar("kind-through-symlink", special("a", tarfile.SYMTYPE, "/tmp"), good)
tar("kind-hardlink", good, special("link", tarfile.LNKTYPE, "a/one.reg"))
tar("kind-character", good, special("null", tarfile.CHRTYPE))
tar("kind-block", good, special("disk", tarfile.BLKTYPE))
tar("kind-pipe", good, special("pipe", tarfile.FIFOTYPE))
zipped("kind-symlink", good, (unix("link", 0o120777), "/etc/passwd"))
zipped("kind-pipe", good, (unix("pipe", 0o010644), ""))

whole = open(f"{out}/good-1.tar", "rb").read()
open(f"{out}/malformed-cut.tar", "wb").write(whole[:700])
open(f"{out}/malformed-checksum.tar", "wb").write(whole[:100] + b"7" + whole[101:])
whole = open(f"{out}/good.zip", "rb").read()
open(f"{out}/malformed-cut.zip", "wb").write(whole[:-30])
at = whole.index(b"Windows") if b"Windows" in whole else 60
open(f"{out}/malformed-bits.zip", "wb").write(whole[:50] + bytes(b ^ 0xFF for b in whole[50:70]) + whole[70:])
open(f"{out}/malformed-cut.tgz", "wb").write(open(f"{out}/good.tgz", "rb").read()[:-20])


def head(name, kind, size):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


# A long name that is longer than memory, members beyond number, and bytes beyond measure, each in a small file.
zeros = bytes(1 << 20)
with gzip.open(f"{out}/much-name.tgz", "wb", 9) as file:
    file.write(head("././@LongLink", tarfile.GNUTYPE_LONGNAME, 900 << 20))
    for _ in range(300):
        file.write(b"n" * (1 << 20))
with gzip.open(f"{out}/much-members.tgz", "wb", 1) as file:
    for _ in range(201):
        file.write(head("a/", tarfile.DIRTYPE, 0) * 1000)
with gzip.open(f"{out}/much-bytes.tgz", "wb", 1) as file:
    file.write(head("a.reg", tarfile.REGTYPE, 300 << 20))
    for _ in range(300):
        file.write(zeros)
# Every member of this one is the same 1 MiB of zeros.
with zipfile.ZipFile(io.BytesIO() if False else f"{out}/much-bytes.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for number in range(260):
        archive.writestr(f"{number}.reg", zeros)
# A directory that is longer than that of any workspace.
comment = b"c" * 60000
name = b"a.reg"
local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, len(comment), 0, 0, 0, 0) + name + comment
count = 700
end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, count * len(entry), len(local), 0)
open(f"{out}/much-directory.zip", "wb").write(local + entry * count + end)
