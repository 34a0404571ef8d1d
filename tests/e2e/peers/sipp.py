"""A room system made of SIPp (signalling, the SDP of a dialect) and ffmpeg (its RTP, both ways)."""

import re
import signal
import subprocess
from pathlib import Path

from harness import PATIENCE, ROOT, Failure, analyse, free_ports, wait_for

from . import material
from .relay import Relay, pair

VECTORS = ROOT / "tests" / "vectors" / "sdp"
SCENARIO = Path(__file__).resolve().parents[1] / "sipp" / "peer-call.xml"

# How ffmpeg makes the sound of an RTP payload.
ENCODERS = {
    "PCMU": ["pcm_mulaw", "-ar", "8000"],
    "PCMA": ["pcm_alaw", "-ar", "8000"],
    "G722": ["g722", "-ar", "16000"],
    "opus": ["libopus", "-ar", "48000", "-b:a", "32k"],
}
STATIC = {0: "PCMU", 8: "PCMA", 9: "G722"}


class Line:
    """One m= line of an answer."""

    def __init__(self, text):
        self.text = text
        words = text.split()
        self.kind, self.port = words[0], int(words[1])
        self.proto, self.formats = words[2], words[3 : len(text.splitlines()[0].split())]
        found = re.search(r"^a=rtcp:(\d+)", text, re.M)
        self.rtcp_port = int(found[1]) if found else self.port + 1
        self.mux = "a=rtcp-mux" in text
        self.crypto = re.search(r"^a=crypto:\d+ (\S+) inline:([^|\s]+)", text, re.M)

    def for_ffmpeg(self, port):
        """The line as ffmpeg reads it: it takes the rate of the last rtpmap for all of them."""
        kept = [f"m={self.kind} {port} {self.proto} {self.formats[0]}"]
        for attribute in self.text.splitlines()[1:]:
            of = re.match(r"a=(?:rtpmap|fmtp):(\d+)", attribute)
            if attribute.startswith("a=crypto:") or of and of[1] == self.formats[0]:
                kept.append(attribute)
        return "\n".join(kept)

    @property
    def codec(self):
        pt = self.formats[0]
        found = re.search(rf"^a=rtpmap:{pt} ([^/]+)", self.text, re.M)
        return found[1] if found else STATIC[int(pt)]


