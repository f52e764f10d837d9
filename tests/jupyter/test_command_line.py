"""The commands around the kernel, as a user types them."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import nbformat
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("PROBEBOOK", str(ROOT / "target/release/probebook"))


def probebook(*arguments, **options):
    options.setdefault("timeout", 120)
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, **options)


def notebook(path, *cells):
    kernelspec = {"name": "bpftrace", "display_name": "bpftrace (Probebook)", "language": "bpftrace"}
    cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec}), path)
    return path


def programs():
    """Ids of the BPF programs that are loaded."""
    listing = []
    for process in pathlib.Path("/proc").glob("[0-9]*/fdinfo"):
        for info in process.glob("*"):
            try:
                listing += re.findall(r"^prog_id:\s*(\d+)", info.read_text(), re.MULTILINE)
            except OSError:
                continue
    return set(listing)


def test_maps_live_on_across_cells(tmp_path):
    """dd's reads are counted, timed and drawn in one cell, and read in the next ones."""
    program = """%%trace -c "dd if=/dev/zero of=/dev/null bs=4096 count=2000"
tracepoint:syscalls:sys_enter_read /comm == "dd"/ {
    @start[tid] = nsecs; @sizes = hist(args.count); @n[comm] = count();
}
tracepoint:syscalls:sys_exit_read /@start[tid]/ {
    @ns[comm] = hist(nsecs - @start[tid]); delete(@start, tid);
}"""
    path = notebook(tmp_path / "dd.ipynb", program, "@n", 'printf("%d\\n", len(@ns));', '@n["dd"]')
    result = probebook("exec", path, "-o", tmp_path / "out.ipynb")
    assert result.returncode == 0, result.stderr
    written = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    nbformat.validate(written)
    first, bare, length, element = (cell.outputs for cell in written.cells)
    pictures = [output.data for output in first if output.output_type == "display_data"]
    types = {"image/svg+xml", "application/vnd.vegalite.v5+json", "image/png", "text/plain",
             "application/vnd.probebook.map.v1+json"}
    assert any(types <= set(data) for data in pictures), [list(data) for data in pictures]
    assert "@ns[dd]" in pictures[-1]["text/plain"] and "@n[dd]" in pictures[-1]["text/plain"]
    assert bare[0].output_type == "execute_result" and "@n[dd]" in bare[0].data["text/plain"]
    assert length[0].text == "1\n"
    count = int(element[0].data["text/plain"])
    assert 2000 < count < 2020, "2000 reads of data, and a few when dd starts"


def test_a_failed_cell_ends_the_run(tmp_path):
    path = notebook(tmp_path / "bad.ipynb", "@kept = 5;", "begin { print(nsec); }", "@kept")
    result = probebook("exec", path, "-o", tmp_path / "out.ipynb")
    assert result.returncode == 1
    assert "nsecs" in result.stdout + result.stderr, "the near name is suggested"
    going_on = probebook("exec", path, "-o", tmp_path / "out.ipynb", "--keep-going")
    assert going_on.returncode == 1
    outputs = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[2].outputs
    assert "5" in outputs[0].data["text/plain"]


def test_trace_prints_like_bpftrace():
    program = "tracepoint:raw_syscalls:sys_enter { @[comm] = count(); } interval:s:2 { exit(); }"
    result = probebook("trace", "-e", program)
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("Attached 2 probes\n")
    assert result.stdout.startswith("\n\n@["), result.stdout[:80]
    counts = [int(line.rsplit(": ", 1)[1]) for line in result.stdout.split("\n") if line.startswith("@")]
    assert counts == sorted(counts) and counts


def test_trace_json_lines():
    program = 'begin { @a = 1; @b["k"] = 2; @h = hist(5); printf("x\\n"); print((1, "y")); exit(); }'
    result = probebook("trace", "-f", "json", "-e", program)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {"type": "printf", "data": "x\n"} in lines
    assert {"type": "value", "data": [1, "y"]} in lines
    assert {"type": "map", "data": {"@b": {"k": 2}}} in lines
    assert {"type": "hist", "data": {"@h": [{"min": 4, "max": 7, "count": 1}]}} in lines


