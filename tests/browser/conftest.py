"""Fixtures: a Jupyter server with the kernel installed in a scratch prefix, and headless Chromium."""

import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("PROBEBOOK", str(ROOT / "target/release/probebook"))
ARTIFACTS = ROOT / "target/screenshots"


@pytest.fixture(scope="session")
def notebooks(tmp_path_factory):
    """A folder with a copy of the shipped notebooks, without their outputs' trust."""
    folder = tmp_path_factory.mktemp("notebooks")
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, folder)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory, notebooks):
    """The address of JupyterLab, with a token, on a free loopback port."""
    scratch = tmp_path_factory.mktemp("jupyter")
    subprocess.run([BINARY, "install", "--prefix", str(scratch)], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = scratch / "lab-settings"
    settings.mkdir()
    quiet = '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}'
    (settings / "overrides.json").write_text(quiet)
    token = secrets.token_hex(8)
    environment = dict(
        os.environ,
        JUPYTER_PATH=str(scratch / "share/jupyter"),
        JUPYTER_CONFIG_DIR=str(scratch / "config"),
        JUPYTER_DATA_DIR=str(scratch / "data"),
        JUPYTER_RUNTIME_DIR=str(scratch / "runtime"),
        JUPYTERLAB_SETTINGS_DIR=str(scratch / "user-settings"),
    )
    log = open(scratch / "server.log", "w")
    command = [
        sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ip=127.0.0.1",
        f"--port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={notebooks}",
        f"--LabApp.app_settings_dir={settings}",
    ]
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/api?token={token}", timeout=2)
                break
            except OSError:
                assert process.poll() is None, (scratch / "server.log").read_text()
                time.sleep(0.25)
        yield address, token
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium; nothing is downloaded."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield chromium
        chromium.close()


class Lab:
    """A notebook open in JupyterLab."""

    def __init__(self, page):
        self.page = page

    def run_all(self):
        """Menu Run, Run All Cells."""
        self.menu("Run", "Run All Cells")

    def wait_idle(self, seconds=120):
        """Until no cell shows a star any more and every code cell has its number."""
        done = """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent);
            return prompts.length > 0 && prompts.every(text => /\\[\\d+\\]/.test(text));
        }"""
        self.page.wait_for_function(done, timeout=seconds * 1000)

    def outputs(self, mime_type):
        """The outputs drawn from a MIME type; errors are drawn as `application/vnd.jupyter.stderr`."""
        return self.page.locator(f'.jp-OutputArea-output[data-mime-type="{mime_type}"]')

    def charts(self):
        """The outputs drawn by Vega-Lite, which carry no MIME type."""
        return self.page.locator(".jp-OutputArea-output.jp-RenderedVegaLite")

    def menu(self, *names):
        """Chooses an item of the menu bar; all but the first and last name are submenus."""
        self.page.get_by_role("menuitem", name=names[0], exact=True).click()
        for name in names[1:]:
            label = re.compile(f"^{re.escape(name)}$")
            item = self.page.locator(".lm-Menu-item").filter(has=self.page.locator(".lm-Menu-itemLabel", has_text=label))
            item.last.click()

    def screenshot(self, name, **options):
        """Keeps a picture of the page under target/screenshots."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(ARTIFACTS / f"{name}.png"), **options)

    def text(self):
        """The text of all outputs."""
        return "\n".join(self.page.locator(".jp-OutputArea-output").all_inner_texts())


@pytest.fixture
def open_lab(server, browser):
    """Opens a notebook; `open_lab(name)` gives a `Lab`."""
    address, token = server
    contexts = []

    def open_notebook(name, **context_options):
        context = browser.new_context(viewport={"width": 1180, "height": 2400}, **context_options)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{address}/lab/tree/{name}?reset&token={token}")
        page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
        page.wait_for_function(
            "() => /Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent ?? '')", timeout=60_000
        )
        return Lab(page)

    yield open_notebook
    for context in contexts:
        context.close()

