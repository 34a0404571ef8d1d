"""Who is seen where and who is heard, in real calls of the appliance with our own callers."""

import os
import signal
import time

import pytest

from harness import PATIENCE, SANITIZED, Failure, HttpError, heard, moving, seen, tile, wait_for

# One for each caller: they go round. The last two want packetization-mode 0 and delayed offer.
DIALECTS = [
    {"audio_codec": "opus"},
    {"audio_codec": "G722", "avpf": "on"},
    {"audio_codec": "PCMA", "transport": "tcp"},
    {"audio_codec": "PCMU", "srtp": True},
    {"audio_codec": "opus", "mode0": True},
    {"audio_codec": "opus,G722", "no_offer": True, "no_rtcp_mux": True},
]
# Shares of what was sent that must arrive in an undisturbed call; a sanitizers' build is not judged
# by its speed.
FPS_SHARE = 0.5 if SANITIZED else 0.9
SOUND_SHARE = 0.7 if SANITIZED else 0.9


def join(appliance, callers, call, n, first=1, **options):
    """n callers in one call, all up, each seeing all."""
    made = [
        callers(appliance.uri(call), mark=mark, **{**DIALECTS[(mark - 1) % len(DIALECTS)], **options})
        for mark in range(first, first + n)
    ]
    for caller in made:
        caller.wait_up(15)
    marks = {caller.mark for caller in made}
    for caller in made:
        caller.wait_view(f"all of {sorted(marks)}", lambda e: marks <= moving(e), timeout=15)
    return made


def settle(made, seconds):
    """Let the call run; returns for each caller the entries of that time."""
    starts = [caller.now() for caller in made]
    time.sleep(seconds)
    return [caller.window(start, start + seconds) for caller, start in zip(made, starts)]


def advances(window, mark):
    return sum(m["advances"] for e in window for m in e["marks"] if m["id"] == mark)


def sound_ms(window, hz):
    return sum(t["ms"] for e in window for t in e["tones"] if t["hz"] == hz)


def span_s(window):
    return 0.5 * len(window)


def overlap(a, b):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)


def sent_fps(window):
    return sum(e["sent_pictures"] for e in window) / span_s(window)


def check_view(caller, windows):
    """Every mark advances as fast as its pictures were taken, each in a place of its own.
    windows: of all callers, by mark."""
    window = windows[caller.mark]
    marks = sorted(windows)
    for mark in marks:
        rate, fps = advances(window, mark) / span_s(window), sent_fps(windows[mark])
        assert fps > 5, f"caller {mark} sent {fps:.1f} fps"
        assert rate >= FPS_SHARE * fps, f"{caller.name} sees mark {mark} at {rate:.1f} of {fps:.1f} fps"
    last = window[-1]
    assert seen(last) == set(marks)
    tiles = [tile(last, mark) for mark in marks]
    for i, t in enumerate(tiles):
        assert -0.1 < t[0] and t[0] + t[2] < 1.1 and -0.1 < t[1] and t[1] + t[3] < 1.1, f"tile {t}"
        for other in tiles[i + 1 :]:
            assert overlap(t, other) < 0.15 * t[2] * t[3], f"tiles {t} and {other} overlap"


def loud_ms(window, hz, within_db):
    """The time a tone is not far below the loudest one."""
    return sum(
        t["ms"]
        for e in window
        for t in e["tones"]
        if t["hz"] == hz and t["dbfs"] > max(other["dbfs"] for other in e["tones"]) - within_db
    )


def check_sound(caller, window, others):
    """Everybody else is heard all the time, oneself never. In a full mix the coding noise, some 20 dB
    below the voices, is everywhere; one's own voice would be as loud as the others."""
    for other in others:
        share = sound_ms(window, other.tone) / 1000 / span_s(window)
        assert share >= SOUND_SHARE, f"{caller.name} hears {other.name} {share:.0%} of the time"
    own_ms = loud_ms(window, caller.tone, within_db=12 if len(others) > 3 else 60)
    assert own_ms < 50, f"{caller.name} hears itself for {own_ms} ms"


