/* The RTP header (RFC 3550 section 5.1) and header extensions (RFC 8285): parse and write. Pure.
 * Not here: sequence validation and reordering (recv.h), making headers for a listener (send.h).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/packet.h"

#define MCU_RTP_HEADER_MIN 12
#define MCU_RTP_MAX_CSRC   15
/** Extension elements remembered of one packet; further ones are skipped. */
#define MCU_RTP_MAX_EXT 16

/* McuPacket.flags of packets that hold one RTP payload (pay_*.h, send.h) */
#define MCU_RTP_FLAG_MARKER   (1u << 0) /* last packet of a picture, first of a talkspurt */
#define MCU_RTP_FLAG_START    (1u << 1) /* first packet of a picture */
#define MCU_RTP_FLAG_KEYFRAME (1u << 2) /* belongs to a picture that decoding can begin with */

typedef struct McuRtpExt {
	uint8_t id; /* 1..255 */
	uint8_t len;
	const uint8_t *data;
} McuRtpExt;

/** Pointers lead into the parsed bytes, and live as long as they do. */
typedef struct McuRtpHeader {
	uint8_t pt; /* 0..127 */
	bool marker;
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	unsigned n_csrc;
	uint32_t csrc[MCU_RTP_MAX_CSRC];
	unsigned n_ext;
	McuRtpExt ext[MCU_RTP_MAX_EXT];
	const uint8_t *payload; /* padding is taken off; may be empty */
	size_t payload_len;
} McuRtpHeader;

/** Errors: -EINVAL not RTP version 2, cut, or padding or extension longer than the packet. */
int mcu_rtp_header_parse(const uint8_t *data, size_t len, McuRtpHeader *ret) MCU_WARN_UNUSED;

/** The first element with this id, or NULL. */
const McuRtpExt *mcu_rtp_header_ext(const McuRtpHeader *hdr, uint8_t id);

/** Write `hdr` in front of the content of `pkt` (the payload; hdr->payload is not used).
 * Extension elements are written in the one-byte form where all fit it, else in the two-byte form.
 * Errors: -ENOSPC headroom too small; -EINVAL id 0, or a count over its maximum; `pkt` untouched.
 */
int mcu_rtp_header_prepend(McuPacket *pkt, const McuRtpHeader *hdr) MCU_WARN_UNUSED;

/** RFC 5761 section 4: of a packet on a port shared by both, is it RTCP? (RFC 7983 first byte
 * 128..191 is the caller's to check.)
 */
bool mcu_rtp_is_rtcp(const uint8_t *data, size_t len);
