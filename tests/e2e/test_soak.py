"""Calls that come, change and go: nothing is lost on the way, and nothing is left behind.

test_everything   all verbs of a call once, in programs built with sanitizers, too
test_threads      what moves between the worker's threads while they all run (make check-tsan)
test_soak         three successive runs on one mcud: neither memory nor descriptors grow
MCU_SOAK_S: seconds of one run, 40 when not set.
"""

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from harness import PATIENCE, SANITIZED, Failure, HttpError, heard, moving, to_yaml, wait_for

SANITIZER = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")
LAYOUTS = ("grid", "speaker", "1+5", "pip", "single", "auto")


def check_callers(made):
    """The callers, too, are programs that may hold a fault."""
    for caller in made:
        text = caller.error_text()
        assert not any(word in text for word in SANITIZER), f"{caller.name}:\n{text[:6000]}"


def end_call(appliance, call):
    """The call goes, and with it its worker."""
    appliance.api("DELETE", f"/calls/{call}")
    wait_for("the worker's end", lambda: appliance.worker(call) is None, 10)


def snapshot(appliance, call):
    """A JPEG, once there is a picture."""

    def take():
        try:
            return appliance.api("GET", f"/calls/{call}/snapshot.jpg", raw=True)
        except HttpError as error:
            if error.status not in (409, 503):
                raise
            return None

    assert wait_for("a picture", take, 5).startswith(b"\xff\xd8\xff")


def reload_with(appliance, **sections):
    for section, options in sections.items():
        appliance.config.setdefault(section, {}).update(options)
    (appliance.directory / "mcu.yaml").write_text(to_yaml(appliance.config) + "\n")
    appliance.process.send_signal(signal.SIGHUP)


# --- everything once


def go_through_verbs(appliance, callers, call, made):
    one, two, three = made
    events = appliance.events()
    path = f"/calls/{call}"
    appliance.api("POST", f"{path}/recording", {})
    who = appliance.participant(call, two.name)["id"]
    for name in LAYOUTS:
        appliance.api("PUT", f"{path}/layout", {"name": name, "focus": who if name == "single" else ""})
    snapshot(appliance, call)
    for key in ("muted", "camera-off"):
        appliance.api("PATCH", f"{path}/participants/{who}", {key: True})
    one.wait_view("two neither seen nor heard", lambda e: 2 not in moving(e) and two.tone not in heard(e))
    for key in ("muted", "camera-off"):
        appliance.api("PATCH", f"{path}/participants/{who}", {key: False})
    reload_with(appliance, video={"bitrate": 700000}, log={"level": "debug"})
    room = callers(None, mark=5, answer=True, listen="127.0.0.1:0", audio_codec="PCMU")
    appliance.api("POST", f"{path}/dial", {"uri": room.uri(), "name": "Salle Hugo"})
    room.wait_up(15)
    holder = callers(appliance.uri(call), mark=6, audio_codec="G722", hold_at=2, hold_for=2)
    holder.wait_event("resume", 15)
    # a recording that ends while another leg is being negotiated, and the next one at once
    late = callers(appliance.uri(call), mark=7, no_offer=True, no_rtcp_mux=True, mode0=True)
    appliance.api("DELETE", f"{path}/recording")
    appliance.api("POST", f"{path}/recording", {})
    late.wait_up(15)
    one.wait_view("all", lambda e: {1, 2, 3, 5, 6, 7} <= moving(e), timeout=15)
    three.stop()
    appliance.api("DELETE", f"{path}/participants/{appliance.participant(call, late.name)['id']}")
    assert late.wait_end() == 0
    again = callers(appliance.uri(call), mark=3, audio_codec="PCMA", transport="tcp", max_fs=920).wait_up(15)
    one.wait_view("three again", lambda e: {1, 2, 3, 5, 6} <= moving(e), timeout=15)
    os.kill(appliance.worker(call), signal.SIGKILL)
    events.wait("call-restarted", call=call)
    one.wait_view("all again", lambda e: {1, 2, 3, 5, 6} <= moving(e), after=one.now() + 1, timeout=20)
    events.close()
    return [one, two, again, room, holder]


@pytest.mark.sanitize
def test_everything(appliance, callers):
    appliance.allow_log(r"worker.*(died|killed|ended|gone|lost|signal|restart)", r"recording")
    call = "all"
    made = [
        callers(appliance.uri(call), mark=1, audio_codec="opus", srtp=True),
        callers(appliance.uri(call), mark=2, audio_codec="G722", avpf="on", loss=3),
        callers(appliance.uri(call), mark=3, audio_codec="PCMA", transport="tcp"),
    ]
    for caller in made:
        caller.wait_up(15)
    made[0].wait_view("all", lambda e: {1, 2, 3} <= moving(e), timeout=15)
    left = go_through_verbs(appliance, callers, call, made)
    # the recording went on with the new worker; the end of the daemon finds it running
    assert appliance.api("GET", f"/calls/{call}/stats")["recording"]["path"]
    snapshot(appliance, call)
    appliance.stop()
    for caller in left:
        caller.wait_end()
    check_callers(callers.all)


# --- threads