def tone_report(report, hz):
    for tone in report["audio"]["heard"]["tones"]:
        if tone["hz"] == hz:
            return tone
    raise Failure(f"{report['name']} never heard {hz} Hz")


def gaps_between(report, hz, start, end):
    if SANITIZED:
        return []
    return [g for g in tone_report(report, hz)["gaps"] if start < g["at_s"] < end]


# --- the meeting


@pytest.mark.parametrize("n", [2, pytest.param(4, marks=pytest.mark.sanitize), 9])
def test_callers(appliance, callers, n):
    made = join(appliance, callers, "meeting", n)
    time.sleep(2)
    windows = settle(made, 6)
    ends = [caller.now() for caller in made]
    for caller, window in zip(made, windows):
        others = [other for other in made if other is not caller]
        check_view(caller, {c.mark: w for c, w in zip(made, windows)})
        check_sound(caller, window, others)
    assert {p["name"] for p in appliance.participants("meeting")} == {c.name for c in made}
    # one feed for all: everybody sees everybody at the same place
    for caller, window in zip(made, windows):
        for mark in range(1, n + 1):
            a, b = tile(window[-1], mark), tile(windows[0][-1], mark)
            assert all(abs(x - y) < 0.02 for x, y in zip(a, b)), f"mark {mark} at {a} and {b}"
    reports = [caller.stop() for caller in made]
    for caller, report, end in zip(made, reports, ends):
        assert caller.process.returncode == 0
        assert report["audio"]["received"]["lost"] == 0
        for other in made:
            if other is not caller:
                assert gaps_between(report, other.tone, end - 6, end) == []


def test_dialects(appliance, callers):
    """Each caller gets what it asked for."""
    made = join(appliance, callers, "dialects", 6)
    reports = [caller.stop() for caller in made]
    codecs = [report["audio"]["codec"].lower() for report in reports]
    assert codecs == ["opus", "g722", "pcma", "pcmu", "opus", "opus"]
    assert [report["video"]["codec"] for report in reports] == ["H264"] * 6
    assert [bool(report["video"]["srtp"]) for report in reports] == [False, False, False, True, False, False]
    assert reports[1]["video"]["avpf"] and not reports[0]["video"]["avpf"]
    assert reports[0]["audio"]["rtcp_mux"] and not reports[5]["audio"]["rtcp_mux"]
    assert reports[4]["video"]["packetization_mode"] == 0


def test_audio_only_and_watchers(appliance, callers):
    """A call without video, and one that sends none but watches."""
    deaf, blind, watcher = (
        callers(appliance.uri("mixed"), mark=1),
        callers(appliance.uri("mixed"), mark=2, video_codec="none"),
        callers(appliance.uri("mixed"), mark=3, video="none"),
    )
    for caller in (deaf, blind, watcher):
        caller.wait_up()
    deaf.wait_hears(blind.tone, watcher.tone)
    blind.wait_hears(deaf.tone, watcher.tone)
    watcher.wait_sees(1)
    deaf.wait_sees(1)


# --- steering


@pytest.mark.sanitize
def test_layouts(appliance, callers):
    made = join(appliance, callers, "layouts", 4)
    one = made[0]
    grid = one.timeline[-1]
    sizes = [tile(grid, mark)[2] for mark in range(1, 5)]
    assert max(sizes) - min(sizes) < 0.05

    focus = appliance.participant("layouts", made[2].name)
    appliance.api("PUT", "/calls/layouts/layout", {"name": "speaker", "focus": focus["id"]})
    now = one.now()

    def large_third(entry):
        return len(entry["marks"]) == 4 and tile(entry, 3)[2] > 2 * max(
            tile(entry, m)[2] for m in (1, 2, 4)
        )

    entry = one.wait_view("mark 3 large", large_third, after=now)
    assert entry["t"] - now < 3 * PATIENCE

    appliance.api("PUT", "/calls/layouts/layout", {"name": "single", "focus": focus["id"]})
    one.wait_sees(3, after=one.now())
    appliance.api("PUT", "/calls/layouts/layout", {"name": "grid", "focus": ""})
    now = one.now()
    one.wait_sees(1, 2, 3, 4, after=now)
    with pytest.raises(HttpError) as refused:
        appliance.api("PUT", "/calls/layouts/layout", {"name": "no-such-layout"})
    assert refused.value.status in (400, 404)
    # nobody's picture stood still while the layout changed, and no encoder was restarted for it
    report = one.stop()
    for mark in report["video"]["seen"]["marks"]:
        if mark["id"] == 3:
            assert mark["freeze_count"] == 0, mark["freezes"]
    assert report["video"]["received"]["sources"] == 1


