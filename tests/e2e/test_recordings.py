"""Recordings are played back: who is seen and heard in them, and what a crash leaves."""

import os
import signal
import time

import pytest

from harness import PATIENCE, SANITIZED, analyse, ffprobe, moving, wait_for


def start_recording(appliance, call):
    return appliance.api("POST", f"/calls/{call}/recording", {})["path"]


def check_content(found, callers, least_s):
    """The marks advance and the tones sound to the end of the file."""
    assert found["video_s"] >= least_s, f"{found['video_s']} s of picture, expected {least_s:.1f}"
    assert found["audio_s"] >= least_s, f"{found['audio_s']} s of sound, expected {least_s:.1f}"
    assert abs(found["video_s"] - found["audio_s"]) < 1
    marks = {m["id"]: m for m in found["seen"]["marks"]}
    tones = {t["hz"]: t for t in found["heard"]["tones"]}
    for caller in callers:
        mark = marks[caller.mark]
        if not SANITIZED:
            assert mark["fps"] >= 0.9 * 15
            assert mark["freeze_count"] == 0, mark["freezes"]
        tone = tones[caller.tone]
        assert tone["heard_s"] >= 0.9 * (tone["last_s"] - tone["first_s"])
        assert found["audio_s"] - tone["last_s"] < 1


def two_callers(appliance, callers, call):
    made = [callers(appliance.uri(call), mark=mark).wait_up() for mark in (1, 2)]
    for caller in made:
        caller.wait_view("both", lambda e: moving(e) == {1, 2})
    return made


@pytest.mark.sanitize
def test_stopped(appliance, callers, tmp_path):
    made = two_callers(appliance, callers, "film")
    path = start_recording(appliance, "film")
    began = time.monotonic()
    time.sleep(6)
    appliance.api("DELETE", "/calls/film/recording")
    lasted = time.monotonic() - began
    assert path.startswith(str(appliance.recordings)) and path.endswith(".mp4")
    found = analyse(path, tmp_path)
    check_content(found, made, min(lasted - 1, 5))
    assert found["video_s"] < lasted + 1
    streams = ffprobe(path, ["-show_entries", "stream=codec_name"])
    assert sorted(streams) == ["aac", "h264"]
    # seekable: the index at hand names every picture, which a file of fragments alone has not
    (indexed,) = ffprobe(path, ["-select_streams", "v", "-show_entries", "stream=nb_frames"])
    assert abs(int(indexed) - found["pictures"]) <= 1


@pytest.mark.parametrize("how", ["worker", "everything"])
def test_killed(appliance, callers, tmp_path, how):
    """kill -9: the file plays, and misses at most 2 s."""
    appliance.allow_log(r"worker", r"recording")
    made = two_callers(appliance, callers, "crash")
    path = start_recording(appliance, "crash")
    began = time.monotonic()
    time.sleep(7)
    lasted = time.monotonic() - began
    if how == "worker":
        os.kill(appliance.worker("crash"), signal.SIGKILL)
    else:
        appliance.kill()
    found = analyse(path, tmp_path)
    check_content(found, made, lasted - 2 - (0.5 if PATIENCE > 1 else 0))


@pytest.mark.parametrize("appliance", [{"record": {"auto": True, "name": "{call}"}}], indirect=True)
def test_automatic(appliance, callers, tmp_path):
    """record.auto: the recording runs from the first participant on and is closed with the call."""
    caller = callers(appliance.uri("auto"), mark=1).wait_up()
    time.sleep(4)
    caller.stop()
    appliance.stop()
    files = wait_for("the file", lambda: list(appliance.recordings.glob("*.mp4")), 2)
    assert [f.name for f in files] == ["auto.mp4"]
    found = analyse(files[0], tmp_path)
    assert {m["id"] for m in found["seen"]["marks"]} == {1}
    assert any(t["hz"] == caller.tone for t in found["heard"]["tones"])
