"""Room systems of other makers, by the SDP they speak (SIPp) and with ffmpeg's RTP, in our calls."""

from dataclasses import dataclass, field

import pytest

from harness import heard, moving, seen, tile
from peers.fixtures import same_place, settled, stream
from peers.relay import FIR, PLI
from peers.sipp import SippPeer

MARK, TONE = 40, 2600
FPS = 15
# of the pictures sent, at least so many must be shown new: ffmpeg shares busy cores
SHARE = 0.6
# NAL unit types of RFC 6184: single ones, and FU-A
SINGLE, FU_A = set(range(1, 24)), 28


@dataclass
class Dialect:
    vector: str
    audio: str | None = None  # codec that must be agreed on
    video: str | None = None  # payload type that must be agreed on
    secure: bool = False
    mode0: bool = False
    max_fs: int = 8192
    max_bps: int = 1_500_000
    asks: str = "INFO"  # how a keyframe is asked for: INFO, PLI or FIR
    edit: dict = field(default_factory=dict)
    name: str = ""


DIALECTS = [
    Dialect("cisco_room", "G722", "126", name="cisco"),
    Dialect("poly_group", "G722", "111", secure=True, max_bps=1_856_000, asks="", name="poly-srtp"),
    Dialect("poly_plain", "G722", "109", max_bps=896_000, max_fs=3600, asks="FIR", name="poly"),
    Dialect("yealink_vc", "opus", "99", asks="PLI", name="yealink"),
    Dialect("mode0_only", "PCMA", "107", mode0=True, edit={"8 0 4": "4 8"}, max_bps=768_000, max_fs=3600, name="mode0"),
    Dialect("small_screen", "PCMU", "99", max_bps=384_000, max_fs=396, name="small"),
    # its address is IPv6 while the call is over IPv4: media comes from, and goes to, IPv4
    Dialect("linphone", "opus", "97", mode0=True, max_fs=3600, asks="PLI",
            edit={"c=IN IP4 192.0.2.50": "c=IN IP6 fd00::2"}, name="linphone-ip6"),
    Dialect("video_only", None, "96", edit={"a=sendonly": "a=sendrecv"}, max_fs=1620, name="video-only"),
    Dialect("phone_audio_only", "PCMU", None, edit={"AVP 0 8 9": "AVP 0"}, name="audio-only"),
]


@pytest.fixture
def room(tmp_path, appliance):
    """Makes SIPp peers, and stops them."""
    made = []

    def make(call, vector, mark=MARK, hz=TONE, **options):
        made.append(SippPeer(tmp_path, appliance, call, vector, mark, hz, **options))
        return made[-1].start_media()

    yield make
    for peer in made:
        peer.stop()


def check_answer(peer, d):
    """One line for each of the offer, and what had to be agreed on."""
    offered = [line.split()[0] for line in peer.offer.splitlines() if line.startswith("m=")]
    assert [f"m={line.kind}" for line in peer.lines()] == offered
    assert set(peer.answers) == {kind for kind in ("audio", "video") if getattr(d, kind)}, peer.answer
    if d.audio:
        assert peer.answers["audio"].codec == d.audio
    if d.video:
        assert peer.answers["video"].formats == [d.video]
    for line in peer.answers.values():
        assert (line.proto == "RTP/SAVP" and line.crypto is not None) == d.secure, line.text
    used = {line.text for line in peer.answers.values()}
    assert all(line.port == 0 for line in peer.lines() if line.text not in used), peer.answer


def check_seen_of_it(caller, d):
    """The others have it in their picture and sound."""
    marks = {caller.mark} | ({MARK} if d.video else set())
    tones = {TONE} if d.audio else set()
    caller.wait_view("it", lambda e: moving(e) == marks and heard(e) == tones, timeout=15)
    window = settled(caller, 3)
    for entry in window:
        assert seen(entry) == marks and heard(entry, 400) == tones, entry
    if d.video:
        count = sum(m["advances"] for e in window for m in e["marks"] if m["id"] == MARK)
        assert count >= SHARE * FPS * 0.5 * len(window), f"{count} new pictures in {len(window) / 2} s"
    return window[-1]


