"""``bare_loop.py ARCHIVE``: unpacks, parses, reads every parameter's name and value; prints the seconds it took."""

import sys
import tarfile
import time
from pathlib import Path

from lxml import etree


def bare_loop(archive: Path) -> int:
    """How many parameters there are."""
    found = 0
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member) if member.isfile() else None
            if content is not None:
                root = etree.fromstring(content.read())
                found += len([(param.get("name"), param.get("value")) for param in root.iter("Param")])
    return found


if __name__ == "__main__":
    start = time.perf_counter()
    if bare_loop(Path(sys.argv[1])) < 100_000:
        sys.exit("that is another archive")
    print(time.perf_counter() - start)
