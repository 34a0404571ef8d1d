"""Starts the real programs on loopback and asks them what they see and hear.

Appliance   mcud with its own configuration, ports and recording directory
Caller      one mcu-caller; its events are read while it runs, its report at the end
Events      the event WebSocket
Only the standard library is used. Everything that was started here is stopped here, and nothing else.
"""

import base64
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("MCU_BUILD", "build")).resolve()
SANITIZED = bool(os.environ.get("MCU_SAN"))
# programs of a sanitizer build are slower to start and to answer
PATIENCE = 3 if SANITIZED else 1
TOKEN = "token-of-the-tests"
LOUD_LINE = re.compile(r"\] (warning|error): |AddressSanitizer|LeakSanitizer|runtime error: |ThreadSanitizer")


class Failure(AssertionError):
    pass


def program(name):
    path = BUILD / name
    if not path.exists():
        raise Failure(f"{path} is missing: run make BUILD={BUILD} first")
    return str(path)


def free_ports(n):
    """Ports free for UDP and TCP just now."""
    found, sockets = [], []
    while len(found) < n:
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets += [tcp, udp]
        tcp.bind(("127.0.0.1", 0))
        port = tcp.getsockname()[1]
        try:
            udp.bind(("127.0.0.1", port))
        except OSError:
            continue
        found.append(port)
    for s in sockets:
        s.close()
    return found


def wait_for(what, condition, timeout):
    """The first true value of condition(); fails naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {timeout * PATIENCE} s for {what}")
        time.sleep(0.05)


def to_yaml(value, indent=0):
    """Enough YAML for a configuration: mappings, lists of mappings or scalars, scalars as JSON."""
    pad = "  " * indent
    lines = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines += [f"{pad}{key}:", to_yaml(item, indent + 1)]
        elif isinstance(item, list):
            lines.append(f"{pad}{key}: {json.dumps(item)}")
        else:
            lines.append(f"{pad}{key}: {json.dumps(item) if isinstance(item, (str, bool)) else item}")
    return "\n".join(lines)


class HttpError(Exception):
    def __init__(self, status, body):
        super().__init__(f"HTTP {status}: {body}")
        self.status = status
        self.body = body


class Appliance:
    def __init__(self, directory, config=None):
        self.directory = Path(directory)
        self.recordings = self.directory / "recordings"
        self.recordings.mkdir(parents=True, exist_ok=True)
        self.log_path = self.directory / "mcud.log"
        self.sip_port, self.http_port = free_ports(2)
        self.allowed = []
        self.process = None
        media = random.randrange(20000, 28000, 2)
        self.config = {
            "http": {"listen": f"127.0.0.1:{self.http_port}", "token": TOKEN},
            "sip": {"listen": [f"udp:127.0.0.1:{self.sip_port}", f"tcp:127.0.0.1:{self.sip_port}"]},
            "media": {"ports": f"{media}-{media + 1999}"},
            "call": {"layout_dir": str(ROOT / "config" / "layouts")},
            "record": {"path": str(self.recordings)},
        }
        for section, options in (config or {}).items():
            self.config.setdefault(section, {}).update(options)

    # --- life

    def start(self):
        path = self.directory / "mcu.yaml"
        path.write_text(to_yaml(self.config) + "\n")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [program("mcud"), "-c", str(path)], stderr=log, stdout=log, stdin=subprocess.DEVNULL
            )
        wait_for("mcud to be ready", self._ready, 10)
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise Failure(f"mcud ended with {self.process.returncode} at start:\n{self.log_tail()}")
        try:
            self.request("GET", "/readyz")
            return True
        except (OSError, HttpError):
            return False

    def stop(self):
        """SIGTERM as systemd would: everything closed, exit 0, within 5 s."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(5 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("mcud did not end within 5 s of SIGTERM")
        if code != 0:
            raise Failure(f"mcud ended with {code} after SIGTERM:\n{self.log_tail()}")

    def kill(self):
        """SIGKILL to the daemon and its workers: the power fails."""
        for pid in self.workers() + [self.process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def workers(self):
        if self.process is None or self.process.poll() is not None:
            return []
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def worker(self, call):
        """Process id of the worker of a call; None while there is none."""
        for pid in self.workers():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if "--call" in words and words[words.index("--call") + 1] == call:
                return pid
        return None

    # --- log

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self):
        return "\n".join(self.log_text().splitlines()[-30:])

    def allow_log(self, *patterns):
        """Warnings and errors that this test provokes."""
        self.allowed += [re.compile(p) for p in patterns]

    def check_log(self):
        loud = [
            line
            for line in self.log_text().splitlines()
            if LOUD_LINE.search(line) and not any(p.search(line) for p in self.allowed)
        ]
        if loud:
            raise Failure("unexpected in the log:\n" + "\n".join(loud[:20]))

    # --- control

    def request(self, method, path, body=None, token=TOKEN, raw=False):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10 * PATIENCE) as reply:
                content = reply.read()
        except urllib.error.HTTPError as error:
            raise HttpError(error.code, error.read().decode(errors="replace")) from None
        if raw:
            return content
        try:
            return json.loads(content) if content else None
        except ValueError:
            return content

    def api(self, method, path, body=None, **options):
        return self.request(method, "/api/v1" + path, body, **options)

    def participants(self, call):
        """The call's participants, oldest first; [] when there is no such call."""
        try:
            return self.api("GET", f"/calls/{call}/participants")
        except HttpError as error:
            if error.status == 404:
                return []
            raise

    def participant(self, call, name):
        for p in self.participants(call):
            if p["name"] == name:
                return p
        raise Failure(f"no participant {name!r} in {self.participants(call)}")

    def uri(self, call):
        return f"sip:{call}@127.0.0.1:{self.sip_port}"

    def events(self):
        return Events(self.http_port)


