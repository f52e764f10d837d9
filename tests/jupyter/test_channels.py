"""What frontends do to the channels, on the live machine: interrupts, queues, floods, stalls, deaths."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import zmq
from jupyter_client.manager import start_new_kernel

TICKS = "interval:ms:10 { @ticks = count(); }"


@pytest.fixture
def kernel():
    manager, client = start_new_kernel(kernel_name="bpftrace")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def outputs(client, msg_id, timeout=10):
    """All messages that follow from a request, up to `idle`."""
    found = []
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        message = client.get_iopub_msg(timeout=timeout)
        if message["parent_header"].get("msg_id") != msg_id:
            continue
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return found
        found.append(message)
    raise TimeoutError


def reply(client, msg_id, timeout=10):
    while True:
        message = client.get_shell_msg(timeout=timeout)
        if message["parent_header"].get("msg_id") == msg_id:
            return message["content"]


def text(messages, name="stdout"):
    return "".join(
        m["content"]["text"] for m in messages if m["msg_type"] == "stream" and m["content"]["name"] == name
    )


def wait_for(client, msg_type):
    while client.get_iopub_msg(timeout=10)["msg_type"] != msg_type:
        pass


@pytest.mark.parametrize("channel", ["control", "shell"])
def test_interrupt_keeps_the_data(kernel, channel):
    _, client = kernel
    msg_id = client.execute("%%trace forever\n" + TICKS)
    wait_for(client, "display_data")
    time.sleep(0.3)
    start = time.monotonic()
    message = client.session.msg("interrupt_request", {})
    getattr(client, f"{channel}_channel").send(message)
    assert reply(client, msg_id)["status"] == "ok"
    assert time.monotonic() - start < 3
    last = [m for m in outputs(client, msg_id) if m["msg_type"] == "update_display_data"][-1]
    assert "image/png" in last["content"]["data"]
    msg_id = client.execute("@ticks")
    assert reply(client, msg_id)["status"] == "ok"
    result = [m for m in outputs(client, msg_id) if m["msg_type"] == "execute_result"]
    assert int(result[0]["content"]["data"]["text/plain"].split(":")[1]) >= 10


def test_sigusr1_fires_self_probes(kernel):
    manager, client = kernel
    program = 'self:signal:SIGUSR1 { @n++; printf("signal %d\\n", @n); if (@n == 2) { exit(); } }'
    msg_id = client.execute("%%trace 30s\n" + program)
    wait_for(client, "display_data")
    for _ in range(2):
        os.kill(manager.provisioner.pid, signal.SIGUSR1)
        time.sleep(0.5)
    assert reply(client, msg_id)["status"] == "ok"
    assert text(outputs(client, msg_id)) == "signal 1\nsignal 2\n"


def test_live_frames_are_paced(kernel):
    _, client = kernel
    msg_id = client.execute("%%trace 2s\n" + TICKS)
    messages = outputs(client, msg_id)
    first = [m for m in messages if m["msg_type"] == "display_data"]
    later = [m for m in messages if m["msg_type"] == "update_display_data"]
    assert len(first) == 1 and 2 <= len(later) <= 6
    ids = {m["content"]["transient"]["display_id"] for m in first + later}
    assert len(ids) == 1
    busy_to_first = (first[0]["header"]["date"] - messages[0]["header"]["date"]).total_seconds()
    assert busy_to_first < 1


def test_cells_that_waited_for_a_failed_one_are_aborted(kernel):
    _, client = kernel
    failing = client.execute("%%trace 500ms\ninterval:ms:400 { exit(3); }")
    waiting = client.execute("@never = 1;")
    assert reply(client, failing)["ename"] == "Exit"
    aborted = reply(client, waiting)
    assert aborted["status"] == "aborted" and "execution_count" not in aborted
    later = client.execute("1 + 1")
    assert reply(client, later)["status"] == "ok"


def test_unknown_requests_get_an_error(kernel):
    _, client = kernel
    for channel in (client.shell_channel, client.control_channel):
        channel.send(client.session.msg("create_something_request", {}))
    assert client.get_shell_msg(timeout=5)["content"]["status"] == "error"
    assert client.get_control_msg(timeout=5)["content"]["status"] == "error"


def test_unknown_comms_are_closed(kernel):
    _, client = kernel
    message = client.session.msg("comm_open", {"comm_id": "c", "target_name": "nobody", "data": {}})
    client.shell_channel.send(message)
    closed = [m for m in outputs(client, message["header"]["msg_id"]) if m["msg_type"] == "comm_close"]
    assert closed[0]["content"]["comm_id"] == "c"


def test_a_flood_is_folded_and_counted(kernel):
    _, client = kernel
    msg_id = client.execute('%%trace -c "seq 1 1000000"\n' + TICKS)
    messages = outputs(client, msg_id, timeout=60)
    streams = [m for m in messages if m["msg_type"] == "stream"]
    printed = text(messages)
    assert len(printed) < 4_000_000
    shown = sum(1 for line in printed.splitlines() if line.isdigit())
    folded = sum(int(line.split()[1]) for line in printed.splitlines() if line.startswith("…"))
    # A folded piece may begin and end within a line.
    assert abs(shown + folded - 1_000_000) <= 3 * len(streams)


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_stalled_subscriber_hinders_nobody(kernel):
    manager, client = kernel
    info = manager.get_connection_info()
    stalled = zmq.Context.instance().socket(zmq.SUB)
    stalled.set(zmq.RCVHWM, 1)
    stalled.set(zmq.RCVBUF, 4096)
    stalled.subscribe(b"")
    stalled.connect(f"tcp://{info['ip']}:{info['iopub_port']}")
    time.sleep(0.3)
    for _ in range(5):
        start = time.monotonic()
        msg_id = client.execute('%%trace -c "seq 1 200000"\n' + TICKS)
        outputs(client, msg_id, timeout=20)
        assert time.monotonic() - start < 15
    assert resident(manager.provisioner.pid) < 200 << 20
    stalled.close(linger=0)


def test_topics_are_filtered(kernel):
    manager, client = kernel
    info = manager.get_connection_info()
    chosen = zmq.Context.instance().socket(zmq.SUB)
    chosen.connect(f"tcp://{info['ip']}:{info['iopub_port']}")
    chosen.subscribe(b"no such topic")
    assert b"iopub_welcome" in b"".join(chosen.recv_multipart())
    reply(client, client.execute("1"))
    assert chosen.poll(300) == 0
    chosen.close(linger=0)


def programs():
    """The ids of all BPF programs that hold references to our maps: ours are those that come and go."""
    found = set()
    for entry in pathlib.Path("/proc").glob("[0-9]*/fdinfo/*"):
        try:
            content = entry.read_text()
        except OSError:
            continue
        found |= {line.split()[1] for line in content.splitlines() if line.startswith("prog_id:")}
    return found


@pytest.mark.parametrize("how", ["kill", "restart"])
def test_nothing_stays_attached(kernel, how):
    manager, client = kernel
    before = programs()
    client.execute("%%trace forever\n" + TICKS)
    wait_for(client, "display_data")
    assert programs() - before
    if how == "kill":
        os.kill(manager.provisioner.pid, signal.SIGKILL)
    else:
        manager.restart_kernel(now=False)
    deadline = time.monotonic() + 5
    while programs() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not programs() - before


def test_the_kernel_ends_with_its_parent():
    code = (
        "import os, time; from jupyter_client.manager import start_new_kernel\n"
        "m, c = start_new_kernel(kernel_name='bpftrace'); print(m.provisioner.pid, flush=True); os._exit(1)"
    )
    process = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, timeout=30)
    pid = int(process.stdout)
    deadline = time.monotonic() + 5
    while pathlib.Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not pathlib.Path(f"/proc/{pid}").exists()