@pytest.mark.threads
def test_threads(appliance, callers):
    """Listeners, sources, renditions, scenes and the recorder come and go while all threads run."""
    call = "threads"
    stay = [
        callers(appliance.uri(call), mark=1, audio_codec="opus"),
        callers(appliance.uri(call), mark=2, audio_codec="G722", srtp=True, loss=3),
    ]
    for caller in stay:
        caller.wait_up(20)
    for turn in range(2):
        appliance.api("POST", f"/calls/{call}/recording", {})
        # another profile, size and mode: renditions of their own
        guest = callers(
            appliance.uri(call), mark=3, audio_codec="PCMA", mode0=turn == 0, max_fs=920 if turn else None
        ).wait_up(20)
        stay[0].wait_view("three", lambda e: {1, 2, 3} <= moving(e), timeout=30, after=stay[0].now())
        who = appliance.participant(call, guest.name)["id"]
        for name in LAYOUTS:
            appliance.api("PUT", f"/calls/{call}/layout", {"name": name, "focus": who})
            snapshot(appliance, call)
            appliance.api("GET", f"/calls/{call}/stats")
        appliance.api("PATCH", f"/calls/{call}/participants/{who}", {"muted": True, "name": "Élodie"})
        if turn:
            guest.stop()
            appliance.api("DELETE", f"/calls/{call}/recording")
        else:
            appliance.api("DELETE", f"/calls/{call}/recording")
            guest.stop()
    appliance.api("POST", f"/calls/{call}/recording", {})
    time.sleep(1)
    end_call(appliance, call)
    for caller in stay:
        caller.wait_end()


# --- soak

SOAK_S = float(os.environ.get("MCU_SOAK_S", 40))
WARM_UP = 0.4  # share of a run after which the worker has all it needs
MIB = 1 << 20
# What glibc's arenas and caches may still gather; a leak of one leg or call shows more.
ALLOWANCE_MCUD = 1 * MIB
ALLOWANCE_WORKER = 12 * MIB * PATIENCE**3


def rss(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise Failure(f"process {pid} has ended")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def udp_sockets(pid=None):
    """Inodes of the UDP sockets of a process, or of all."""
    every = {
        line.split()[9]
        for table in ("/proc/net/udp", "/proc/net/udp6")
        for line in Path(table).read_text().splitlines()[1:]
    }
    if pid is None:
        return every
    links = (os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir())
    return every & {link[8:-1] for link in links if link.startswith("socket:[")}


class Sampler(threading.Thread):
    """Memory of a process over time."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.samples = []
        self.end = threading.Event()

    def run(self):
        start = time.monotonic()
        while not self.end.wait(0.5):
            try:
                self.samples.append((time.monotonic() - start, rss(self.pid), threads(self.pid)))
            except (OSError, Failure):
                return

    def finish(self):
        self.end.set()
        self.join()
        return self.samples


def low(samples, begin, end):
    """Least memory in a part of the run: what is held, without what comes and goes."""
    return min(s[1] for s in samples if begin <= s[0] < end)


def run_once(appliance, callers, number, log):
    """One run: four callers, of whom one leaves and rejoins, under changes; then all is gone."""
    call = f"soak{number}"
    path = f"/calls/{call}"
    rng = random.Random(number)
    stay = [
        callers(appliance.uri(call), mark=1, audio_codec="opus"),
        callers(appliance.uri(call), mark=2, audio_codec="G722", srtp=True),
        callers(appliance.uri(call), mark=3, audio_codec="PCMU", transport="tcp"),
    ]
    for caller in stay:
        caller.wait_up(15)
    worker = appliance.worker(call)
    sampler = Sampler(worker)
    sampler.start()
    began, joins = time.monotonic(), 0
    while time.monotonic() - began < SOAK_S:
        guest = callers(appliance.uri(call), mark=4, audio_codec="opus,PCMA", mode0=joins % 3 == 2).wait_up(15)
        joins += 1
        leave = time.monotonic() + 4
        if joins % 2:
            appliance.api("POST", f"{path}/recording", {})
        while time.monotonic() < leave:
            appliance.api("PUT", f"{path}/layout", {"name": rng.choice(LAYOUTS)})
            snapshot(appliance, call)
            time.sleep(0.8)
        if not joins % 2:
            appliance.api("DELETE", f"{path}/recording")
        guest.stop()
    appliance.api("PUT", f"{path}/layout", {"name": "grid"})
    stay[0].wait_view("all who are left", lambda e: moving(e) == {1, 2, 3}, after=stay[0].now())
    samples = sampler.finish()
    fds, sockets = descriptors(worker), udp_sockets(worker)
    for caller in stay:
        caller.stop()
        assert caller.process.returncode == 0
    # neither a worker nor a zombie of one: both are children
    wait_for("the worker's end", lambda: not appliance.workers(), 10)
    assert len(sockets) >= 6 and not sockets & udp_sockets()
    lasted = samples[-1][0]
    half = lasted * (1 + WARM_UP) / 2
    log.append(
        {
            "joins": joins,
            "worker_mid": low(samples, lasted * WARM_UP, half),
            "worker_end": low(samples, half, lasted + 1),
            "worker_threads": max(s[2] for s in samples),
            "worker_fds": fds,
            "mcud": rss(appliance.process.pid),
            "mcud_fds": descriptors(appliance.process.pid),
            "mcud_threads": threads(appliance.process.pid),
        }
    )


@pytest.mark.soak
@pytest.mark.parametrize("appliance", [{"call": {"empty_timeout": 1}}], indirect=True)
def test_soak(appliance, callers):
    log = []
    for number in (1, 2, 3):
        run_once(appliance, callers, number, log)
        assert appliance.api("GET", "/calls") == []
    print(*log, sep="\n")
    two, three = log[1], log[2]
    # a sanitizer keeps what was freed for a while, and finds leaks by itself
    if not SANITIZED:
        assert three["mcud"] - two["mcud"] <= ALLOWANCE_MCUD, log
    assert three["mcud_fds"] <= two["mcud_fds"], log
    assert three["mcud_threads"] <= two["mcud_threads"] + 1, log
    for run in log:
        assert run["worker_end"] - run["worker_mid"] <= ALLOWANCE_WORKER, log
    assert three["worker_fds"] <= two["worker_fds"] + 1, log
    check_callers(callers.all)
