"""Signalling of mcud against SIPp, with a worker that has no media (tests/tools/fake-worker).

Loopback only; every test starts its own mcud on free ports and kills it afterwards.
Programs come from MCU_BUILD (default: build/ of the repository).
"""

import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MCU_BUILD", ROOT / "build")).resolve()
SCENARIOS = pathlib.Path(__file__).resolve().parent / "sipp"
SIPP_TIMEOUT_S = 40


def free_port():
    """A port free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            u.bind(("127.0.0.1", 0))
            port = u.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as t:
                try:
                    t.bind(("127.0.0.1", port))
                except OSError:
                    continue
            return port


class Mcud:
    def __init__(self, tmp, **options):
        self.tmp = tmp
        self.sip = free_port()
        self.http = free_port()
        self.config = tmp / "mcu.yaml"
        self.log_path = tmp / "mcud.log"
        self.options = options
        self.write_config(**options)
        self.log_file = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            [BUILD / "mcud", "-c", self.config], stderr=self.log_file, stdout=self.log_file
        )
        self.wait(lambda: b"ready;" in self.log_path.read_bytes(), "mcud to be ready", 20)

    def write_config(self, sip="", call="", limits="", media=""):
        self.config.write_text(
            f"""
http:
  listen: 127.0.0.1:{self.http}
sip:
  listen: ["udp:127.0.0.1:{self.sip}", "tcp:127.0.0.1:{self.sip}"]
  {sip}
call:
  empty_timeout: 1
  {call}
record:
  path: {self.tmp}/recordings
{"limits:" if limits else ""}
  {limits}
log:
  level: debug
worker:
  path: {BUILD}/tests/fake-worker
"""
        )

    def wait(self, condition, what, seconds=8):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"waited in vain for {what}\n{self.log()}")

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_log(self, text, seconds=8):
        self.wait(lambda: text in self.log(), f"the log line {text!r}", seconds)

    def api(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}/api/v1{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                data = reply.read()
                return reply.status, json.loads(data) if data else None
        except urllib.error.HTTPError as error:
            data = error.read()
            return error.code, json.loads(data) if data else None

    def workers(self):
        children = pathlib.Path(
            f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        ).read_text()
        return [int(pid) for pid in children.split()]

    def stop(self):
        """Exit status, and how long it took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        return status, time.monotonic() - start

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log_file.close()


@pytest.fixture
def mcud(tmp_path):
    started = []

    def start(**options):
        m = Mcud(tmp_path, **options)
        started.append(m)
        return m

    yield start
    for m in started:
        if m.process.poll() is None:
            m.process.send_signal(signal.SIGTERM)
        try:
            status = m.process.wait(8)
        finally:
            m.close()
        assert status == 0, m.log()
        for word in ("Sanitizer", "runtime error:", "CRITICAL"):
            assert word not in m.log(), m.log()


