"""One media line of a peer: the RTP and RTCP ports that its SDP names.

    mcu-worker <--peer--> Relay <--inner-- ffmpeg that sends
                                --------> ffmpeg that receives

ffmpeg cannot send and receive on one port, as symmetric RTP wants; so both ports are held here. What
comes before the receiving ffmpeg is there is kept. The first packets sent can be lost on purpose.
Counts, and looks at, what the appliance sends.
"""

import select
import socket
import threading
import time

from harness import free_ports, wait_for

PLI, FIR = 1, 4
MAX_HELD = 4000


def pair():
    """Two UDP sockets, the first on an even port, the second on the next."""
    while True:
        (port,) = free_ports(1)
        port &= ~1
        made = []
        try:
            for n in range(2):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                made.append(s)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
                s.bind(("127.0.0.1", port + n))
            return port, made
        except OSError:
            for s in made:
                s.close()


class Relay:
    def __init__(self, h264=False, encrypted=False, lose_first=0):
        self.h264, self.encrypted, self.lose = h264, encrypted, lose_first
        self.port, self.peer = pair()
        self.inner_port, self.inner = pair()
        self.remote = [None, None]  # where the appliance takes RTP and RTCP
        self.mux = False
        self.target = None  # where ffmpeg receives
        self.held = []
        self.nal_types, self.payload_types = set(), set()
        self.largest = 0
        self.arrivals = []  # time and size of RTP packets
        self.feedback = {PLI: 0, FIR: 0}
        self.reports = 0
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def connect(self, port, rtcp_port, mux):
        self.mux = mux
        self.remote = [("127.0.0.1", port), ("127.0.0.1", port if mux else rtcp_port)]

    def deliver_to(self, port):
        """From now on what comes goes to `port`, once somebody listens there."""
        wait_for("ffmpeg to listen", lambda: f":{port:04X} " in open("/proc/net/udp").read(), 10)
        self.target = port

    def rate_bps(self, seconds):
        """Bits of RTP a second, headers included, lately."""
        end = time.monotonic()
        return 8 * sum(size for at, size in list(self.arrivals) if at > end - seconds) / seconds

    def close(self):
        self.running = False
        self.thread.join(5)
        for s in self.peer + self.inner:
            s.close()

    # --- its thread

    def _run(self):
        ends = {s: (side, n) for side, two in (("peer", self.peer), ("inner", self.inner)) for n, s in enumerate(two)}
        while self.running:
            ready, _, _ = select.select(list(ends), [], [], 0.05)
            if self.target and self.held:
                for n, data in self.held:
                    self._forward(n, data)
                    time.sleep(0.001)
                self.held = []
            for s in ready:
                side, n = ends[s]
                try:
                    data = s.recv(2048)
                except OSError:
                    continue
                if side == "inner":
                    self._send(n, data)
                elif len(data) >= 8:
                    self._receive(n, data)

    def _send(self, n, data):
        if n == 0 and self.lose > 0:
            self.lose -= 1
        elif self.remote[n]:
            self.peer[0 if self.mux else n].sendto(data, self.remote[n])

    def _receive(self, n, data):
        if 192 <= data[1] <= 223:
            n = 1
            self._note_rtcp(data)
        else:
            self._note_rtp(data)
        if self.target:
            self._forward(n, data)
        elif len(self.held) < MAX_HELD:
            self.held.append((n, data))

    def _forward(self, n, data):
        self.inner[n].sendto(data, ("127.0.0.1", self.target + n))

    def _note_rtcp(self, data):
        self.reports += 1
        while len(data) >= 4 and not self.encrypted:
            if data[1] == 206 and data[0] & 31 in self.feedback:
                self.feedback[data[0] & 31] += 1
            data = data[4 + 4 * int.from_bytes(data[2:4], "big") :]

    def _note_rtp(self, data):
        self.arrivals.append((time.monotonic(), len(data)))
        self.payload_types.add(data[1] & 127)
        self.largest = max(self.largest, len(data))
        if self.h264 and not self.encrypted and len(data) > 12:
            self.nal_types.add(data[12 + 4 * (data[0] & 15)] & 31)
