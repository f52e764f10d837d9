"""A Debian suite → a Linux to boot: finds the newest cloud image in the suite's package index, and unpacks it.

What has been fetched stays in target/vm; nothing is installed.
"""

import lzma
import re
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
CACHE = Path(__file__).resolve().parents[2] / "target" / "vm"


@dataclass(frozen=True)
class Linux:
    """A version to test, and where Debian has it."""

    name: str
    suite: str
    package: str  # a pattern for the package's whole name

    def image(self) -> Path:
        """The kernel's image; fetched on first use."""
        folder = CACHE / self.name
        found = sorted(folder.glob("**/vmlinuz*"))
        if found:
            return found[0]
        package = CACHE / f"{self.name}.deb"
        package.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(f"{MIRROR}/{self.pool_path()}") as response:
            package.write_bytes(response.read())
        fresh = CACHE / f"{self.name}.part"
        subprocess.run(["rm", "-rf", fresh], check=True)
        subprocess.run(["dpkg", "-x", package, fresh], check=True)
        fresh.rename(folder)
        package.unlink()
        return sorted(folder.glob("**/vmlinuz*"))[0]

    def pool_path(self) -> str:
        """Where the newest package of that name lies in the archive."""
        index = f"{MIRROR}/dists/{self.suite}/main/binary-amd64/Packages.xz"
        with urllib.request.urlopen(index) as response:
            text = lzma.decompress(response.read()).decode()
        paths = {}
        for entry in text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in entry.splitlines() if re.match(r"\w[\w-]*: ", line))
            if re.fullmatch(self.package, fields.get("Package", "")):
                paths[tuple(map(int, re.findall(r"\d+", fields["Version"])))] = fields["Filename"]
        if not paths:
            raise LookupError(f"Debian's {self.suite} has no package like {self.package}")
        return paths[max(paths)]


VERSIONS = [
    Linux("6.1", "bookworm", r"linux-image-6\.1\.0-\d+-cloud-amd64"),
    Linux("6.12", "trixie", r"linux-image-6\.12\.\d+\+deb13-cloud-amd64"),
    Linux("newest", "sid", r"linux-binary-\d+\.\d+\.\d+\+deb\d+-cloud-amd64"),
]
