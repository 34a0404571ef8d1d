"""Peers that are not ours: baresip, SIPp and ffmpeg, and the material they send."""