def test_speaker_follows_voice(appliance, callers):
    """In the speaker layout the large tile is whoever talks."""
    made = [
        callers(appliance.uri("voices"), mark=1),
        callers(appliance.uri("voices"), mark=2, tone=0),
        callers(appliance.uri("voices"), mark=3, tone=0),
    ]
    for caller in made:
        caller.wait_up()
    appliance.api("PUT", "/calls/voices/layout", {"name": "speaker"})

    def large(mark):
        return lambda e: len(e["marks"]) == 3 and tile(e, mark)[2] > 0.6

    made[1].wait_view("the talker large", large(1), timeout=12, after=made[1].now())


def test_mute(appliance, callers):
    one, two, three = join(appliance, callers, "mute", 3)
    two.wait_hears(one.tone, three.tone)
    who = appliance.participant("mute", one.name)
    appliance.api("PATCH", f"/calls/mute/participants/{who['id']}", {"muted": True})
    two.wait_hears(three.tone, after=two.now())
    three.wait_hears(two.tone, after=three.now())
    one.wait_hears(two.tone, three.tone, after=one.now())
    assert appliance.participant("mute", one.name)["muted"] is True
    assert 1 in moving(two.timeline[-1])
    appliance.api("PATCH", f"/calls/mute/participants/{who['id']}", {"muted": False})
    two.wait_hears(one.tone, three.tone, after=two.now())


def test_camera_off(appliance, callers):
    one, two = join(appliance, callers, "camera", 2)
    who = appliance.participant("camera", one.name)
    appliance.api("PATCH", f"/calls/camera/participants/{who['id']}", {"camera-off": True})
    two.wait_sees(2, after=two.now() + 0.5)
    appliance.api("PATCH", f"/calls/camera/participants/{who['id']}", {"camera-off": False})
    two.wait_view("both again", lambda e: moving(e) == {1, 2}, after=two.now() + 0.5)


def test_kick(appliance, callers):
    events = appliance.events()
    one, two, three = join(appliance, callers, "kick", 3)
    who = appliance.participant("kick", two.name)
    appliance.api("DELETE", f"/calls/kick/participants/{who['id']}")
    assert two.wait_end(5) == 0
    assert two.report()["ended_by"] == "peer"
    events.wait("participant-left", call="kick", participant=who["id"])
    one.wait_sees(1, 3, after=one.now())
    three.wait_hears(one.tone, after=three.now())
    events.close()


@pytest.mark.sanitize
def test_hold(appliance, callers):
    one = callers(appliance.uri("hold"), mark=1, hold_at=5, hold_for=4).wait_up()
    two = callers(appliance.uri("hold"), mark=2).wait_up()
    one.wait_view("both", lambda e: moving(e) == {1, 2})
    held = one.wait_event("hold")["t"]
    wait_for("state held", lambda: appliance.participant("hold", one.name)["state"] == "held", 5)
    one.wait_view("nothing while held", lambda e: not moving(e) and not heard(e), after=held + 0.5)
    two.wait_view("no sound of the held one", lambda e: not heard(e), after=two.now())
    resumed = one.wait_event("resume")["t"]
    one.wait_view("both again", lambda e: moving(e) == {1, 2}, after=resumed)
    one.wait_hears(two.tone, after=resumed)
    two.wait_view("both again", lambda e: moving(e) == {1, 2} and heard(e) == {one.tone}, after=two.now())
    assert appliance.participant("hold", one.name)["state"] == "connected"


