"""What the peers send: a film with natural motion that carries the machine-readable marks of
mcu-caller (tests/tools/caller/mark.h), and tones.

    camera film --scale--+
                         +--overlay--> H.264 baseline, a keyframe a second
    marks (made here) ---+
"""

import atexit
import functools
import math
import shutil
import struct
import subprocess
import tempfile
import wave
from array import array
from pathlib import Path

# A camera film of Debian: python3-imageio. Without it a generated picture moves.
FILM = Path("/usr/lib/python3/dist-packages/imageio/resources/images/cockatoo.mp4")

COLUMNS, ROWS = 9, 4
PICTURE_CELLS, TOP_CELLS = 18, 2
FRAME_YUV, WHITE, BLACK = (96, 206, 206), 226, 24


@functools.lru_cache(maxsize=None)
def directory():
    made = tempfile.mkdtemp(prefix="mcu-peers-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


def crc12(data):
    crc = 0x5A5
    for bit in range(23, -1, -1):
        top = (crc >> 11 & 1) ^ (data >> bit & 1)
        crc = crc << 1 & 0xFFF
        if top:
            crc ^= 0x80F
    return crc


def mark_picture(mark, clock_ms, cell):
    """The mark with its frame as I420; `cell` is even."""
    data = mark << 16 | clock_ms & 0xFFFF
    bits = f"{data << 12 | crc12(data):036b}"
    planes = [bytearray() for _ in range(3)]
    for row in range(ROWS + 2):
        cells = []
        for column in range(COLUMNS + 2):
            if 1 <= row <= ROWS and 1 <= column <= COLUMNS:
                bit = bits[(row - 1) * COLUMNS + column - 1]
                cells.append((WHITE if bit == "1" else BLACK, 128, 128))
            else:
                cells.append(FRAME_YUV)
        for plane, size in zip(range(3), (cell, cell // 2, cell // 2)):
            line = b"".join(bytes([c[plane]]) * size for c in cells)
            planes[plane] += line * size
    return bytes(planes[0] + planes[1] + planes[2])


@functools.lru_cache(maxsize=None)
def film(mark, width=640, height=360, fps=15, seconds=24, bitrate="500k", slices=0):
    """MP4 of that size and rate, mark `mark` in every picture; made once. `slices`: largest NAL unit."""
    path = directory() / f"film-{mark}-{width}x{height}-{fps}-{slices}.mp4"
    cell = height // PICTURE_CELLS
    size = f"{(COLUMNS + 2) * cell}x{(ROWS + 2) * cell}"
    if FILM.exists():
        camera = ["-stream_loop", "-1", "-i", str(FILM)]
    else:
        camera = ["-f", "lavfi", "-i", f"mandelbrot=s={width}x{height}:r={fps}"]
    scale = f"fps={fps},scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height}"
    place = f"overlay=x={(width - (COLUMNS + 2) * cell) // 2}:y={TOP_CELLS * cell}:shortest=1"
    command = ["ffmpeg", "-v", "error", "-y", *camera]
    command += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-r", str(fps), "-i", "-"]
    command += ["-filter_complex", f"[0:v]{scale},format=yuv420p[c];[c][1:v]{place}", "-an"]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "baseline"]
    command += ["-g", str(fps), "-bf", "0", "-b:v", bitrate, "-maxrate", bitrate, "-bufsize", bitrate]
    command += ["-x264-params", f"slice-max-size={slices}"] if slices else []
    command += ["-threads", "1", "-t", str(seconds), str(path)]
    making = subprocess.Popen(command, stdin=subprocess.PIPE)
    for n in range(fps * seconds):
        making.stdin.write(mark_picture(mark, n * 1000 // fps, cell))
    making.stdin.close()
    assert making.wait(120) == 0, "ffmpeg made no film"
    return path


@functools.lru_cache(maxsize=None)
def tone(hz, rate=16000, seconds=90):
    """WAV of a tone, mono, as loud as mcu-caller's."""
    path = directory() / f"tone-{hz}-{rate}.wav"
    period = rate // math.gcd(rate, hz)
    one = [round(6000 * math.sin(2 * math.pi * hz * n / rate)) for n in range(period)]
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(array("h", one).tobytes() * (rate * seconds // period))
    return path


def repair_wav(path):
    """Sizes in the header of a WAV whose writer was not told to finish it."""
    data = bytearray(Path(path).read_bytes())
    struct.pack_into("<I", data, 4, len(data) - 8)
    at = data.find(b"data")
    struct.pack_into("<I", data, at + 4, len(data) - at - 8)
    fixed = Path(path).with_suffix(".fixed.wav")
    fixed.write_bytes(data)
    return fixed
