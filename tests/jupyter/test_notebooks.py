"""The shipped notebooks, run by the tools that others use."""

import os
import pathlib
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURE = {"image/svg+xml", "application/vnd.vegalite.v5+json", "image/png", "text/plain"}

pytestmark = pytest.mark.timeout(300)


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def pictures(notebook):
    return [output for output in outputs(notebook) if PICTURE <= set(output.get("data", {}))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_ships_with_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "bpftrace"
    assert all(cell.outputs for cell in notebook.cells if cell.cell_type == "code")
    assert not [output for output in outputs(notebook) if output.output_type == "error"]
    assert len(pictures(notebook)) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_in_nbclient(path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120).execute()
    assert len(pictures(notebook)) >= 3
    assert "@latency[small reads]:" in "".join(output.get("data", {}).get("text/plain", "") for output in outputs(notebook))


def test_nbconvert_draws_the_pictures(tmp_path):
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "html", "--output-dir", str(tmp_path)]
    subprocess.run([*command, str(ROOT / "notebooks/00_tour.ipynb")], check=True, env=os.environ, capture_output=True)
    page = (tmp_path / "00_tour.html").read_text()
    assert page.count('src="data:image/svg+xml;base64,') >= 3 and "bytes per call" in page
