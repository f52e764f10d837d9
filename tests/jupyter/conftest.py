"""Installs the kernel under test into a directory of its own, before any test starts one.

The binary is $PROBEBOOK, or the newest one that cargo has built. Jupyter's and our own files are kept out of
the user's directories.
"""

import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    if "PROBEBOOK" in os.environ:
        return pathlib.Path(os.environ["PROBEBOOK"]).resolve()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = [path for path in target.glob("*/probebook") if path.is_file()]
    if not built:
        raise SystemExit("no probebook binary; run: cargo build -p probebook")
    return max(built, key=lambda path: path.stat().st_mtime)


def pytest_configure():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="probebook-jupyter-"))
    os.environ["JUPYTER_PATH"] = str(directory / "share/jupyter")
    os.environ["XDG_STATE_HOME"] = str(directory / "state")
    for name in ("CONFIG", "DATA", "RUNTIME"):
        os.environ[f"JUPYTER_{name}_DIR"] = str(directory / name.lower())
    os.environ["IPYTHONDIR"] = str(directory / "ipython")
    os.environ["PROBEBOOK"] = str(binary())
    subprocess.run([binary(), "install", "--prefix", directory], check=True, stdout=subprocess.DEVNULL)
