"""JupyterLab in headless Chromium: what a reader sees."""

import nbformat
import pytest

pytestmark = pytest.mark.timeout(300)


def write(notebooks, name, *cells):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "bpftrace", "display_name": "bpftrace (Probebook)", "language": "bpftrace"}},
    )
    nbformat.write(notebook, notebooks / name)


def test_tour_shows_pictures(open_lab):
    """Run All on the tour: every cell ends, no error, pictures drawn."""
    lab = open_lab("00_tour.ipynb")
    lab.menu("Edit", "Clear Outputs of All Cells")
    lab.run_all()
    lab.wait_idle(180)
    pictures = lab.charts()
    assert pictures.count() >= 3
    assert lab.outputs("application/vnd.jupyter.stderr").count() == 0
    pictures.first.locator("svg, canvas, img").first.wait_for(timeout=30_000)
    lab.page.wait_for_timeout(1000)
    lab.screenshot("tour")


def test_live_figure_moves_and_interrupt_keeps_the_map(open_lab, notebooks):
    """A `forever` cell draws while it runs; interrupting ends it with its data, not with an error."""
    program = "%%trace forever\ntracepoint:raw_syscalls:sys_enter { @calls[comm] = count(); }"
    write(notebooks, "forever.ipynb", program, "len(@calls) > 0")
    lab = open_lab("forever.ipynb")
    lab.page.locator(".jp-CodeCell").first.locator(".cm-content").click()
    lab.page.keyboard.press("Control+Enter")
    image = lab.outputs("image/svg+xml").locator("img")
    image.wait_for(timeout=20_000)
    first = image.get_attribute("src")
    changed = "first => document.querySelector('.jp-OutputArea-output[data-mime-type=\"image/svg+xml\"] img')?.src !== first"
    lab.page.wait_for_function(changed, arg=first, timeout=20_000)
    lab.screenshot("live")
    lab.page.keyboard.press("Escape")
    lab.page.keyboard.press("i")
    lab.page.keyboard.press("i")
    final = lab.charts()
    final.wait_for(timeout=20_000)
    assert lab.outputs("application/vnd.jupyter.stderr").count() == 0
    lab.page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    lab.page.keyboard.press("Control+Enter")
    lab.page.wait_for_function(
        "() => /true|1/.test(document.querySelectorAll('.jp-CodeCell')[1].querySelector('.jp-OutputArea')?.textContent ?? '')",
        timeout=20_000,
    )
    lab.screenshot("interrupted")


def test_error_has_a_coloured_caret(open_lab, notebooks):
    """An erroneous cell shows its caret in colour; the next cell runs."""
    write(notebooks, "error.ipynb", "@kept = 5;", 'begin { printf("%d\\n", nsec); }', "@kept")
    lab = open_lab("error.ipynb")
    for cell in range(3):
        lab.page.locator(".jp-CodeCell").nth(cell).locator(".cm-content").click()
        lab.page.keyboard.press("Control+Enter")
        lab.page.wait_for_function(
            "n => /\\[\\d+\\]/.test(document.querySelectorAll('.jp-CodeCell')[n].querySelector('.jp-InputPrompt').textContent)",
            arg=cell,
            timeout=20_000,
        )
    error = lab.outputs("application/vnd.jupyter.stderr")
    assert error.count() == 1
    text = error.inner_text()
    assert "nsec" in text and "^" in text
    assert "nsecs" in text, "a near name is suggested"
    assert error.locator(".ansi-red-intense-fg, .ansi-red-fg, .ansi-bold").count() > 0
    assert lab.page.locator(".jp-CodeCell").nth(2).locator(".jp-RenderedVegaLite").count() == 1
    lab.screenshot("error")


def test_completion_shows_types(open_lab, notebooks):
    """The completer lists a tracepoint's fields with their types."""
    write(notebooks, "complete.ipynb", "tracepoint:syscalls:sys_enter_read { @ = hist(args.")
    lab = open_lab("complete.ipynb")
    lab.page.locator(".jp-CodeCell .cm-content").click()
    lab.page.keyboard.press("Control+End")
    lab.page.keyboard.press("Tab")
    items = lab.page.locator(".jp-Completer-item")
    items.first.wait_for(timeout=20_000)
    texts = items.all_inner_texts()
    assert any("count" in text and "size_t" in text for text in texts), texts
    lab.screenshot("completion")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_picture_in_both_schemes(open_lab, notebooks, scheme):
    """A histogram and bars on a light and a dark page; the pictures are kept to be looked at."""
    program = (
        "begin { @sizes[\"a\"] = hist(1); @sizes[\"a\"] = hist(900); @sizes[\"b\"] = hist(70);"
        " @n[\"read\"] = count(); @n[\"write\"] = count(); @n[\"read\"] = count(); }"
    )
    write(notebooks, f"scheme_{scheme}.ipynb", program, "@sizes", "@n")
    lab = open_lab(f"scheme_{scheme}.ipynb", color_scheme=scheme)
    if scheme == "dark":
        lab.menu("Settings", "Theme", "JupyterLab Dark")
    lab.run_all()
    lab.wait_idle()
    pictures = lab.charts()
    assert pictures.count() == 3
    pictures.last.locator("svg, canvas, img").first.wait_for(timeout=30_000)
    lab.page.wait_for_timeout(1000)
    lab.screenshot(f"scheme_{scheme}")
