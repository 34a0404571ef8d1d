"""Peers that do not mean well. Two good callers are in a call of the same worker or daemon: whatever
is thrown at it, their picture and sound stay fine, and afterwards everything is as before.
"""

import base64
import os
import random
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

from harness import PATIENCE, TOKEN, moving, wait_for
from meeting import Meeting
from raw import GOOD_SDP, H264, Bits, RawLeg, pictures, pps, sps, udp

FLOOD = 10_000


@pytest.fixture
def meeting(appliance, callers):
    return Meeting(appliance, callers)


# --- media ports


def bad_packet(rng):
    """Anything: noise, and packets that lie about their insides."""
    noise = rng.randbytes(rng.choice((0, 1, 3, 11, 12, 13, 60, 200, 1100, 1472)))
    ssrc = rng.getrandbits(32)
    kind = rng.randrange(8)
    if kind == 0:
        return noise
    if kind == 1:  # RTP: extension, padding and contributing sources that are not there
        return struct.pack(">BBHII", 0x80 | rng.randrange(64), rng.choice((0, 96, 111, 127)),
                           rng.getrandbits(16), rng.getrandbits(32), ssrc) + noise
    if kind == 2:  # RTP extension of 65535 words
        return struct.pack(">BBHIIHH", 0x90, 96, 1, 2, ssrc, 0xBEDE, 0xFFFF) + noise
    if kind == 3:  # RTCP of any type and any length
        return struct.pack(">BBHI", 0x80 | rng.randrange(32), rng.randrange(192, 224), rng.getrandbits(16), ssrc) + noise
    if kind == 4:  # RTCP: empty packets one after the other, the last one too long
        return struct.pack(">BBHI", 0x80, 201, 1, ssrc) * 40 + struct.pack(">BBH", 0xBF, 202, 0x7FFF)
    if kind == 5:  # NACK of everything, FIR and TMMBR for everybody
        fmt, pt = rng.choice(((1, 205), (3, 205), (4, 206), (1, 206), (15, 206)))
        body = b"".join(struct.pack(">HH", i * 17 & 0xFFFF, 0xFFFF) for i in range(300))
        return struct.pack(">BBHII", 0x80 | fmt, pt, 2 + len(body) // 4, ssrc, ssrc) + body
    if kind == 6:  # STUN with attributes that run out of the packet
        return struct.pack(">HHI", 1, rng.getrandbits(16), 0x2112A442) + noise
    return bytes([rng.randrange(20, 64)]) + noise  # DTLS records


def flood(packets, targets, sources):
    """At some thousand packets a second: what sockets on loopback take without loss."""
    for i, packet in enumerate(packets):
        sources[i % len(sources)].sendto(packet, ("127.0.0.1", targets[i % len(targets)]))
        if i % 50 == 49:
            time.sleep(0.008)


@pytest.mark.sanitize
def test_media_ports(appliance, callers, meeting):
    """From strangers, from the peer's host and from the peer's very socket."""
    rng = random.Random(4711)
    leg = RawLeg(appliance, meeting.call).join()
    leg.speak()
    ports = meeting.media_ports()
    assert len(ports) >= 6
    strangers = [udp("127.0.0.2"), udp("127.0.0.1")]
    packets = [bad_packet(rng) for _ in range(FLOOD * 6 // 10)]
    flood(packets, ports, strangers)
    guest = meeting.guest()
    for i in range(FLOOD * 4 // 10):
        sock = (leg.audio, leg.video)[i % 2]
        leg.sent(sock, bad_packet(rng))
        if i % 40 == 39:
            leg.speak(1)
            time.sleep(0.008)
    # feedback that is right in form and asks for more than there is
    source = struct.unpack(">I", leg_source(leg))[0]
    before = meeting.streams(guest)["video"]
    began = time.monotonic()
    newest = 0
    while time.monotonic() - began < 2:
        newest = received_seq(leg) or newest
        body = b"".join(struct.pack(">HH", newest - 17 * k & 0xFFFF, 0xFFFF) for k in range(300))
        leg.sent(leg.video, struct.pack(">BBHI", 0x80, 201, 1, 1) +
                 struct.pack(">BBHII", 0x81, 205, 302, 1, source) + body)
        rate = struct.pack(">II", source, rng.randrange(1, 40) << 26 | rng.randrange(1 << 17) << 9)
        leg.sent(leg.video, struct.pack(">BBHI", 0x80, 201, 1, 1) +
                 struct.pack(">BBHII", 0x83, 205, 4, 1, 0) + rate)
        time.sleep(0.005)
    after = meeting.streams(guest)["video"]
    sent = after["tx-packets"] - before["tx-packets"]
    resent = after["tx-resent"] - before["tx-resent"]
    assert after["nack-in"] > before["nack-in"]
    assert resent <= sent + 300, f"{resent} packets were sent again, {sent} for the first time"
    streams = [s for p in meeting.stats()["participants"] for l in p["legs"] for s in l["streams"]]
    assert sum(s["rx-foreign"] for s in streams) > 100
    assert sum(s["rx-malformed"] for s in streams) > 100
    meeting.check()
    leg.bye()


def leg_source(leg):
    """SSRC of the video that the leg is sent, as bytes."""
    leg.video.settimeout(2 * PATIENCE)
    while True:
        packet = leg.video.recv(2048)
        if packet[1] & 0x7F == H264:
            return packet[8:12]


def received_seq(leg):
    """Number of the newest video packet."""
    leg.video.setblocking(False)
    newest = None
    try:
        while True:
            packet = leg.video.recv(2048)
            if packet[1] & 0x7F == H264:
                newest = struct.unpack(">H", packet[2:4])[0]
    except BlockingIOError:
        return newest


# --- bitstreams


def garbage_units(rng):
    """Access units that no encoder makes."""
    for i in range(150):  # NAL units of all types, and a decoder that must start with them
        yield b"".join(b"\0\0\0\1" + bytes([rng.randrange(256)]) + rng.randbytes(rng.randrange(1, 900)) for _ in range(3))
    for width, height in ((16384, 16384), (16, 16), (8192, 16), (65536 * 4, 65536 * 4), (4096, 2304)):
        for refs in (1, 16, 200):
            yield b"\0\0\0\1" + sps(width, height, refs=refs) + b"\0\0\0\1" + pps() + b"\0\0\0\1\x65" + rng.randbytes(3000)
    for i in range(60):  # another size with every picture
        size = 16 * rng.randrange(1, 120), 16 * rng.randrange(1, 68)
        yield b"\0\0\0\1" + sps(*size) + b"\0\0\0\1" + pps() + b"\0\0\0\1\x65\x88\x84" + rng.randbytes(400)
    yield b"\0\0\0\1" + Bits().u(8, 100).u(8, 0).u(8, 31).ue(70000).ue(1 << 31).nal(0x67)


def garbage_payloads(rng):
    """RTP payloads that break the rules of RFC 6184."""
    for i in range(600):  # fragments without end, then without beginning
        yield bytes([0x7C, 0x85 if i == 0 else 0x05]) + rng.randbytes(1100)
    for i in range(100):
        yield bytes([0x7C, rng.randrange(256)]) + rng.randbytes(rng.randrange(0, 40))
    for i in range(100):  # STAP-A whose sizes lie
        yield b"\x78" + b"".join(struct.pack(">H", rng.getrandbits(16)) + rng.randbytes(9) for _ in range(4))
    for kind in range(32):
        yield bytes([0x60 | kind])
    yield b"\x78" + b"\0\0" * 500


@pytest.mark.sanitize
def test_bitstreams(appliance, callers, meeting):
    rng = random.Random(815)
    leg = RawLeg(appliance, meeting.call).join()
    leg.speak()
    ts = 0
    for unit in garbage_units(rng):
        ts += 6000
        leg.show(unit, ts)
        time.sleep(0.006)
    for i, payload in enumerate(garbage_payloads(rng)):
        leg.rtp(leg.video, H264, payload, ts + 3000 * (i // 40), rng.random() < 0.02)
        if i % 10 == 9:
            time.sleep(0.004)
    guest = meeting.guest()
    video = meeting.streams(guest)["video"]
    assert video["damaged"] > 0
    assert video["decode-errors"] > 0 or video["dropped-waiting"] > 0
    # and now it behaves: it is seen
    good = pictures("320x180", "red", 5)
    ts += 1_000_000

    def follows():
        nonlocal ts
        for unit in good:
            ts += 6000
            leg.show(unit, ts)
            time.sleep(1 / 15)
        video = meeting.streams(guest)["video"]
        return (video["width"], video["height"]) == (320, 180)

    wait_for("a good picture", follows, 5)
    meeting.check()
    leg.bye()


def centre(appliance, call, directory):
    """Colour in the middle of the canvas."""
    jpeg = Path(directory) / "canvas.jpg"
    jpeg.write_bytes(appliance.api("GET", f"/calls/{call}/snapshot.jpg", raw=True))
    pixels = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(jpeg), "-vf", "crop=64:64,scale=1:1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True, timeout=20 * PATIENCE,
    ).stdout
    return max(zip(pixels, ("red", "green", "blue")))[1]


@pytest.mark.sanitize
def test_changes_of_size(appliance, callers, meeting, tmp_path):
    """320x180 and 1280x720 in turn, in band, followed at once and without an error."""
    leg = RawLeg(appliance, meeting.call).join()
    leg.speak()
    guest = meeting.guest()
    appliance.api("PUT", f"/calls/{meeting.call}/layout", {"name": "single", "focus": guest})
    clips = {"320x180": pictures("320x180", "blue", 8), "1280x720": pictures("1280x720", "red", 8)}
    ts = 0
    for turn in range(6):
        size = ("320x180", "1280x720")[turn % 2]
        for unit in clips[size]:
            ts += 6000
            leg.show(unit, ts)
            time.sleep(1 / 15)
        leg.speak()
        width, height = map(int, size.split("x"))

        def follows():
            video = meeting.streams(guest)["video"]
            return (video["width"], video["height"]) == (width, height)

        wait_for(size, follows, 1)
        if turn >= 4:
            colour = ("blue", "red")[turn % 2]
            wait_for(colour, lambda: centre(appliance, meeting.call, tmp_path) == colour, 3)
    video = meeting.streams(guest)["video"]
    assert video["decode-errors"] == 0 and video["damaged"] == 0
    appliance.api("PUT", f"/calls/{meeting.call}/layout", {"name": "grid", "focus": ""})
    for caller in meeting.callers:
        caller.wait_view("both", lambda e: {1, 2} <= moving(e), after=caller.now())
    meeting.since = [caller.now() for caller in meeting.callers]
    meeting.check()
    leg.bye()


# --- signalling


def bad_messages(leg, rng):
    """Requests that are cut off, lie about their length, or are none."""
    good = leg.message("INVITE", 1, leg.body)
    head, body = good.split(b"\r\n\r\n", 1)
    yield from (good[:n] for n in range(0, len(good), 37))
    yield from (rng.randbytes(n) for n in (1, 4, 100, 1400, 60000))
    for length in (b"-1", b"0", b"99999999999999999999", b"70000", b"x", b""):
        yield head.replace(b"Content-Length: %d" % len(body), b"Content-Length: " + length) + b"\r\n\r\n" + body
    for header in (b"Via: " + b"v" * 50000, b"X: y\r\n" * 8000, b"Via: SIP/2.0/UDP a;branch=b\r\n" * 1500,
                   b"Route: <sip:" + b"a" * 3000 + b">\r\n", b"\0\xff\xfe: \0", b": ", b"Contact: *\r\nContact: *",
                   b"CSeq: 4294967296 INVITE", b"Max-Forwards: -1", b"To: \"\\", b"From: <<>>", b"Session-Expires: 0",
                   b"Require: everything", b"Content-Encoding: gzip", b"Record-Route: " + b"<sip:a>," * 2000):
        yield head + b"\r\n" + header + b"\r\n\r\n" + body
    for line in (b"INVITE", b"INVITE sip:", b"INVITE sip:a@b SIP/9.9", b"\xff\xfe sip:a@b SIP/2.0", b"SIP/2.0 200 OK",
                 b"SIP/2.0 9999999999 OK", b"BYE sip:a@b SIP/2.0", b"CANCEL sip:a@b SIP/2.0",
                 b"INVITE sip:" + b"a" * 5000 + b"@127.0.0.1 SIP/2.0", b"INVITE sip:%00%ff%2f%2e@127.0.0.1 SIP/2.0",
                 b"INVITE tel:+33123 SIP/2.0", b"INVITE sip:../../etc/passwd@127.0.0.1 SIP/2.0"):
        yield line + b"\r\n" + head.split(b"\r\n", 1)[1] + b"\r\n\r\n" + body


def alive(appliance):
    """An OPTIONS request is answered; UDP may lose it, so it is sent again."""
    leg = RawLeg(appliance, "anybody", host="127.0.0.9")
    leg.sip.settimeout(0.5 * PATIENCE)
    for _ in range(6):
        leg.send("OPTIONS")
        try:
            return leg.sip.recv(4096).startswith(b"SIP/2.0 ")
        except socket.timeout:
            continue
    return False


def answers_to_all(appliance, legs):
    """Final answers to an INVITE of each leg; UDP may lose some, so they are sent again."""
    answers = {}
    for leg in legs:
        leg.cseq += 1
        leg.sip.setblocking(False)
    deadline = time.monotonic() + 10 * PATIENCE
    while len(answers) < len(legs) and time.monotonic() < deadline:
        for leg in legs:
            if leg not in answers:
                leg.sip.sendto(leg.message("INVITE", leg.cseq, leg.body), leg.server)
        for _ in range(10):
            assert len(appliance.workers()) <= 3
            time.sleep(0.05)
            for leg in legs:
                try:
                    while leg not in answers:
                        answer = leg.sip.recv(65536)
                        if answer[8:9] != b"1":
                            answers[leg] = int(answer[8:11])
                except BlockingIOError:
                    pass
    return list(answers.values())


@pytest.mark.sanitize
@pytest.mark.parametrize("appliance", [{"limits": {"calls": 3}, "call": {"empty_timeout": 1}}], indirect=True)
def test_signalling(appliance, callers, meeting):
    rng = random.Random(99)
    appliance.allow_log(r"refused|503|limit")
    before = len(os.listdir(f"/proc/{appliance.process.pid}/fd"))
    for i, message in enumerate(bad_messages(RawLeg(appliance, "x" * 5, host="127.0.0.3"), rng)):
        with udp(f"127.0.1.{1 + i % 200}") as s:
            s.sendto(message[:65000], ("127.0.0.1", appliance.sip_port))
    address = "127.0.0.1", appliance.sip_port
    for i, message in enumerate(bad_messages(RawLeg(appliance, "x" * 5, host="127.0.0.3"), rng)):
        with socket.create_connection(address, source_address=(f"127.0.2.{1 + i % 200}", 0)) as s:
            s.sendall(message)
    assert alive(appliance)
    # half-open connections, each with the beginning of a request
    half = []
    try:
        for i in range(700):
            s = socket.create_connection(address, timeout=5, source_address=("127.0.0.4", 0))
            s.sendall(b"INVITE sip:a@b SIP/2.0\r\nVia: ")
            half.append(s)
    except OSError:
        pass
    assert alive(appliance)

    def open_files():
        return len(os.listdir(f"/proc/{appliance.process.pid}/fd"))

    wait_for("an end of what one address may hold", lambda: open_files() < before + 150, 5)
    late = callers(appliance.uri(meeting.call), mark=3, transport="tcp").wait_up(10)
    late.stop()
    for s in half:
        s.close()
    # INVITEs from one address: beyond its share they are refused; never more workers than calls
    legs = [RawLeg(appliance, f"flood{i}", host="127.0.0.5") for i in range(150)]
    answers = answers_to_all(appliance, legs)
    # of the three calls one is ours, and one of the bad messages above may have made another
    assert 1 <= answers.count(200) <= 2 and answers.count(200) + answers.count(503) == 150, answers
    assert alive(appliance)
    for leg in legs:
        leg.bye()
    wait_for("connections and calls to be gone", lambda: open_files() <= before + 40, 10)
    meeting.check()


# --- SDP


def bad_sdps(leg):
    audio, video = leg.audio.getsockname()[1], leg.video.getsockname()[1]
    good = GOOD_SDP.format(host="127.0.0.1", audio=audio, video=video)
    yield b""
    yield b"\0" * 500
    yield os.urandom(8000)
    yield good.encode() + b"a=x:" + b"y" * 60000 + b"\r\n"
    yield good.encode() + b"m=audio 1 RTP/AVP 0\r\n" * 1500
    yield good.encode() + b"a=rtpmap:96 H264/90000\r\n" * 2000
    yield good.replace("RTP/AVP 0", "RTP/AVP " + " ".join(map(str, range(3000)))).encode()
    for port in ("-1", "65536", "99999999999", "x", ""):
        yield good.replace(f"m=audio {audio}", f"m=audio {port}").replace(f"m=video {video}", f"m=video {port}").encode()
    yield good.replace("H264/90000", "H264/0").replace("m=audio", "m=application").encode()
    yield good.replace("H264/90000", "H264/" + "9" * 400).encode()
    yield good.replace("c=IN IP4 127.0.0.1", "c=IN IP4 " + "1" * 9000).encode()


NOWHERE = ["224.0.0.1", "239.255.255.250", "255.255.255.255", "127.255.255.255", "0.0.0.0", "240.0.0.1"]


@pytest.mark.sanitize
def test_sdp(appliance, callers, meeting):
    leg = RawLeg(appliance, meeting.call)
    for i, body in enumerate(bad_sdps(leg)):
        bad = RawLeg(appliance, meeting.call, body=body, host=f"127.0.3.{i + 1}")
        status = bad.invite(5)
        # an offer with something usable is answered, all else is refused; nothing hangs
        assert status is not None and (status == 200 or 400 <= status < 600), body[:200]
        assert status != 500
        if status == 200:
            bad.bye()
    # we send to one peer only: neither to groups nor to everybody, wherever it says that
    listener = udp("0.0.0.0")
    port = listener.getsockname()[1]
    for i, address in enumerate(NOWHERE):
        sdp = GOOD_SDP.format(host="127.0.0.1", audio=leg.audio.getsockname()[1], video=port)
        session = sdp.replace("c=IN IP4 127.0.0.1", f"c=IN IP4 {address}")
        line = sdp.replace(f"m=video {port} RTP/AVPF 96\n", f"m=video {port} RTP/AVPF 96\nc=IN IP4 {address}\n")
        assert line != sdp
        for body in (session, line):
            bad = RawLeg(appliance, meeting.call, body=body.replace("\n", "\r\n").encode(), host=f"127.0.4.{i + 1}")
            assert bad.invite() in (200, 488), bad.status
            if address not in ("0.0.0.0", "127.255.255.255"):  # hold; known to the system only, which refuses
                assert bad.status == 488 if body is session else "m=video 0 " in bad.answer, bad.answer
            time.sleep(0.3)
            if bad.status == 200:
                bad.bye()
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recvfrom(2048)
    meeting.check()


# --- HTTP


def raw_http(appliance, data, timeout=0.7):
    """What a connection answers to these bytes."""
    with socket.create_connection(("127.0.0.1", appliance.http_port), timeout=timeout * PATIENCE) as s:
        try:
            s.sendall(data)
            return s.recv(65536)
        except (socket.timeout, ConnectionError):
            return b""


def http_request(method, path, body=b"", headers="", token=TOKEN):
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n").encode() + body


@pytest.mark.sanitize
def test_http(appliance, callers, meeting):
    rng = random.Random(5)
    appliance.allow_log("wrong token")
    address = "127.0.0.1", appliance.http_port
    # slowloris: as many connections as are allowed, a byte now and then
    slow = []
    for i in range(200):
        s = socket.create_connection(address, timeout=5)
        s.sendall(b"GET /api/v1/calls HTTP/1.1\r\nX: ")
        slow.append(s)
    for s in slow[:150]:
        s.close()
    time.sleep(0.3)
    assert len(appliance.api("GET", "/calls")) == 1
    for s in slow[150:]:
        try:
            s.sendall(b"y")
        except OSError:
            pass
    bodies = (b"", b"{", b"null", b"[" * 60000, b'{"a":' * 10000 + b"1" + b"}" * 10000, b"\xff\xfe{}", b'{"uri":"' + b"a" * 60000 + b'"}',
              b'{"uri":"sip:\\u0000@x"}', b'{"uri":{}}', b'{"uri":1e999}', rng.randbytes(3000))
    for path in ("/api/v1/calls", f"/api/v1/calls/{meeting.call}/dial", f"/api/v1/calls/{meeting.call}/recording"):
        for body in bodies:
            if path.endswith("recording") and body in (b"", b"null"):
                continue
            answer = raw_http(appliance, http_request("POST", path, body))
            assert answer.startswith(b"HTTP/1.1 4"), (path, body[:40], answer[:200])
    assert raw_http(appliance, http_request("POST", "/api/v1/calls", b"x" * 66000)).startswith(b"HTTP/1.1 413")
    endless = http_request("POST", "/api/v1/calls").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    raw_http(appliance, endless + b"10000\r\n" + b"x" * 65536 + b"\r\n" * 1 + b"FFFFFFFFFFFFFFFF\r\n" + b"y" * 500000)
    raw_http(appliance, http_request("POST", "/api/v1/calls").replace(b"Length: 0", b"Length: 999999999999999999999"))
    for junk in (rng.randbytes(5000), b"GET " + b"/" * 70000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 http_request("GET", "/api/v1/calls/..%2f..%2fetc%2fpasswd"), http_request("GET", "/api/v1/calls/%00/stats"),
                 http_request("GET", "/healthz", headers="X: " + "y" * 200000 + "\r\n"), http_request("NONE", "/api/v1/calls")):
        assert not raw_http(appliance, junk).startswith((b"HTTP/1.1 2", b"HTTP/1.1 500"))
    for i in range(100):
        assert raw_http(appliance, http_request("GET", "/api/v1/calls", token=f"guess{i}")).startswith(b"HTTP/1.1 401")
    assert appliance.log_text().count("wrong token") <= 6
    # WebSocket: frames that are too long, unmasked, unknown, or cut
    key = base64.b64encode(rng.randbytes(16)).decode()
    upgrade = http_request("GET", "/api/v1/events", headers=f"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                           f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n")
    for frame in (b"\x81\xff" + b"\x7f" * 8, b"\x81\x05hello", b"\xff\xff" + rng.randbytes(3000), b"\x89\xfe\xff\xff" + b"x" * 70000,
                  rng.randbytes(20000), b"\x01\x80abcd" * 5000):
        with socket.create_connection(address, timeout=3 * PATIENCE) as s:
            s.sendall(upgrade)
            assert s.recv(65536).startswith(b"HTTP/1.1 101")
            try:
                s.sendall(frame)
                s.settimeout(0.3)
                s.recv(65536)
            except (socket.timeout, ConnectionError):
                pass
    # subscribers that never read: events go on without them
    deaf = [socket.create_connection(address, timeout=5) for _ in range(5)]
    for s in deaf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.sendall(upgrade)
    for i in range(60):
        appliance.api("PUT", f"/calls/{meeting.call}/layout", {"name": ("grid", "speaker")[i % 2]})
    for s in deaf + slow:
        s.close()
    assert len(appliance.api("GET", "/calls")) == 1
    meeting.check()