class SippPeer:
    def __init__(self, directory, appliance, call, dialect, mark, hz, lose_first=0, mode0=False, edit=None):
        self.directory = Path(directory) / f"sipp-{mark}"
        self.directory.mkdir(parents=True)
        self.mark, self.tone = mark, hz
        self.picture = material.film(mark, slices=1100 if mode0 else 0)
        self.sound = material.tone(hz)
        self.mode0 = mode0
        self.name = f"Room {mark}"
        self.processes = []
        self.relays, self.answers, self.spare = {}, {}, []
        self.lose_first = lose_first
        text = (VECTORS / f"{dialect}.sdp").read_text()
        for old, new in (edit or {}).items():
            assert old in text
            text = text.replace(old, new)
        self.offer = self._offer(text)
        scenario = self.directory / "scenario.xml"
        text = SCENARIO.read_text().replace("@NAME@", self.name)
        scenario.write_text(text.replace("@SDP@", self.offer))
        (port,) = free_ports(1)
        self.messages = self.directory / "messages"
        command = ["sipp", "-sf", scenario, f"127.0.0.1:{appliance.sip_port}", "-s", call]
        command += ["-i", "127.0.0.1", "-p", str(port), "-m", "1", "-nostdin", "-nd"]
        command += ["-trace_msg", "-message_file", self.messages]
        command += ["-trace_err", "-error_file", self.directory / "errors"]
        self.sipp = self._spawn(command)
        self.answer = wait_for("the answer", self._read_answer, 10)

    # --- signalling

    def _offer(self, text):
        """The dialect's SDP with our address, and a relay behind each port of RTP."""
        ports = {}
        for line in re.findall(r"^m=.*(?:\n(?!m=).*)*", text, re.M):
            kind, port = line.split()[0][2:], line.split()[1]
            if kind not in ("audio", "video") or port in ports:
                continue
            if "content:slides" in line:
                ports[port] = self._spare_port()
                continue
            secure = " RTP/SAVP" in line.splitlines()[0]
            self.relays[kind] = Relay(kind == "video", secure, self.lose_first if kind == "video" else 0)
            ports[port] = self.relays[kind].port
        text = re.sub(r"192\.0\.2\.\d+", "127.0.0.1", text)
        text = re.sub(r"^(m=\S+ )(\d+)", lambda m: m[1] + str(ports.get(m[2], m[2])), text, flags=re.M)
        return re.sub(r"^a=rtcp:\d+.*\n", "", text, flags=re.M).strip()

    def _spare_port(self):
        port, sockets = pair()
        self.spare += sockets
        return port

    def _spawn(self, command, log="log"):
        with open(self.directory / log, "ab") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.directory)
        self.processes.append(process)
        return process

    def message_text(self):
        return self.messages.read_text(errors="replace") if self.messages.exists() else ""

    def _read_answer(self):
        if self.sipp.poll() is not None:
            raise Failure(f"SIPp ended with {self.sipp.returncode}: {self.error_text()}")
        found = re.search(r"^SIP/2\.0 200 .*?\n(v=0\r?\n.*?)\n-----", self.message_text(), re.S | re.M)
        return found[1].replace("\r", "") if found else None

    def error_text(self):
        errors = self.directory / "errors"
        return (errors.read_text(errors="replace") if errors.exists() else "") + self.message_text()[-3000:]

    def lines(self):
        """The answer's m= lines, in order."""
        return [Line(text[2:]) for text in re.findall(r"^m=.*(?:\n(?!m=).*)*", self.answer, re.M)]

    def keyframe_requests(self):
        """How many INFO with picture_fast_update came."""
        return len(re.findall(r"<picture_fast_update", self.message_text()))

    # --- media

    def start_media(self):
        """Send, and record what comes."""
        for line in self.lines():
            if line.port and line.kind in self.relays and line.kind not in self.answers:
                self.answers[line.kind] = line
                self.relays[line.kind].connect(line.port, line.rtcp_port, line.mux)
        self._receive()
        self._send()
        return self

    def _receive(self):
        text = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
        targets = {}
        for kind, line in self.answers.items():
            targets[kind], sockets = pair()
            for s in sockets:
                s.close()
            text.append(line.for_ffmpeg(targets[kind]))
        (self.directory / "receive.sdp").write_text("\n".join(text) + "\n")
        self.film = self.directory / "received.mkv"
        self.receiver = self._spawn(
            ["ffmpeg", "-v", "warning", "-protocol_whitelist", "file,udp,rtp,srtp", "-analyzeduration", "2000000",
             "-buffer_size", "1000000", "-i", "receive.sdp", "-map", "0", "-c:v", "copy", "-c:a", "pcm_s16le",
             "-flush_packets", "1", str(self.film)], "receive.log",
        )
        for kind, port in targets.items():
            self.relays[kind].deliver_to(port)

    def _send(self):
        inputs, outputs = [], []
        for kind, line in self.answers.items():
            if kind == "video":
                inputs += ["-re", "-stream_loop", "-1", "-i", str(self.picture)]
                how = ["-c:v", "copy", "-bsf:v", "h264_mp4toannexb"]
                how += ["-rtpflags", "h264_mode0"] if self.mode0 else []
            else:
                encoder, *rest = ENCODERS[line.codec]
                inputs += ["-re", "-stream_loop", "-1", "-i", str(self.sound)]
                how = ["-c:a", encoder, *rest, "-ac", "1"]
            number = len([word for word in inputs if word == "-i"]) - 1
            outputs += ["-map", f"{number}:0", *how, "-payload_type", line.formats[0], "-f", "rtp"]
            address = f"127.0.0.1:{self.relays[kind].inner_port}?pkt_size=1200"
            if line.crypto:
                outputs += ["-srtp_out_suite", line.crypto[1], "-srtp_out_params", self._own_key(kind, line.crypto[1])]
                outputs += [f"srtp://{address}"]
            else:
                outputs += [f"rtp://{address}"]
        self.sender = self._spawn(["ffmpeg", "-v", "warning", *inputs, *outputs], "send.log")

    def _own_key(self, kind, suite):
        for line in re.findall(r"^m=.*(?:\n(?!m=).*)*", self.offer, re.M):
            found = re.search(rf"^a=crypto:\d+ {suite} inline:([^|\s]+)", line, re.M)
            if line.startswith(f"m={kind}") and found:
                return found[1]
        raise Failure(f"no key of {suite} for {kind} was offered")

    def received(self):
        """Stop receiving; mcu-caller's report on the film that was received."""
        if self.receiver.poll() is None:
            self.receiver.send_signal(signal.SIGINT)
            self.receiver.wait(10 * PATIENCE)
        if not self.film.exists():
            raise Failure(f"ffmpeg received nothing:\n{(self.directory / 'receive.log').read_text()}")
        return analyse(self.film, self.directory)

    def check_sender(self):
        if self.sender.poll() is not None:
            raise Failure(f"ffmpeg sends no more:\n{(self.directory / 'send.log').read_text()}")

    # --- its end

    def wait_end(self):
        """After our BYE SIPp must be content."""
        try:
            status = self.sipp.wait(10 * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"SIPp waits: {self.error_text()}") from None
        if status != 0:
            raise Failure(f"SIPp: {status}: {self.error_text()}")

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        for relay in self.relays.values():
            relay.close()
        for s in self.spare:
            s.close()