def test_trace_ends_on_interrupt_with_its_maps():
    program = "tracepoint:raw_syscalls:sys_enter { @n = count(); } end { printf(\"ended\\n\"); }"
    command = [BINARY, "trace", "-e", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline() == "Attached 2 probes\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "ended\n" in out and re.search(r"^@n: \d+$", out, re.MULTILINE)


def test_trace_exit_codes():
    assert probebook("trace", "-e", "begin { exit(3); }").returncode == 3
    wrong = probebook("trace", "-e", "begin { print(nsec); }")
    assert wrong.returncode == 1 and "nsec" in wrong.stderr and wrong.stdout == ""


def test_trace_only_one_process():
    program = "tracepoint:syscalls:sys_enter_getppid { @[pid] = count(); } interval:ms:500 { exit(); }"
    spinning = "import os, time\nend = time.time() + 3\nwhile time.time() < end: os.getppid(); time.sleep(0.001)"
    children = [subprocess.Popen(["python3", "-c", spinning]) for _ in range(2)]
    try:
        time.sleep(0.3)
        result = probebook("trace", "-p", children[0].pid, "-e", program)
    finally:
        for child in children:
            child.kill()
            child.wait()
    keys = re.findall(r"^@\[(\d+)\]", result.stdout, re.MULTILINE)
    assert keys == [str(children[0].pid)], result.stdout + result.stderr


def test_a_command_is_traced_from_its_start():
    program = 'tracepoint:syscalls:sys_enter_execve { printf("%s\\n", str(args.filename)); }'
    result = probebook("trace", "-c", "/bin/true", "-e", program)
    assert "/bin/true\n" in result.stdout, result.stdout + result.stderr


def test_every_stage_can_be_dumped(tmp_path):
    script = tmp_path / "count.bt"
    script.write_text("tracepoint:raw_syscalls:sys_enter { @ = count(); }\n")
    for stage in ["tokens", "ast", "types", "ir", "vcode", "asm"]:
        result = probebook("dump", "--stage", stage, script)
        assert result.returncode == 0 and result.stdout, stage


def test_doctor_and_help():
    doctor = probebook("doctor")
    assert doctor.returncode == 0 and "BTF" in doctor.stdout
    text = probebook("--help").stdout
    for command in ["kernel", "install", "uninstall", "lab", "exec", "trace", "dump", "doctor"]:
        assert re.search(rf"^\s+{command}\s", text, re.MULTILINE), command


def test_install_and_uninstall(tmp_path):
    assert probebook("install", "--prefix", tmp_path).returncode == 0
    folder = tmp_path / "share/jupyter/kernels/bpftrace"
    spec = json.loads((folder / "kernel.json").read_text())
    assert spec["interrupt_mode"] == "message" and spec["kernel_protocol_version"] == "5.5"
    assert spec["argv"][0] == os.path.realpath(BINARY)
    assert {"logo-32x32.png", "logo-64x64.png", "logo-svg.svg"} <= {path.name for path in folder.iterdir()}
    assert probebook("uninstall", "--prefix", tmp_path).returncode == 0
    assert not folder.exists()


def test_without_privilege_the_sudo_command_is_named(tmp_path):
    """As nobody: the message says what to type."""
    binary = tmp_path / "probebook"
    binary.write_bytes(pathlib.Path(BINARY).read_bytes())
    binary.chmod(0o755)
    for folder in [tmp_path, *tmp_path.parents]:
        if str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    command = [str(binary), "trace", "-e", "begin { exit(); }"]
    result = subprocess.run(command, capture_output=True, text=True, user="nobody", timeout=60)
    assert result.returncode != 0 and "sudo " in result.stderr, result.stderr


@pytest.mark.skipif("release" not in BINARY, reason="speaks of the release build")
def test_the_binary_is_small_and_starts_fast():
    """At most 20 MB, nothing beyond libc's family, a begin/exit program within 28 MB."""
    assert pathlib.Path(BINARY).stat().st_size <= 20_000_000
    libraries = subprocess.run(["ldd", BINARY], capture_output=True, text=True).stdout
    family = ("linux-vdso", "libgcc_s", "libm.", "libc.", "libdl", "libpthread", "librt", "ld-linux")
    strange = [line for line in libraries.splitlines() if not any(name in line for name in family)]
    assert not strange, strange
    # A small process starts it: a child's peak counts the memory of the parent that it was forked from.
    small = "import os, sys; pid = os.posix_spawn(sys.argv[1], sys.argv[1:], {}); print(os.wait4(pid, 0)[2].ru_maxrss)"
    command = [sys.executable, "-S", "-c", small, BINARY, "trace", "-q", "-e", "begin { exit(); }"]
    peak = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])
    assert peak <= 28_000, f"{peak} KB"


