"""Checks and fixtures that all tests of other people's programs share."""

import time

from harness import Failure


def stream(appliance, call, participant, kind):
    """Statistics of one media stream of a participant; None when it has none of that kind."""
    stats = appliance.api("GET", f"/calls/{call}/stats")
    for p in stats["participants"]:
        if p["id"] == participant:
            for leg in p["legs"]:
                for found in leg["streams"]:
                    if found["kind"] == kind:
                        return found
    return None


def settled(caller, seconds=2.0):
    """Half-second entries of the caller's timeline of the next `seconds`."""
    start = caller.now()
    deadline = time.monotonic() + seconds * 10
    while caller.now() < start + seconds:
        if time.monotonic() > deadline or caller.process.poll() is not None:
            raise Failure(f"{caller.name} reports no more: {caller.timeline[-1:]}\n{caller.error_text()}")
        time.sleep(0.1)
    return caller.window(start, start + seconds)


def apart(a, b):
    """Two tiles, fractions of the canvas, that do not cover each other."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0) < 0.1 * min(a[2] * a[3], b[2] * b[3])


def same_place(a, b):
    return all(abs(x - y) < 0.06 for x, y in zip(a, b))