class Events:
    """The event WebSocket: a thread collects what comes."""

    def __init__(self, port):
        self.received = []
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (
                f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                f"Authorization: Bearer {TOKEN}\r\n\r\n"
            ).encode()
        )
        self.stream = self.socket.makefile("rb")
        status = self.stream.readline()
        if b" 101 " not in status:
            raise Failure(f"events: {status!r}")
        while self.stream.readline().strip():
            pass
        self.socket.settimeout(None)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while True:
                head = self.stream.read(2)
                if len(head) < 2:
                    return
                length = head[1] & 0x7F
                if length == 126:
                    (length,) = struct.unpack(">H", self.stream.read(2))
                elif length == 127:
                    (length,) = struct.unpack(">Q", self.stream.read(8))
                payload = self.stream.read(length)
                if head[0] & 0x0F == 1:
                    self.received.append(json.loads(payload))
        except (OSError, ValueError):
            return

    def wait(self, name, timeout=10, **members):
        """The first event of that name whose members are as given."""

        def find():
            for event in list(self.received):
                if event.get("type") == name and all(event.get(k) == v for k, v in members.items()):
                    return event
            return None

        try:
            return wait_for(f"event {name} {members}", find, timeout)
        except Failure as failure:
            raise Failure(f"{failure}; events: {self.received}") from None

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


# Pitches of callers by mark: no one is another's harmonic or the usual mixing product.
TONES = [0, 500, 700, 1100, 900, 1300, 1700, 1900, 2300, 2900, 600, 1400]