def test_kill_leaves_nothing_attached():
    """SIGKILL in the middle of a trace: Linux drops every program of ours."""
    before = programs()
    program = "tracepoint:raw_syscalls:sys_enter { @n = count(); } profile:hz:99 { @p = count(); }"
    with subprocess.Popen([BINARY, "trace", "-e", program], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline() == "Attached 2 probes\n"
        assert programs() - before, "its programs are seen while it runs"
        process.kill()
        process.wait()
    deadline = time.time() + 10
    while programs() - before and time.time() < deadline:
        time.sleep(0.1)
    assert not programs() - before


def test_dropped_updates_are_told():
    """A map of 4096 elements does not hold 5000 keys: the rest is counted."""
    result = probebook("trace", "-e", "begin { for ($i : 0..5000) { @m[$i] = 1; } print(len(@m)); clear(@m); }")
    assert result.stdout.startswith("4096\n"), result.stdout[:100]
    assert "warning[runtime]: the map is full" in result.stderr, result.stderr
    assert "it happened 904 times" in result.stderr, result.stderr


def test_warnings_by_level():
    program = "begin { @a[1] = 1; $x = @a[2] / @a[3]; print($x); }"
    usual, all_of_them = probebook("trace", "-q", "-e", program), probebook("trace", "-q", "-k", "-e", program)
    assert usual.stderr.count("warning[runtime]") == 1 and "by 0" in usual.stderr
    assert all_of_them.stderr.count("warning[runtime]") == 3 and "map_lookup_elem returned 0" in all_of_them.stderr
    assert probebook("trace", "-q", "--no-warnings", "-e", program).stderr == ""
    lines = [json.loads(line) for line in probebook("trace", "-k", "-f", "json", "-e", program).stdout.splitlines()]
    assert {"helper_error", "runtime_error"} <= {line["type"] for line in lines}


def test_tests_and_benchmarks():
    program = """test:good { return 0; } test:bad { return 1; } test:leaves { exit(2); } test:says { errorf("no"); }
        bench:one { @b = 1; } begin { printf("begin\\n"); }"""
    result = probebook("trace", "--test", "-e", program)
    assert result.returncode == 1
    assert "[       OK ] good" in result.stdout and "[  PASSED  ] 1 test." in result.stdout
    assert all(f"[  FAILED  ] {name} (" in result.stdout for name in ["bad", "leaves", "says"])
    assert probebook("trace", "--test", "--probe-filter", "^g", "-e", program).returncode == 0
    lines = probebook("trace", "--test", "-f", "json", "-e", program).stdout.splitlines()
    results = [json.loads(line)["data"] for line in lines if "test_result" in line]
    assert [next(iter(one.values()))["passed"] for one in results] == [True, False, False, False]
    table = probebook("trace", "--bench", "-e", program).stdout.splitlines()
    name, average, times = table[3].split()
    assert (name, int(average) > 0, int(times) >= 1000) == ("one", True, True)
    assert probebook("trace", "-q", "-e", program).stdout == "begin\n\n\n"


def test_sigusr1_fires_self_probes():
    program = 'self:signal:SIGUSR1 { @n++; printf("%d\\n", @n); if (@n == 2) { exit(7); } }'
    command = [BINARY, "trace", "-e", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline() == "Attached 1 probe\n"
        for expected in ["1\n", "2\n"]:
            process.send_signal(signal.SIGUSR1)
            assert process.stdout.readline() == expected
        assert process.wait(timeout=20) == 7


def test_options_of_trace(tmp_path):
    out = tmp_path / "out"
    assert probebook("trace", "-q", "-o", out, "-e", 'begin { printf("x\\n"); }').stdout == ""
    assert out.read_text() == "x\n\n\n"
    dry = probebook("trace", "--dry-run", "-e", 'begin { printf("x\\n"); } interval:s:1 { }')
    assert (dry.returncode, dry.stdout) == (0, "")
    shown = probebook("trace", "-q", "-d", "ast", "-e", "begin { @a = 1; }").stdout
    assert 'point "begin"' in shown and shown.endswith("@a: 1\n")
    assert "attached interval:ms:1" in probebook("trace", "-v", "-e", "interval:ms:1 { exit(); }").stderr
    for wrong in [["--emit-elf", "x"], ["-f", "jsonx"], ["-B", "x"], ["--no-feature", "x"], ["--nope"]]:
        refused = probebook("trace", *wrong, "-e", "begin { }")
        assert refused.returncode == 1 and refused.stderr, wrong
    nothing = probebook("trace", "-e", "")
    assert nothing.returncode == 1 and "no probe" in nothing.stderr


def test_configuration_from_the_environment():
    program = "config = { max_strlen = 50 } begin { print(config.max_strlen); }"
    result = probebook("trace", "-q", "-e", program, env={**os.environ, "BPFTRACE_MAX_STRLEN": "100"})
    assert result.stdout == "100\n\n\n"
    wrong = probebook("trace", "-q", "-e", program, env={**os.environ, "BPFTRACE_MAX_STRLEN": "abc"})
    assert wrong.returncode == 1 and "BPFTRACE_MAX_STRLEN" in wrong.stderr


def test_fmt_lays_out_and_refuses(tmp_path):
    result = probebook("fmt", "-", input="begin{@a=1} // x")
    assert (result.returncode, result.stdout) == (0, "begin\n{\n  @a = 1\n} // x\n")
    file = tmp_path / "a.bt"
    file.write_text("begin{@a=1}\n")
    assert probebook("fmt", "--check", file).returncode == 1
    assert probebook("fmt", file).returncode == 0
    assert probebook("fmt", "--check", file).returncode == 0
    file.write_text("begin{@a=\n")
    result = probebook("fmt", file)
    assert result.returncode == 1 and "a.bt:1:10" in result.stderr, result.stderr
    assert file.read_text() == "begin{@a=\n"
