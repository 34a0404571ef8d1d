"""A baresip of its own configuration, without screen or sound card: it sends a film and a tone,
and keeps what it sees (PNG, its snapshot module) and hears (WAV, its sndfile module)."""

import json
import socket
import subprocess
import time
from pathlib import Path

from harness import PATIENCE, Failure, analyse, free_ports, heard, wait_for

from . import material

MODULES = [
    "opus", "g722", "g711", "avcodec", "avformat", "fakevideo", "aufile", "sndfile", "snapshot", "swscale",
]


def module_path():
    found = sorted(Path("/usr/lib").glob("**/baresip/modules"))
    if not found:
        raise Failure("baresip is missing: apt-get install baresip-core baresip-ffmpeg")
    return found[0]


def ports():
    """One for SIP, whose next is free for SIP over TLS, and one for control."""
    while True:
        sip, control = free_ports(2)
        with socket.socket() as tls:
            try:
                tls.bind(("127.0.0.1", sip + 1))
            except (OSError, OverflowError):
                continue
        if control != sip + 1:
            return sip, control


class Baresip:
    def __init__(self, directory, mark, hz, audio="opus", srtp=False, answer=False, size="640x360", name=None):
        self.mark, self.tone = mark, hz
        self.name = name or f"Baresip {mark}"
        self.directory = Path(directory) / f"baresip-{mark}"
        self.directory.mkdir(parents=True)
        self.sip_port, self.control_port = ports()
        self.log_path = self.directory / "log"
        self.events = []
        self.pictures = 0
        self.buffer = b""
        width, height = size.split("x")
        film = material.film(mark, int(width), int(height))
        lines = [
            "poll_method epoll", f"sip_listen 127.0.0.1:{self.sip_port}", "net_interface 127.0.0.1",
            "call_local_timeout 60", "call_max_calls 4", "audio_alert aufile,/dev/null",
            f"audio_source aufile,{material.tone(hz, 48000)}",
            f"audio_player aufile,{self.directory}/play.wav",
            "ausrc_srate 48000", "ausrc_channels 1", "auplay_srate 48000", "auplay_channels 1",
            f"video_source avformat,{film}", "video_display fakevideo,nil", f"video_size {size}",
            "video_bitrate 600000", "video_fps 15", "videnc_format yuv420p", "rtcp_mux yes",
            "statmode_default off", "jitter_buffer_delay 5-10", "opus_bitrate 32000", "opus_stereo no", "opus_sprop_stereo no",
            f"snd_path {self.directory}", f"ctrl_tcp_listen 127.0.0.1:{self.control_port}",
            f"module_path {module_path()}",
        ]
        lines += [f"module {m}.so" for m in MODULES + (["srtp"] if srtp else [])]
        lines += ["module_tmp uuid.so", "module_tmp account.so", "module_app ctrl_tcp.so", "module_app menu.so"]
        (self.directory / "config").write_text("\n".join(lines) + "\n")
        options = [f"<sip:b{mark}@127.0.0.1:{self.sip_port}>", "regint=0", f"audio_codecs={audio}"]
        options += ["video_codecs=h264"]
        options += ["mediaenc=srtp-mand"] if srtp else []
        options += ["answermode=auto"] if answer else []
        (self.directory / "accounts").write_text(f'"{self.name}" ' + ";".join(options) + "\n")
        (self.directory / "contacts").write_text("")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["baresip", "-f", str(self.directory), "-v"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
            )
        self.control = wait_for("baresip to listen", self._connect, 10)

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def _connect(self):
        if self.process.poll() is not None:
            raise Failure(f"baresip ended:\n{self.log_text()}")
        try:
            return socket.create_connection(("127.0.0.1", self.control_port), timeout=5)
        except OSError:
            return None

    # --- control: JSON in netstrings

    def _messages(self):
        """What baresip said since."""
        self.control.settimeout(0.05)
        try:
            while True:
                data = self.control.recv(65536)
                if not data:
                    break
                self.buffer += data
        except (socket.timeout, TimeoutError):
            pass
        found = []
        while b":" in self.buffer:
            head, _, rest = self.buffer.partition(b":")
            if len(rest) < int(head) + 1:
                break
            found.append(json.loads(rest[: int(head)]))
            self.buffer = rest[int(head) + 1 :]
        self.events += found
        return found

    def command(self, name, parameters=""):
        text = json.dumps({"command": name, "params": parameters, "token": name}).encode()
        self.control.sendall(b"%d:%s," % (len(text), text))

        def reply():
            return next((m for m in self._messages() if m.get("response") and m.get("token") == name), None)

        return wait_for(f"baresip's answer to {name}", reply, 5)

    def wait_event(self, kind, timeout=10):
        def find():
            self._messages()
            return next((e for e in self.events if e.get("type") == kind), None)

        try:
            return wait_for(f"baresip: {kind}", find, timeout)
        except Failure as failure:
            raise Failure(f"{failure}; events {self.events}\n{self.log_text()[-4000:]}") from None

    def uri(self):
        return f"sip:b{self.mark}@127.0.0.1:{self.sip_port}"

    def dial(self, uri):
        self.command("dial", uri)
        return self

    def wait_up(self):
        self.wait_event("CALL_ESTABLISHED")
        return self

    # --- what it sees and hears

    def picture(self):
        """Path of a PNG of what it shows now; None when it shows nothing."""
        self.pictures += 1
        path = self.directory / f"seen-{self.pictures:03d}.png"
        self.command("snapshot_recv", str(path))
        try:
            wait_for("a snapshot", lambda: path.exists() and path.stat().st_size > 0, 2)
        except Failure:
            return None
        return path

    def look(self, pictures=3, apart_s=0.3):
        """mcu-caller's report on some pictures in a row; `advances` counts changed marks."""
        first = self.pictures + 1
        for _ in range(pictures):
            if not self.picture():
                return {"seen": {"marks": []}, "timeline": []}
            time.sleep(apart_s)
        film = self.directory / f"seen-{first:03d}.mkv"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-framerate", "5", "-start_number", str(first),
             "-i", str(self.directory / "seen-%03d.png"), "-frames:v", str(pictures),
             "-c:v", "libx264", "-qp", "10", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(film)],
            check=True, timeout=60 * PATIENCE,
        )
        return analyse(film, self.directory)

    def wait_sees(self, *marks, timeout=15):
        """Until it shows exactly these marks, each advancing; their report by id."""
        last = []

        def find():
            report = {m["id"]: m for m in self.look()["seen"]["marks"]}
            last[:] = [{k: (m["advances"], m["tile"]) for k, m in report.items()}]
            alive = {m["id"] for m in report.values() if m["advances"] > 1}
            return report if alive == set(marks) == set(report) else None

        try:
            return wait_for(f"baresip to see {marks}", find, timeout)
        except Failure as failure:
            raise Failure(f"{failure}; it saw {last}\n{self.log_text()[-3000:]}") from None

    def recording(self):
        """What mcu-caller hears in baresip's dump of decoded sound, so far."""
        dumps = sorted(self.directory.glob("dump-*-dec.wav"))
        if not dumps:
            raise Failure(f"baresip dumped no sound: {list(self.directory.iterdir())}")
        return analyse(material.repair_wav(dumps[-1]), self.directory)

    def wait_hears(self, *tones, timeout=15):
        """Until the last second of its dump has exactly these tones."""

        def find():
            timeline = self.recording()["timeline"]
            return len(timeline) > 3 and heard(timeline[-2]) == heard(timeline[-3]) == set(tones)

        return wait_for(f"baresip to hear {tones}", find, timeout)

    # --- its end

    def hang_up(self):
        self.command("hangup")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
        self.control.close()