class Sipp:
    """One SIPp scenario; dials `call` at mcud, or waits for calls when `call` is None."""

    def __init__(self, mcud, scenario, call=None, transport="u1"):
        self.port = free_port()
        self.errors = mcud.tmp / f"sipp-{scenario}-{self.port}.log"
        command = ["sipp", "-sf", SCENARIOS / f"daemon-{scenario}.xml"]
        if call is not None:
            command += [f"127.0.0.1:{mcud.sip}", "-s", call]
        command += ["-i", "127.0.0.1", "-p", str(self.port), "-m", "1", "-t", transport]
        command += ["-timeout", f"{SIPP_TIMEOUT_S - 5}s", "-timeout_error", "-nostdin"]
        command += ["-trace_err", "-error_file", self.errors]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=mcud.tmp
        )
        self.mcud = mcud
        self.transport = transport
        if call is None:
            mcud.wait(self.listening, "SIPp to listen")

    def listening(self):
        kind = "udp" if self.transport == "u1" else "tcp"
        return f":{self.port:04X} " in pathlib.Path(f"/proc/net/{kind}").read_text()

    def done(self):
        try:
            status = self.process.wait(SIPP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "timeout"
        errors = self.errors.read_text(errors="replace") if self.errors.exists() else ""
        assert status == 0, f"SIPp: {status}\n{errors}\n{self.mcud.log()}"


def sipp(mcud, scenario, call=None, transport="u1"):
    Sipp(mcud, scenario, call, transport).done()


SDP = (
    "v=0\r\no=t 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\n"
)


class Peer:
    """A raw UDP peer, for what SIPp would not send."""

    def __init__(self, mcud):
        self.mcud = mcud
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(6)
        self.port = self.socket.getsockname()[1]
        self.calls = 0

    def send(self, data):
        self.socket.sendto(data, ("127.0.0.1", self.mcud.sip))

    def request(self, method, user, body=None, headers="", kind="application/sdp"):
        self.calls += 1
        body = SDP if body is None else body
        content = f"Content-Type: {kind}\r\n" if body else ""
        target = f"{user}@127.0.0.1" if user else "127.0.0.1"
        self.send(
            (
                f"{method} sip:{target}:{self.mcud.sip} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK-{self.port}-{self.calls}\r\n"
                f"From: <sip:x@127.0.0.1>;tag={self.calls}\r\nTo: <sip:{target}>\r\n"
                f"Call-ID: {self.port}-{self.calls}@test\r\nCSeq: 1 {method}\r\n"
                f"Contact: <sip:x@127.0.0.1:{self.port}>\r\nMax-Forwards: 70\r\n"
                f"{headers}{content}Content-Length: {len(body.encode())}\r\n\r\n{body}"
            ).encode()
        )

    def final(self):
        """Status and text of the next final response."""
        while True:
            text = self.socket.recv(65536).decode()
            match = re.match(r"SIP/2\.0 (\d+)", text)
            if match and int(match[1]) >= 200:
                return int(match[1]), text

    def ask(self, *args, **kw):
        self.request(*args, **kw)
        return self.final()


@pytest.mark.parametrize("transport", ["u1", "t1"])
@pytest.mark.parametrize("scenario", ["basic", "no-offer", "in-dialog", "timer"])
def test_inbound(mcud, scenario, transport):
    m = mcud()
    sipp(m, scenario, "meeting", transport)
    m.wait_log("nobody is in the call")
    assert m.stop()[0] == 0


def test_hold_is_a_state(mcud):
    m = mcud()
    peer = Sipp(m, "in-dialog", "meeting")
    states = set()

    def held():
        for p in m.api("GET", "/calls/meeting/participants")[1] or []:
            if isinstance(p, dict):
                states.add(p["state"])
                assert p["name"] == "Room 7"
        return "held" in states

    m.wait(held, "the participant to be held")
    peer.done()


def test_options(mcud):
    m = mcud()
    sipp(m, "options", "anything")
    assert m.workers() == []


def test_cancel_while_the_worker_thinks(mcud):
    m = mcud()
    sipp(m, "cancel", "slow")
    m.wait_log("left: cancelled")


def test_digest(mcud):
    users = "users: [{name: alice, password: secret}]"
    m = mcud(sip=users)
    sipp(m, "digest-wrong", "meeting")
    assert m.workers() == []
    sipp(m, "digest", "meeting")
    assert "secret" not in m.log()


def test_keyframe_by_info(mcud):
    m = mcud()
    sipp(m, "keyframe", "keyframe")


@pytest.mark.parametrize("scenario", ["restart", "restart-glare", "glare"])
def test_killed_worker_is_replaced(mcud, scenario):
    m = mcud()
    other = Sipp(m, "restart-other", "other")
    m.wait_log("[other/p1] in-accepted + acked -> up")
    untouched = m.workers()
    peer = Sipp(m, scenario, "meeting")
    m.wait_log("[meeting/p1] in-accepted + acked -> up")
    victim = [pid for pid in m.workers() if pid not in untouched]
    assert len(victim) == 1
    os.kill(victim[0], signal.SIGKILL)
    peer.done()
    other.done()
    assert set(untouched) <= set(m.workers())


def test_worker_that_keeps_dying_ends_the_call(mcud):
    m = mcud()
    peer = Peer(m)
    status, text = peer.ask("INVITE", "dies")
    assert status == 503, text
    assert m.log().count("worker lost") == 4
    m.wait(lambda: m.workers() == [], "all workers to be gone")


def test_hung_worker_is_replaced(mcud):
    m = mcud()
    peer = Sipp(m, "restart-hung", "meeting")
    m.wait_log("[meeting/p1] in-accepted + acked -> up")
    hung = m.workers()[0]
    os.kill(hung, signal.SIGSTOP)
    peer.done()
    m.wait(lambda: hung not in m.workers(), "the hung worker to be killed")


def test_refusals(mcud):
    m = mcud(call="max_participants: 2", limits="calls: 5")
    peer = Peer(m)
    assert peer.ask("INVITE", "")[0] == 404
    status, text = peer.ask("INVITE", "refuse")
    assert status == 488 and "Warning: 399" in text
    assert peer.ask("INVITE", "nostart")[0] == 503
    assert peer.ask("INVITE", "meeting", body="x", kind="text/plain")[0] == 415
    assert peer.ask("INVITE", "meeting", body="v=0\r\n\0")[0] == 400
    assert peer.ask("INVITE", "meeting", body="a" * 40000)[0] == 413
    assert peer.ask("MESSAGE", "meeting", body="hello", kind="text/plain")[0] == 405
    assert peer.ask("SUBSCRIBE", "meeting", body="", headers="Event: presence\r\n")[0] in (405, 489)
    assert peer.ask("REGISTER", "meeting", body="")[0] in (405, 501)
    assert peer.ask("BLAH", "meeting", body="")[0] in (405, 501)
    assert peer.ask("BYE", "meeting", body="")[0] == 481
    assert peer.ask("INFO", "meeting", body="")[0] in (405, 481)
    assert peer.ask("UPDATE", "meeting")[0] == 481
    assert m.process.poll() is None


def test_full_call_is_busy(mcud):
    m = mcud(call="max_participants: 2")
    peer = Peer(m)
    assert peer.ask("INVITE", "meeting")[0] == 200
    assert peer.ask("INVITE", "meeting")[0] == 200
    while True:
        status, text = peer.ask("INVITE", "meeting")
        if status != 200:  # retransmissions: nothing is acknowledged here
            break
    assert status == 486


def test_no_further_call(mcud):
    m = mcud(limits="calls: 1")
    peer = Peer(m)
    assert peer.ask("INVITE", "one")[0] == 200
    peer2 = Peer(m)
    status, text = peer2.ask("INVITE", "two")
    assert status == 503 and "Retry-After:" in text
    assert len(m.workers()) == 1


def test_allow_list(mcud):
    m = mcud(sip='allow: ["10.0.0.0/8"]')
    peer = Peer(m)
    assert peer.ask("INVITE", "meeting")[0] == 403
    assert peer.ask("OPTIONS", "meeting", body="")[0] == 403
    assert m.workers() == []


def test_rate_limit(mcud):
    m = mcud()
    peer = Peer(m)
    statuses = [peer.ask("OPTIONS", "meeting", body="")[0] for _ in range(100)]
    assert statuses[0] == 200 and statuses[-1] == 503


def test_no_auto_create(mcud):
    m = mcud(call="auto_create: false")
    peer = Peer(m)
    assert peer.ask("INVITE", "meeting")[0] == 404
    status, call = m.api("POST", "/calls", {"id": "meeting"})
    assert status in (200, 201), call
    assert peer.ask("INVITE", "meeting")[0] == 200


def test_garbage_does_no_harm(mcud):
    m = mcud()
    peer = Peer(m)
    for data in (b"\0" * 100, b"INVITE\r\n\r\n", b"INVITE sip: SIP/2.0\r\n\r\n", b"\xff" * 1400):
        peer.send(data)
    peer.request("INVITE", "m%ff%00x", headers="To: <sip:\xff@>\r\n")
    select.select([peer.socket], [], [], 0.5)
    assert Peer(m).ask("OPTIONS", "meeting", body="")[0] == 200


def dial(m, peer, call="out", name=None):
    assert m.api("POST", "/calls", {"id": call})[0] in (200, 201)
    tcp = ";transport=tcp" if peer.transport == "t1" else ""
    body = {"uri": f"sip:room@127.0.0.1:{peer.port}{tcp}"}
    status, participant = m.api("POST", f"/calls/{call}/dial", body)
    assert status in (200, 201, 202), participant
    return participant


def state_of(m, call, participant):
    listed = m.api("GET", f"/calls/{call}/participants")[1]
    return {p["id"]: p["state"] for p in listed if isinstance(p, dict)}.get(participant["id"])


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_dial_out(mcud, transport):
    m = mcud()
    peer = Sipp(m, "answer", transport=transport)
    p = dial(m, peer)
    assert p["direction"] == "out"
    m.wait(lambda: state_of(m, "out", p) == "connected", "the peer to be connected")
    peer.done()
    m.wait_log("left: hung up")


def test_dial_out_with_credentials(mcud):
    m = mcud(sip="auth_user: bob\n  auth_password: builder")
    peer = Sipp(m, "answer-auth")
    p = dial(m, peer)
    m.wait(lambda: state_of(m, "out", p) == "connected", "the peer to be connected")
    assert m.api("DELETE", f"/calls/out/participants/{p['id']}")[0] in (200, 204)
    peer.done()
    assert "builder" not in m.log()


def test_dial_out_reliable_provisional(mcud):
    m = mcud()
    peer = Sipp(m, "reliable")
    p = dial(m, peer)
    m.wait(lambda: state_of(m, "out", p) == "connected", "the peer to be connected")
    assert m.api("DELETE", "/calls/out")[0] in (200, 204)
    peer.done()


def test_kick_while_ringing_cancels(mcud):
    m = mcud()
    peer = Sipp(m, "ring-cancel")
    p = dial(m, peer)
    m.wait_log("nua_r_invite 180")
    assert m.api("DELETE", f"/calls/out/participants/{p['id']}")[0] in (200, 204)
    peer.done()


def test_dial_out_busy(mcud):
    m = mcud()
    peer = Sipp(m, "busy")
    dial(m, peer)
    peer.done()
    m.wait_log("left: Busy Here")


def test_dial_bad_uri(mcud):
    m = mcud()
    assert m.api("POST", "/calls", {"id": "out"})[0] in (200, 201)
    for uri in ("tel:123", "sip:", "sip:a@b<c>", "sip:a@b\r\nX: y", "sip:a@b?Subject=x", "x" * 999):
        assert m.api("POST", "/calls/out/dial", {"uri": uri})[0] == 400, uri


def test_drain_says_bye(mcud):
    m = mcud()
    peer = Sipp(m, "drained", "meeting")
    m.wait_log("[meeting/p1] in-accepted + acked -> up")
    status, seconds = m.stop()
    assert status == 0 and seconds < 5
    peer.done()


def test_drain_with_a_hung_worker(mcud):
    m = mcud()
    peer = Peer(m)
    peer.request("INVITE", "hang")
    m.wait_log("in-waiting + worker-ready")
    os.kill(m.workers()[0], signal.SIGSTOP)
    status, seconds = m.stop()
    assert status == 0 and seconds < 5


def test_reload(mcud):
    m = mcud()
    m.write_config(sip='allow: ["10.0.0.0/8"]')
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("configuration reloaded")
    assert Peer(m).ask("INVITE", "meeting")[0] == 403
    m.config.write_text("nonsense: [")
    m.process.send_signal(signal.SIGHUP)
    m.wait_log("the old configuration stays")
    assert Peer(m).ask("INVITE", "meeting")[0] == 403


def test_check(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("sip:\n  lissen: [x]\n")
    run = subprocess.run([BUILD / "mcud", "-c", bad, "--check"], capture_output=True, text=True)
    assert run.returncode == 1
    assert re.search(r"bad\.yaml:2:3: ", run.stderr + run.stdout), run.stderr + run.stdout
    good = tmp_path / "good.yaml"
    text = subprocess.run([BUILD / "mcud", "--write-defaults"], capture_output=True).stdout
    good.write_bytes(text)
    assert subprocess.run([BUILD / "mcud", "-c", good, "--check"]).returncode == 0
