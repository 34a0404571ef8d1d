/* RTCP (RFC 3550 section 6, RFC 4585, RFC 5104, REMB draft): compound packets, read and written.
 * Pure. Not here: when to send (worker), what the numbers mean (recv.h, send.h).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/packet.h"

/** Report blocks, SDES chunks or BYE sources of one packet (5-bit count). */
#define MCU_RTCP_MAX_COUNT 31
/** Sequence numbers of one NACK; further ones are left out. */
#define MCU_RTCP_MAX_NACK 256
/** FIR, TMMBR and TMMBN entries, REMB sources; further ones are left out. */
#define MCU_RTCP_MAX_ENTRIES 16
#define MCU_RTCP_MAX_CNAME   255

typedef enum McuRtcpType {
	MCU_RTCP_SR = 1,
	MCU_RTCP_RR,
	MCU_RTCP_SDES,
	MCU_RTCP_BYE,
	MCU_RTCP_NACK,
	MCU_RTCP_TMMBR,
	MCU_RTCP_TMMBN,
	MCU_RTCP_PLI,
	MCU_RTCP_FIR,
	MCU_RTCP_REMB,
	MCU_RTCP_OTHER, /* APP, XR, feedback not listed here: well-formed and skipped */
	MCU_RTCP_TYPE_LAST,
} McuRtcpType;

/** Short name for statistics ("sr", "nack", …). */
const char *mcu_rtcp_type_name(McuRtcpType type);

typedef struct McuRtcpSenderInfo {
	uint64_t ntp; /* 32.32 fixed point seconds since 1900 */
	uint32_t rtp_ts;
	uint32_t packets;
	uint32_t octets;
} McuRtcpSenderInfo;

typedef struct McuRtcpBlock {
	uint32_t ssrc;         /* the source this block reports on */
	uint8_t fraction_lost; /* of 256, since the last report */
	int32_t lost;          /* cumulative; signed 24 bit on the wire */
	uint32_t highest_seq;  /* extended */
	uint32_t jitter;       /* RTP time units */
	uint32_t lsr;          /* middle 32 bits of the last SR's NTP time; 0 = none yet */
	uint32_t dlsr;         /* 1/65536 s since that SR arrived */
} McuRtcpBlock;

typedef struct McuRtcpChunk {
	uint32_t ssrc;
	const char *cname; /* not terminated; NULL when the chunk has none */
	uint8_t cname_len;
} McuRtcpChunk;

typedef struct McuRtcpBitrate {
	uint32_t ssrc;
	uint64_t bitrate_bps;
	uint16_t overhead; /* bytes per packet, as in RFC 5104 */
} McuRtcpBitrate;

typedef struct McuRtcpFir {
	uint32_t ssrc; /* who shall send a keyframe */
	uint8_t seq;   /* command number: repeats of one command carry the same */
} McuRtcpFir;

/** One packet of a compound packet. Pointers lead into the parsed bytes. */
typedef struct McuRtcpItem {
	McuRtcpType type;
	uint32_t sender_ssrc;   /* who sent the packet; SDES and BYE: 0 */
	uint32_t media_ssrc;    /* NACK and PLI: the source it is about */
	unsigned n;             /* entries of the array below that fits `type` */
	McuRtcpSenderInfo info; /* SR */
	union {
		McuRtcpBlock blocks[MCU_RTCP_MAX_COUNT];    /* SR, RR */
		McuRtcpChunk chunks[MCU_RTCP_MAX_COUNT];    /* SDES */
		uint32_t ssrcs[MCU_RTCP_MAX_COUNT];         /* BYE; REMB */
		uint16_t seqs[MCU_RTCP_MAX_NACK];           /* NACK, in the order given */
		McuRtcpBitrate rates[MCU_RTCP_MAX_ENTRIES]; /* TMMBR, TMMBN */
		McuRtcpFir firs[MCU_RTCP_MAX_ENTRIES];      /* FIR */
	};
	uint64_t remb_bps; /* REMB */
} McuRtcpItem;

typedef struct McuRtcpIter {
	const uint8_t *p;
	size_t left;
} McuRtcpIter;

static inline McuRtcpIter mcu_rtcp_iter(const uint8_t *data, size_t len)
{
	return (McuRtcpIter){ .p = data, .left = len };
}

/** Next packet of the compound. Reduced-size RTCP (RFC 5506) is accepted.
 * Errors: -EAGAIN no more; -EINVAL malformed from here on (what came before is valid).
 */
int mcu_rtcp_next(McuRtcpIter *it, McuRtcpItem *ret) MCU_WARN_UNUSED;

/** Whole packet well formed, and (RFC 3550 A.2) beginning with SR or RR unless reduced size. */
bool mcu_rtcp_valid(const uint8_t *data, size_t len, bool allow_reduced_size);

/* --- writing: append packets, then check once; after a failure nothing more is written --- */

typedef struct McuRtcpBuilder {
	McuPacket *pkt; /* borrowed */
	bool failed;
} McuRtcpBuilder;

/** Appends to the content of `pkt` (normally empty). */
static inline McuRtcpBuilder mcu_rtcp_builder(McuPacket *pkt)
{
	return (McuRtcpBuilder){ .pkt = pkt };
}

/** n <= MCU_RTCP_MAX_COUNT for all lists of reports and sources. */
void mcu_rtcp_build_sr(McuRtcpBuilder *b, uint32_t ssrc, const McuRtcpSenderInfo *info,
		       const McuRtcpBlock *blocks, size_t n);
void mcu_rtcp_build_rr(McuRtcpBuilder *b, uint32_t ssrc, const McuRtcpBlock *blocks, size_t n);
void mcu_rtcp_build_sdes(McuRtcpBuilder *b, uint32_t ssrc, const char *cname);
/** `reason` may be NULL; cut at 255 bytes. */
void mcu_rtcp_build_bye(McuRtcpBuilder *b, const uint32_t *ssrcs, size_t n, const char *reason);
/** `seqs` ascending (modulo wrap). Those that do not fit MCU_RTCP_MAX_NACK words are left out. */
void mcu_rtcp_build_nack(McuRtcpBuilder *b, uint32_t sender, uint32_t media, const uint16_t *seqs,
			 size_t n);
void mcu_rtcp_build_pli(McuRtcpBuilder *b, uint32_t sender, uint32_t media);
void mcu_rtcp_build_fir(McuRtcpBuilder *b, uint32_t sender, const McuRtcpFir *firs, size_t n);
void mcu_rtcp_build_tmmbr(McuRtcpBuilder *b, uint32_t sender, const McuRtcpBitrate *rates,
			  size_t n);
void mcu_rtcp_build_tmmbn(McuRtcpBuilder *b, uint32_t sender, const McuRtcpBitrate *rates,
			  size_t n);
void mcu_rtcp_build_remb(McuRtcpBuilder *b, uint32_t sender, uint64_t bitrate_bps,
			 const uint32_t *ssrcs, size_t n);

/** 0, or -ENOSPC when something did not fit (the packet holds what was whole before it). */
int mcu_rtcp_build_end(const McuRtcpBuilder *b) MCU_WARN_UNUSED;

/* --- FIR command numbers (RFC 5104 section 4.3.1) --- */

/** Receiving side, one per requester; zero-initialised. */
typedef struct McuRtcpFirSeen {
	bool any;
	uint8_t seq;
} McuRtcpFirSeen;

/** True for a new command, false for the repeat of the last one. */
bool mcu_rtcp_fir_is_new(McuRtcpFirSeen *seen, uint8_t seq);