@pytest.mark.sanitize
def test_dial_out(appliance, callers):
    events = appliance.events()
    room = callers(None, mark=5, answer=True, listen="127.0.0.1:0")
    busy = callers(None, mark=6, refuse=486, listen="127.0.0.1:0")
    uri, busy_uri = room.uri(), busy.uri()
    one = callers(appliance.uri("dial"), mark=1).wait_up()
    dialled = appliance.api("POST", "/calls/dial/dial", {"uri": uri, "name": "Salle Hugo"})
    room.wait_up()
    events.wait("participant-joined", call="dial", participant=dialled["id"])
    assert appliance.participant("dial", "Salle Hugo")["direction"] == "out"
    one.wait_view("both", lambda e: moving(e) == {1, 5})
    room.wait_view("both", lambda e: moving(e) == {1, 5})
    one.wait_hears(room.tone)
    room.wait_hears(one.tone)

    refused = appliance.api("POST", "/calls/dial/dial", {"uri": busy_uri})
    events.wait("participant-left", call="dial", participant=refused["id"])
    assert len(appliance.participants("dial")) == 2
    with pytest.raises(HttpError) as wrong:
        appliance.api("POST", "/calls/dial/dial", {"uri": "nonsense"})
    assert wrong.value.status == 400
    events.close()


def test_keys(appliance, callers):
    """DTMF by RFC 4733 arrives as events, each key once, in order, also over a bad line."""
    events = appliance.events()
    one = callers(appliance.uri("keys"), mark=1, dtmf="12*#A0", loss=10).wait_up()
    who = appliance.participant("keys", one.name)
    events.wait("dtmf", call="keys", digit="0")
    keys = [e["digit"] for e in events.received if e["type"] == "dtmf" and e["participant"] == who["id"]]
    assert "".join(keys) == "12*#A0"
    events.close()


# --- admission and security


@pytest.mark.sanitize
@pytest.mark.parametrize("appliance", [{"media": {"srtp": "required"}}], indirect=True)
def test_srtp_required(appliance, callers):
    plain = callers(appliance.uri("secret"), mark=9)
    assert plain.wait_end() == 1
    assert plain.report()["status"] == 488
    suites = [
        True, "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM",
    ]
    made = [callers(appliance.uri("secret"), mark=i + 1, srtp=suite) for i, suite in enumerate(suites)]
    for caller in made:
        caller.wait_up()
    for caller in made:
        caller.wait_sees(1, 2, 3, 4, 5)
        caller.wait_hears(*(other.tone for other in made if other is not caller))
    for caller, suite in zip(made, suites):
        report = caller.stop()
        assert report["audio"]["auth_failed"] == 0
        if suite is not True:
            assert report["audio"]["srtp"] == report["video"]["srtp"] == suite


@pytest.mark.parametrize(
    "appliance", [{"sip": {"users": [{"name": "room", "password": "open sesame"}]}}], indirect=True
)
def test_digest(appliance, callers):
    nobody = callers(appliance.uri("closed"), mark=1)
    wrong = callers(appliance.uri("closed"), mark=2, user="room", password="guess")
    assert nobody.wait_end() == 1
    assert wrong.wait_end() == 1
    assert nobody.report()["status"] in (401, 407)
    assert wrong.report()["status"] in (401, 403, 407)
    assert appliance.workers() == [], "a worker was spawned for a caller that was not admitted"
    right = callers(appliance.uri("closed"), mark=3, user="room", password="open sesame").wait_up()
    right.wait_sees(3)
    assert "open sesame" not in appliance.log_text()


@pytest.mark.parametrize("appliance", [{"call": {"max_participants": 2}, "limits": {"calls": 1}}], indirect=True)
def test_limits(appliance, callers):
    appliance.allow_log("call refused")
    one = callers(appliance.uri("small"), mark=1).wait_up()
    two = callers(appliance.uri("small"), mark=2).wait_up()
    third = callers(appliance.uri("small"), mark=3)
    elsewhere = callers(appliance.uri("other"), mark=4)
    assert third.wait_end() == 1 and third.report()["status"] in (486, 503)
    assert elsewhere.wait_end() == 1 and elsewhere.report()["status"] == 503
    one.wait_sees(1, 2)
    two.wait_sees(1, 2)


# --- a bad network, and things that die


