"""A SIP and RTP peer made of bare sockets: it says whatever it is told, right or wrong.

RawLeg    one INVITE over UDP and what follows; its media sockets are the peer's own addresses
Bits      writes H.264 parameter sets, sane or not
Only for tests that misbehave on purpose; callers that behave are mcu-caller's.
"""

import random
import re
import socket
import struct
import subprocess
import time

from harness import Failure, PATIENCE

PCMU, H264 = 0, 96
GOOD_SDP = """v=0
o=- 1 1 IN IP4 {host}
s=-
c=IN IP4 {host}
t=0 0
m=audio {audio} RTP/AVP 0
a=rtcp-mux
m=video {video} RTP/AVPF 96
a=rtcp-mux
a=rtpmap:96 H264/90000
a=fmtp:96 profile-level-id=42e01f;packetization-mode=1
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 ccm tmmbr
a=rtcp-fb:96 nack
"""


def udp(host="127.0.0.1"):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((host, 0))
    return s


class RawLeg:
    def __init__(self, appliance, call, sdp=GOOD_SDP, host="127.0.0.1", body=None, headers=""):
        self.server = ("127.0.0.1", appliance.sip_port)
        self.call = call
        self.host = host
        self.sip, self.audio, self.video = udp(host), udp(host), udp(host)
        self.id = f"{random.getrandbits(64):x}"
        self.tag = f"{random.getrandbits(32):x}"
        self.cseq = 1
        self.to = f"<sip:{call}@127.0.0.1>"
        self.headers = headers
        self.body = body if body is not None else sdp.format(
            host=host, audio=self.audio.getsockname()[1], video=self.video.getsockname()[1]
        ).replace("\n", "\r\n").encode()
        self.status, self.answer = None, ""
        self.seq = {}
        self.ssrc = {self.audio: random.getrandbits(32), self.video: random.getrandbits(32)}
        self.ts = random.getrandbits(31)
        self.remote = {}

    def message(self, method, cseq, body=b"", extra=""):
        host, port = self.sip.getsockname()
        lines = [
            f"{method} sip:{self.call}@127.0.0.1:{self.server[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{self.id}{method}{cseq}",
            f"From: <sip:raw@{host}>;tag={self.tag}",
            f"To: {self.to}",
            f"Call-ID: {self.id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:raw@{host}:{port}>",
            "Max-Forwards: 70",
        ]
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode() + body

    def send(self, method, body=b"", extra=""):
        self.cseq += method != "ACK"
        self.sip.sendto(self.message(method, self.cseq, body, extra), self.server)

    def invite(self, timeout=5):
        """Status of the final answer; None when there is none."""
        self.send("INVITE", self.body, self.headers)
        deadline = time.monotonic() + timeout * PATIENCE
        while time.monotonic() < deadline:
            self.sip.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                text = self.sip.recv(65536).decode(errors="replace")
            except socket.timeout:
                return None
            found = re.match(r"SIP/2.0 (\d+)", text)
            if not found or int(found[1]) < 200 or "INVITE" not in text:
                continue
            self.status = int(found[1])
            to = re.search(r"^(?:To|t): *(.*)\r$", text, re.M | re.I)
            self.to = to[1] if to else self.to
            self.answer = text.split("\r\n\r\n", 1)[1]
            self.sip.sendto(self.message("ACK", self.cseq), self.server)
            for kind, sock in (("audio", self.audio), ("video", self.video)):
                port = re.search(rf"^m={kind} (\d+)", self.answer, re.M)
                if port and int(port[1]):
                    self.remote[sock] = ("127.0.0.1", int(port[1]))
            return self.status
        return None

    def join(self):
        if self.invite() != 200:
            raise Failure(f"INVITE was answered with {self.status}")
        return self

    def rtp(self, sock, pt, payload, ts=None, marker=False):
        self.seq[sock] = (self.seq.get(sock, 0) + 1) & 0xFFFF
        head = struct.pack(
            ">BBHII", 0x80, pt | marker << 7, self.seq[sock], (self.ts if ts is None else ts) & 0xFFFFFFFF,
            self.ssrc[sock],
        )
        self.sent(sock, head + payload)

    def sent(self, sock, packet):
        if sock in self.remote:
            sock.sendto(packet, self.remote[sock])

    def speak(self, slots=5):
        """Silence in PCMU, so that the peer's address is known and the leg is alive."""
        for i in range(slots):
            self.rtp(self.audio, PCMU, b"\xff" * 160, self.ts + 160 * i)
        self.ts += 160 * slots

    def show(self, unit, ts, mtu=1200):
        """One access unit (Annex B) in single NAL units and FU-A."""
        nals = [n for n in re.split(b"\0\0\0?\1", unit) if n]
        for i, nal in enumerate(nals):
            last = i == len(nals) - 1
            if len(nal) <= mtu:
                self.rtp(self.video, H264, nal, ts, last)
                continue
            pieces = [nal[k : k + mtu] for k in range(1, len(nal), mtu)]
            for k, piece in enumerate(pieces):
                fu = nal[0] & 0x1F | (k == 0) << 7 | (k == len(pieces) - 1) << 6
                self.rtp(
                    self.video, H264, bytes([nal[0] & 0x60 | 28, fu]) + piece, ts,
                    last and k == len(pieces) - 1,
                )

    def bye(self):
        self.send("BYE")
        for s in (self.sip, self.audio, self.video):
            s.close()


# --- H.264


class Bits:
    def __init__(self):
        self.bits = ""

    def u(self, n, value):
        self.bits += format(value, f"0{n}b")
        return self

    def ue(self, value):
        code = format(value + 1, "b")
        self.bits += "0" * (len(code) - 1) + code
        return self

    def nal(self, header):
        bits = self.bits + "1"
        bits += "0" * (-len(bits) % 8)
        data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        escaped = bytearray()
        for byte in data:
            if byte <= 3 and escaped[-2:] == b"\0\0":
                escaped.append(3)
            escaped.append(byte)
        return bytes([header]) + bytes(escaped)


def sps(width, height, level=31, refs=1):
    """A baseline sequence parameter set of that size, whatever the level allows."""
    b = Bits().u(8, 66).u(8, 0xE0).u(8, level).ue(0).ue(0).ue(2).ue(refs).u(1, 0)
    b.ue((width + 15) // 16 - 1).ue((height + 15) // 16 - 1).u(1, 1).u(1, 1).u(1, 0).u(1, 0)
    return b.nal(0x67)


def pps():
    b = Bits().ue(0).ue(0).u(1, 0).u(1, 0).ue(0).ue(0).ue(0).u(1, 0).u(2, 0).ue(0).ue(0).ue(0)
    return b.u(1, 0).u(1, 0).u(1, 0).nal(0x68)


def pictures(size, colour, n):
    """n encoded pictures of one colour, the first a keyframe."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=c={colour}:s={size}:r=15", "-frames:v", str(n),
         "-c:v", "libx264", "-profile:v", "baseline", "-tune", "zerolatency", "-preset", "ultrafast",
         "-x264-params", "repeat-headers=1:aud=1:sliced-threads=0:threads=1", "-f", "h264", "-"],
        capture_output=True, check=True, timeout=30 * PATIENCE,
    )
    return [b"\0\0\0\1\x09" + unit for unit in done.stdout.split(b"\0\0\0\1\x09")[1:]]
