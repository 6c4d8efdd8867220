"""Lists tars with Python's tarfile: reads each as a 4-byte length and its bytes, answers with a line of JSON."""
import io
import json
import struct
import sys
import tarfile

TYPES = {b"0": "file", b"\0": "file", b"7": "file", b"1": "hardlink", b"2": "symlink", b"3": "character",
         b"4": "block", b"5": "directory", b"6": "fifo"}


def text(name):
    return name.encode("utf-8", "surrogateescape").decode("latin-1")


def entries(data):
    tar = tarfile.open(fileobj=io.BytesIO(data), mode="r:", encoding="utf-8", errors="surrogateescape")
    for member in tar:
        kind = TYPES.get(member.type, "unknown")
        yield {"path": text(member.name), "type": kind,
               "linkPath": text(member.linkname) if kind in ("hardlink", "symlink") else "",
               "permissions": member.mode & 0o7777, "uid": member.uid, "gid": member.gid,
               "mtimeUnit": 1, "mtime": max(0, min(int(member.mtime // 1), 2**33)), "size": member.size,
               "dataOffset": member.offset_data}


def listing(data):
    try:
        return {"entries": list(entries(data))}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


while head := sys.stdin.buffer.read(4):
    size, = struct.unpack(">I", head)
    print(json.dumps(listing(sys.stdin.buffer.read(size))), flush=True)
