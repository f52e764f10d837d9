"""Programs and files → what a command prints on another Linux: one initramfs, one boot, no disk, no modules.

The serial console is the way out. The machine is emulated (no KVM needed), so nothing in it is ever timed.
"""

import gzip
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from linux import Linux

# Busybox's applets are reached by name; a program's own output is framed by markers.
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
ln -sf /proc/self/fd /dev/fd
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
cd {directory}
export HOME=/tmp PATH=/bin {environment}
echo "[[begin $(uname -r)]]"
{command}
echo "[[end $?]]"
poweroff -f
"""


@dataclass(frozen=True)
class Outcome:
    """What the command did."""

    release: str
    status: int
    text: str


def run(linux: Linux, files: list[Path], command: str, directory: Path, environment: dict[str, str], seconds: int) -> Outcome:
    """Boots a Linux that has the files at their own paths (programs with their libraries) and runs a command."""
    variables = " ".join(f"{name}={value}" for name, value in environment.items())
    init = INIT.format(directory=directory, command=command, environment=variables)
    with tempfile.TemporaryDirectory(prefix="probebook-vm-") as scratch:
        image = Path(scratch, "initramfs")
        image.write_bytes(gzip.compress(archive(Path(scratch, "root"), files, init), 1))
        console = boot(linux.image(), image, seconds)
    begin = re.search(r"\[\[begin (\S+)\]\]\n", console)
    end = re.search(r"\[\[end (\d+)\]\]", console)
    if not (begin and end):
        raise RuntimeError(f"Linux {linux.name} did not get to the end; its console:\n{console[-4000:]}")
    return Outcome(begin[1], int(end[1]), console[begin.end() : end.start()])


def archive(root: Path, files: list[Path], init: str) -> bytes:
    """The files and all that their programs need, in the kernel's cpio format."""
    for name in ("bin", "dev", "proc", "sys", "tmp", "etc"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "init").write_text(init)
    (root / "init").chmod(0o755)
    for file in files:
        place = root / file.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            shutil.copytree(file, place, dirs_exist_ok=True)
            continue
        shutil.copy(file, place)
        for library in libraries(file):
            place = root / library.relative_to("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)
    names = subprocess.run(["find", "."], cwd=root, check=True, capture_output=True).stdout
    return subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc"], cwd=root, input=names, check=True, capture_output=True
    ).stdout


def libraries(file: Path) -> list[Path]:
    """The shared libraries and the loader of a program; none for other files."""
    with file.open("rb") as start:
        if start.read(4) != b"\x7fELF":
            return []
    listing = subprocess.run(["ldd", file], capture_output=True, text=True).stdout
    return [Path(path) for path in re.findall(r"(?:=> |^\s+)(/\S+)", listing, re.MULTILINE)]


def boot(kernel: Path, image: Path, seconds: int) -> str:
    """Everything the machine writes to its console until it powers off."""
    command = ["qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-accel", "tcg,thread=multi", "-smp", "2"]
    command += ["-m", "1536", "-nographic", "-no-reboot", "-nic", "none", "-kernel", kernel, "-initrd", image]
    command += ["-append", "console=ttyS0 quiet panic=-1"]
    done = subprocess.run(command, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL)
    return done.stdout.decode(errors="replace").replace("\r", "")