def check_received(peer, caller, d, entry):
    """It got the picture and the sound of the call, in what it can take."""
    report = peer.received()
    sight, marks = report["seen"], {m["id"]: m for m in report["seen"]["marks"]}
    if d.video:
        assert set(marks) == {caller.mark, MARK}, marks
        for mark, found in marks.items():
            assert found["fps"] > SHARE * FPS and found["freeze_count"] == 0, found
            assert found["last_s"] - found["first_s"] > 2
            assert same_place(found["tile"], tile(entry, mark)), (found["tile"], entry)
        size = -(-sight["width"] // 16) * -(-sight["height"] // 16)
        assert size <= d.max_fs and abs(sight["width"] / sight["height"] - 16 / 9) < 0.1, sight
    if d.audio:
        tones = {t["hz"]: t for t in report["heard"]["tones"] if t["heard_s"] > 0.2}
        assert set(tones) == {caller.tone}, tones
        assert tones[caller.tone]["heard_s"] > 3
        assert [g for g in tones[caller.tone]["gaps"] if g["ms"] > 100] == []


def check_packets(peer, d):
    """What came is of the agreed payload type, fits a packet, in the agreed packetization mode."""
    for kind, relay in peer.relays.items():
        pts = set(map(int, peer.answers[kind].formats))
        assert relay.payload_types and relay.payload_types <= pts, (kind, relay.payload_types)
        assert relay.largest <= 1400 and relay.reports > 0
    if d.video and not d.secure:
        video = peer.relays["video"]
        if d.mode0:
            assert video.nal_types <= SINGLE, f"fragments or aggregates in mode 0: {video.nal_types}"
        else:
            assert FU_A in video.nal_types and max(video.nal_types) <= FU_A


def check_keyframe_request(peer, d):
    """Its first keyframe was lost: another was asked for, the way it understands."""
    feedback = peer.relays["video"].feedback
    counts = {"INFO": peer.keyframe_requests(), "PLI": feedback[PLI], "FIR": feedback[FIR]}
    assert counts[d.asks] > 0, counts
    assert [way for way in counts if counts[way] and way != d.asks] == [], counts


SANITIZED = ("cisco", "poly-srtp")


@pytest.mark.parametrize(
    "d", [pytest.param(d, id=d.name, marks=[pytest.mark.sanitize] * (d.name in SANITIZED)) for d in DIALECTS]
)
def test_dialect(appliance, callers, room, d):
    caller = callers(appliance.uri("room"), mark=1).wait_up()
    peer = room("room", d.vector, mode0=d.mode0, edit=d.edit, lose_first=6)
    check_answer(peer, d)
    entry = check_seen_of_it(caller, d)
    if d.video:
        rate = peer.relays["video"].rate_bps(3)
        assert rate < 1.15 * d.max_bps, f"{rate:.0f} bit/s"
    peer.check_sender()
    who = appliance.participant("room", peer.name)
    for kind, line in peer.answers.items():
        found = stream(appliance, "room", who["id"], kind)
        assert found["secure"] is d.secure and found["latched"], found
    check_received(peer, caller, d, entry)
    check_packets(peer, d)
    if d.video and d.asks:
        check_keyframe_request(peer, d)
    appliance.api("DELETE", f"/calls/room/participants/{who['id']}")
    peer.wait_end()
    caller.wait_sees(1, after=caller.now())


def test_rooms_of_three_makers(appliance, callers, room):
    """They see and hear each other; slides and BFCP are refused without harm."""
    rooms = [
        room("board", "cisco_room", 40, 2600),
        room("board", "poly_plain", 41, 3100),
        room("board", "yealink_vc", 42, 1500),
    ]
    caller = callers(appliance.uri("board"), mark=1).wait_up()
    marks, tones = {1, 40, 41, 42}, {2600, 3100, 1500}
    caller.wait_view("all", lambda e: moving(e) == marks and heard(e) == tones, timeout=20)
    entry = settled(caller, 4)[-1]
    for peer in rooms:
        report = peer.received()
        found = {m["id"]: m for m in report["seen"]["marks"]}
        assert set(found) == marks
        # all came while it watched, the last ones late: only the end is compared
        for mark in marks:
            assert same_place(found[mark]["tile"], tile(entry, mark)), (mark, found[mark], entry)
            assert found[mark]["last_s"] - found[mark]["advanced_s"] < 1
        ends = [heard(e) for e in report["timeline"] if e["t"] > report["audio_s"] - 2 and e["tones"]]
        wanted = ({caller.tone} | tones) - {peer.tone}
        assert wanted in ends, (peer.name, ends)
        assert not any(peer.tone in e for e in ends), f"{peer.name} hears itself"
