# Brings an overlay to the content of an image, as a guest would who wrote just what differs:
#   overlay.py SOCKET BASE IMAGE      the overlay on BASE is exported for writing at SOCKET
import os
import sys

import nbd

LEAF = 64 << 10
socket, base, image = sys.argv[1:]
files = [os.open(path, os.O_RDONLY) for path in (base, image)]
size = os.fstat(files[1]).st_size
assert os.fstat(files[0]).st_size == size, "the images differ in size"


def next_data(file, at):
    try:
        return os.lseek(file, at, os.SEEK_DATA)
    except OSError:
        return size


export = nbd.NBD()
export.connect_unix(socket)
at = 0
while True:
    # Where both have holes they are the same.
    at = min(next_data(file, at) for file in files) // LEAF * LEAF
    if at >= size:
        break
    was, new = (os.pread(file, LEAF, at) for file in files)
    if was != new:
        if any(new):
            export.pwrite(new, at)
        else:
            export.zero(len(new), at)
    at += LEAF
export.flush()
export.shutdown()