@pytest.mark.sanitize
def test_loss_and_reordering(appliance, callers):
    one = callers(appliance.uri("bad"), mark=1, audio_codec="opus", loss=5, reorder=5).wait_up()
    two = callers(appliance.uri("bad"), mark=2, audio_codec="opus").wait_up()
    for caller in (one, two):
        caller.wait_view("both", lambda e: moving(e) == {1, 2})
    windows = settle((one, two), 10)
    ends = one.now(), two.now()
    for caller, window in zip((one, two), windows):
        for mark in (1, 2):
            assert advances(window, mark) >= 0.75 * 15 * span_s(window)
    reports = one.stop(), two.stop()
    for caller, other, report, end in zip((one, two), (two, one), reports, ends):
        gaps = gaps_between(report, other.tone, end - 10, end)
        assert [g for g in gaps if g["ms"] > 60] == [], f"{caller.name} missed sound"
        for mark in report["video"]["seen"]["marks"]:
            assert [f for f in mark["freezes"] if f["ms"] > 1000] == []
    bad = reports[0]
    assert bad["audio"]["received"]["lost"] > 0
    assert bad["audio"]["sent"]["reported_lost"] > 0, "the appliance did not report the loss"
    assert bad["video"]["rtcp"]["nack_in"] > 0, "the appliance did not ask for what was lost"


@pytest.mark.parametrize("appliance", [{"media": {"timeout": 4}}], indirect=True)
def test_vanished_caller(appliance, callers):
    events = appliance.events()
    gone = callers(appliance.uri("gone"), mark=1, vanish_at=5)
    one, two = join(appliance, callers, "gone", 2, first=2)
    who = appliance.participant("gone", gone.name)
    gone.wait_end(10)
    vanished = one.now()
    # soon its tile is dimmed, or no longer its picture; then the participant is taken out
    one.wait_view(
        "a mark of age",
        lambda e: 1 not in seen(e) or any(m["id"] == 1 and m["dimmed"] for m in e["marks"]),
        after=vanished, timeout=5,
    )
    events.wait("participant-left", call="gone", participant=who["id"], timeout=12)
    now = one.now()
    one.wait_sees(2, 3, after=now)
    report = one.stop()
    mark = next(m for m in report["video"]["seen"]["marks"] if m["id"] == 3)
    assert mark["freeze_count"] == 0
    assert gaps_between(report, two.tone, vanished - 1, now) == []
    events.close()


@pytest.mark.sanitize
def test_worker_killed(appliance, callers):
    """The call comes back within 5 s; another call notices nothing."""
    appliance.allow_log(r"worker.*(died|killed|ended|gone|lost|signal|restart)")
    events = appliance.events()
    one, two = join(appliance, callers, "hit", 2)
    other, another = join(appliance, callers, "spared", 2, first=3)
    victim = appliance.worker("hit")
    survivor = appliance.worker("spared")
    assert victim and survivor and victim != survivor
    hit_at, spared_at = (one.now(), two.now()), other.now()
    os.kill(victim, signal.SIGKILL)
    killed = time.monotonic()
    for caller, since in zip((one, two), hit_at):
        caller.wait_view("both again", lambda e: moving(e) == {1, 2}, after=since + 1, timeout=8)
    took = time.monotonic() - killed
    assert took < 5 * PATIENCE, f"back after {took:.1f} s"
    one.wait_hears(two.tone, after=one.now())
    two.wait_hears(one.tone, after=two.now())
    events.wait("call-restarted", call="hit")
    assert appliance.worker("hit") not in (None, victim)
    assert appliance.worker("spared") == survivor
    time.sleep(1)
    end = other.now()
    report = other.stop()
    assert gaps_between(report, another.tone, spared_at - 1, end) == []
    assert [m["freeze_count"] for m in report["video"]["seen"]["marks"]] == [0, 0]
    for caller in (one, two):
        assert caller.stop()["video"]["received"]["sources"] == 2
    events.close()


def test_drain(appliance, callers):
    """SIGTERM: everybody gets a BYE (the fixture checks the exit and its time)."""
    made = join(appliance, callers, "drain", 3)
    appliance.stop()
    for caller in made:
        assert caller.wait_end(5) == 0
        assert caller.report()["ended_by"] == "peer"
