"""What an installation can get wrong: a full disk, no worker, no permission, no ports."""

import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from harness import PATIENCE, Appliance, Failure, HttpError, wait_for
from meeting import Meeting


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 320 KiB; only root can mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320k", "tmpfs", str(place)], capture_output=True)
    if done.returncode != 0:
        pytest.skip("no permission to mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.sanitize
def test_full_disk(small_disk, tmp_path, callers):
    appliance = Appliance(tmp_path / "mcu", {"record": {"path": str(small_disk)}}).start()
    try:
        events = appliance.events()
        meeting = Meeting(appliance, callers)
        path = appliance.api("POST", f"/calls/{meeting.call}/recording", {})["path"]
        failed = events.wait("recording-failed", call=meeting.call, timeout=25)
        assert "space" in json.dumps(failed).lower() or "full" in json.dumps(failed).lower(), failed
        assert "recording" not in meeting.stats()
        meeting.check()
        # what was written plays
        played = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path],
                                capture_output=True, text=True, check=True).stdout
        assert float(played) > 0.5
        # and with room again the next recording runs
        Path(path).unlink()
        appliance.api("POST", f"/calls/{meeting.call}/recording", {})
        time.sleep(1)
        assert meeting.stats()["recording"]["bytes"] > 0
        appliance.api("DELETE", f"/calls/{meeting.call}/recording")
        appliance.allow_log("recording")
        appliance.stop()
        appliance.check_log()
        events.close()
    finally:
        if appliance.process.poll() is None:
            appliance.kill()


def refused_status(appliance, callers, call, **options):
    caller = callers(appliance.uri(call), mark=9, **options)
    assert caller.wait_end(10) == 1
    return caller.report()["status"]


@pytest.mark.parametrize("program", ["/nonexistent/mcu-worker", "/bin/false", "/bin/sleep", "/etc/hostname"])
def test_no_worker(tmp_path, callers, program):
    appliance = Appliance(tmp_path / "mcu", {"worker": {"path": program}})
    try:
        appliance.start()
    except Failure as failure:
        # a path that cannot be right is told at start
        assert program in str(failure)
        return
    try:
        began = time.monotonic()
        assert refused_status(appliance, callers, "any") == 503
        assert time.monotonic() - began < 8 * PATIENCE
        assert program in appliance.log_text() or "worker" in appliance.log_text()
        wait_for("no worker", lambda: not appliance.workers(), 5)
        appliance.request("GET", "/healthz")
        appliance.stop()
    finally:
        if appliance.process.poll() is None:
            appliance.kill()


@pytest.mark.parametrize("appliance", [{"record": {"path": "/proc/nowhere", "auto": False}}], indirect=True)
def test_no_record_path(appliance, callers):
    """/proc takes no files, not even root's."""
    appliance.allow_log("record", "/proc/nowhere")
    one = callers(appliance.uri("one"), mark=1).wait_up()
    with pytest.raises(HttpError) as refused:
        appliance.api("POST", "/calls/one/recording", {})
    assert 400 <= refused.value.status < 600
    assert "/proc/nowhere" in str(refused.value)
    one.wait_sees(1)


def test_few_ports(tmp_path, callers):
    """Four ports: one participant's audio and video. The next is told that there is no room, and
    gets in once the first has left."""
    base = random.randrange(14000, 18000, 4)
    appliance = Appliance(tmp_path / "mcu", {"media": {"ports": f"{base}-{base + 3}"}}).start()
    try:
        one = callers(appliance.uri("tight"), mark=1).wait_up()
        assert refused_status(appliance, callers, "tight") == 503
        one.wait_sees(1, after=one.now())
        one.stop()
        two = callers(appliance.uri("tight"), mark=2).wait_up()
        two.wait_sees(2)
        two.stop()
        appliance.stop()
    finally:
        if appliance.process.poll() is None:
            appliance.kill()
