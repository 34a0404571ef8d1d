"""Two good callers in a call, and what they must not notice of anything."""

import os
import time
from pathlib import Path

from harness import PATIENCE, moving, wait_for

# Shares of an undisturbed call that must be left, on a machine that has more to do.
FPS_SHARE, SOUND_SHARE = 0.7, 0.85


class Meeting:
    """Two good callers, and what they must not notice."""

    def __init__(self, appliance, callers, call="good"):
        self.appliance, self.call = appliance, call
        self.callers = [callers(appliance.uri(call), mark=mark).wait_up(15) for mark in (1, 2)]
        for caller in self.callers:
            caller.wait_view("both", lambda e: {1, 2} <= moving(e))
        self.worker = appliance.worker(call)
        self.since = [caller.now() for caller in self.callers]
        self.cpu_before = self.cpu(1.5)
        self.ticks = self.stats()

    def stats(self):
        return self.appliance.api("GET", f"/calls/{self.call}/stats")

    def streams(self, participant):
        found = [p for p in self.stats()["participants"] if p["id"] == participant]
        return {s["kind"]: s for s in found[0]["legs"][0]["streams"]} if found else {}

    def guest(self):
        """Id of who came last."""
        return self.appliance.participants(self.call)[-1]["id"]

    def cpu(self, seconds):
        """Share of a core that the worker and the daemon take now."""

        def used():
            total = 0
            for pid in (self.worker, self.appliance.process.pid):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
            return total / os.sysconf("SC_CLK_TCK")

        before = used()
        time.sleep(seconds)
        return (used() - before) / seconds

    def check(self, least_s=2.0):
        """Nobody noticed anything, and the load is gone."""
        wait_for("entries", lambda: all(c.now() - s > least_s for c, s in zip(self.callers, self.since)), 10)
        for caller, other, since in zip(self.callers, reversed(self.callers), self.since):
            window = caller.window(since, caller.now())
            span = 0.5 * len(window)
            for mark in (1, 2):
                rate = sum(m["advances"] for e in window for m in e["marks"] if m["id"] == mark) / span
                assert rate >= FPS_SHARE * 15 / PATIENCE, f"{caller.name} sees mark {mark} at {rate:.1f} fps"
            sound = sum(t["ms"] for e in window for t in e["tones"] if t["hz"] == other.tone) / 1000 / span
            assert sound >= SOUND_SHARE, f"{caller.name} hears {other.name} {sound:.0%} of the time"
        assert self.appliance.worker(self.call) == self.worker, "the worker was replaced"
        stats = self.stats()
        for part in ("audio", "video"):
            ticks = stats[part]["ticks"] - self.ticks[part]["ticks"]
            skipped = stats[part]["ticks-skipped"] - self.ticks[part]["ticks-skipped"]
            assert skipped <= (0.02 if part == "audio" else 0.1) * PATIENCE * ticks, f"{part}: {skipped} of {ticks}"
        # busy for ever would show as a whole core
        assert self.cpu(1) <= 1.5 * self.cpu_before + 0.3, f"{self.cpu_before:.2f} of a core before"

    def media_ports(self):
        """All UDP ports of the worker."""
        inodes = set()
        for entry in Path(f"/proc/{self.worker}/fd").iterdir():
            link = os.readlink(entry)
            if link.startswith("socket:["):
                inodes.add(link[8:-1])
        lines = Path("/proc/net/udp").read_text().splitlines()[1:]
        return sorted(int(l.split()[1].split(":")[1], 16) for l in lines if l.split()[9] in inodes)
