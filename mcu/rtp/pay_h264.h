/* Annex B access units to H.264 RTP payloads (RFC 6184), packetization-mode 0 and 1. Pure.
 * Done once per rendition; listeners add their own headers (send.h). */
#pragma once
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/packet.h"
#include "rtp/h264.h"

/** Payload bytes per packet: the default leaves room for IPv6, UDP, RTP, SRTP within 1280. */
#define MCU_H264_PAYLOAD_DEFAULT 1200
#define MCU_H264_PAYLOAD_MIN     64
#define MCU_H264_PAYLOAD_MAX     1400

typedef struct McuH264PayConfig {
	unsigned mode;      /* packetization-mode: 0 single NAL units, 1 STAP-A and FU-A as well */
	size_t max_payload; /* 0 = MCU_H264_PAYLOAD_DEFAULT */
} McuH264PayConfig;

/** Append the payloads of one access unit to `out` (a GPtrArray of McuPacket, owning). Each has
 * pts_ns = `pts_ns` and the MCU_RTP_FLAG_* that apply; the last one has the marker. Access unit
 * delimiters and filler are left out.
 * Returns the number of NAL units left out because mode 0 cannot carry their size (the encoder's
 * slices are too big; the picture is damaged), normally 0.
 * Errors: -EINVAL no NAL unit, or config out of range; -EOVERFLOW over MCU_H264_MAX_AU or
 * MCU_H264_MAX_NALS; nothing is appended then.
 */
int mcu_h264_pay(const McuH264PayConfig *config, const uint8_t *au, size_t len, int64_t pts_ns,
		 GPtrArray *out) MCU_WARN_UNUSED;