class Caller:
    """One mcu-caller. `mark` and `tone` say who it is."""

    def __init__(self, directory, to=None, mark=1, tone=None, name=None, **options):
        self.mark = mark
        self.tone = TONES[mark] if tone is None else tone
        self.name = name or f"Caller {mark}"
        self.report_path = Path(directory) / f"caller-{mark}-{random.getrandbits(32):08x}.json"
        self.errors_path = self.report_path.with_suffix(".err")
        self.log = []
        self.timeline = []
        options.setdefault("duration", 0)
        arguments = [program("mcu-caller"), "--events", "--name", self.name, "--mark", str(mark)]
        arguments += ["--tone", str(self.tone), "--report", str(self.report_path)]
        if to:
            arguments += ["--to", to]
        for key, value in options.items():
            option = "--" + key.replace("_", "-")
            if value is True:
                arguments.append(option)
            elif key == "srtp":
                arguments.append(f"{option}={value}")
            elif value is not None and value is not False:
                arguments += [option, str(value)]
        self.arguments = arguments
        self.errors = open(self.errors_path, "wb")
        self.started = time.time()
        self.process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=self.errors, stdin=subprocess.DEVNULL, text=True
        )
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            (self.log if "event" in entry else self.timeline).append(entry)

    # --- while it runs

    def now(self):
        """Its clock: the latest entry of the timeline."""
        return self.timeline[-1]["t"] if self.timeline else 0.0

    def event(self, name):
        for entry in list(self.log):
            if entry["event"] == name:
                return entry
        return None

    def wait_event(self, name, timeout=10):
        def find():
            if self.event(name):
                return self.event(name)
            if self.process.poll() is not None:
                self.thread.join()
                if not self.event(name):
                    raise Failure(f"{self.name} ended before {name}: {self.log}\n{self.error_text()}")
            return None

        return wait_for(f"{self.name}: {name}", find, timeout)

    def wait_up(self, timeout=10):
        self.wait_event("up", timeout)
        return self

    def wait_view(self, what, condition, timeout=10, after=0.0):
        """Until an entry of the timeline later than `after` makes condition(entry) true."""

        def find():
            for entry in list(self.timeline):
                if entry["t"] > after and condition(entry):
                    return entry
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended: {self.log}\n{self.error_text()}")
            return None

        try:
            return wait_for(f"{self.name}: {what}", find, timeout)
        except Failure as failure:
            raise Failure(f"{failure}; last: {self.timeline[-2:]}") from None

    def wait_sees(self, *marks, **options):
        wanted = set(marks)
        return self.wait_view(f"marks {sorted(wanted)}", lambda e: seen(e) == wanted, **options)

    def wait_hears(self, *tones, **options):
        wanted = set(tones)
        return self.wait_view(f"tones {sorted(wanted)}", lambda e: heard(e) == wanted, **options)

    def window(self, start, end):
        return [e for e in self.timeline if start < e["t"] <= end]

    def uri(self, timeout=5):
        return self.wait_event("listening", timeout)["text"]

    # --- its end

    def error_text(self):
        return self.errors_path.read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.errors.close()

    def wait_end(self, timeout=10):
        try:
            self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} did not end") from None
        self.thread.join()
        self.errors.close()
        return self.process.returncode

    def stop(self):
        """Hang up, and read the report."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.wait_end()
        return self.report()

    def report(self):
        if not self.report_path.exists():
            raise Failure(f"{self.name} left no report: {self.log}\n{self.error_text()}")
        return json.loads(self.report_path.read_text())


# --- entries of a timeline


def seen(entry):
    return {m["id"] for m in entry["marks"]}


def moving(entry):
    return {m["id"] for m in entry["marks"] if m["advances"] > 0}


def heard(entry, at_least_ms=250):
    return {t["hz"] for t in entry["tones"] if t["ms"] >= at_least_ms}


def tile(entry, mark):
    for m in entry["marks"]:
        if m["id"] == mark:
            return m["tile"]
    return None


def analyse(path, directory):
    """What mcu-caller finds in a media file."""
    report = Path(directory) / (Path(path).name + ".json")
    subprocess.run(
        [program("mcu-caller"), "--analyse", str(path), "--report", str(report), "--analyse-fps", "0"],
        check=True, timeout=120 * PATIENCE,
    )
    return json.loads(report.read_text())


def ffprobe(path, entries):
    """Lines of ffprobe's output; it must find nothing wrong."""
    if not shutil.which("ffprobe"):
        raise Failure("ffprobe is missing: apt-get install ffmpeg")
    done = subprocess.run(
        ["ffprobe", "-v", "error", *entries, "-of", "csv=p=0", str(path)],
        capture_output=True, text=True, timeout=60 * PATIENCE,
    )
    if done.returncode != 0:
        raise Failure(f"ffprobe {path}: {done.stderr}")
    return done.stdout.split()
