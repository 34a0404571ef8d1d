/* Sending side of one SSRC towards one listener: header, sender reports, packets kept for NACK,
 * what the listener reports back. Pure: time and random values are passed in.
 *
 *   payload (shared by all listeners) --packet--> header + copy of the payload --> SRTP, socket
 *                \--> cache --resend--/
 *
 * Not here: spreading bursts (pacer.h), splitting pictures into payloads (pay_h264.h).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/packet.h"
#include "rtp/header.h"
#include "rtp/rtcp.h"

/** Payloads kept for answering NACK: at most this many, and no older than this. */
#define MCU_RTP_SEND_MAX_CACHE 1024
#define MCU_RTP_SEND_CACHE_NS  (INT64_C(1000) * 1000000)
/** Each packet that is sent earns one that may be sent again; at most this many are saved up. A
 * listener, or who claims to be it, cannot ask for more than twice the rendition. */
#define MCU_RTP_SEND_MAX_CREDIT 256

typedef struct McuRtpSender McuRtpSender;

typedef struct McuRtpSenderConfig {
	uint32_t ssrc;
	uint8_t pt;
	uint32_t clock_hz;
	uint16_t first_seq; /* random */
	uint32_t ts_offset; /* random; added to every media time */
	bool keep_for_nack;
} McuRtpSenderConfig;

typedef struct McuRtpSenderStats {
	uint64_t packets, bytes; /* payload, first transmissions */
	uint64_t resent;
	uint64_t resend_missed; /* asked for, but no longer (or not yet again) sendable */
	bool reported;          /* the listener has sent a report block; else the rest is 0 */
	double rtt_ms;          /* 0 = unknown */
	double loss_ratio;      /* of the listener's last interval */
	int64_t lost;
	double jitter_ms;
} McuRtpSenderStats;

McuRtpSender *mcu_rtp_sender_new(const McuRtpSenderConfig *config);
void mcu_rtp_sender_free(McuRtpSender *tx); /* NULL is allowed */

/** A packet ready for SRTP: header plus a copy of `payload`'s content; the marker is taken from
 * payload->flags. `media_ts` counts in clock_hz from any origin that stays the same.
 * Keeps a reference to `payload` for NACK if so configured.
 * Owns: borrows payload, caller gets the new packet.   Errors: -ENOSPC payload too long.
 */
int mcu_rtp_sender_packet(McuRtpSender *tx, McuPacket *payload, uint32_t media_ts, int64_t now_ns,
			  McuPacket **ret) MCU_WARN_UNUSED;

/** The packet of that number again, byte for byte as first sent (SRTP contexts must allow repeated
 * transmission). Not again within half a round trip of the last time.
 * Errors: -ENOENT not kept (any more); -EBUSY just sent again; -EOVERFLOW more than was earned.
 */
int mcu_rtp_sender_resend(McuRtpSender *tx, uint16_t seq, int64_t now_ns,
			  McuPacket **ret) MCU_WARN_UNUSED;

/** For the next SR. `now_ntp` is mcu_now_ntp() of the same moment as `now_ns`. The RTP time is
 * extrapolated from the last packet: from its pts_ns where set (capture or mixing time; what makes
 * lip sync right at the listener), else from when it was sent. False when nothing was sent yet
 * (then an RR is due).
 */
bool mcu_rtp_sender_info(const McuRtpSender *tx, int64_t now_ns, uint64_t now_ntp,
			 McuRtcpSenderInfo *ret);

/** A report block of the listener about this SSRC (blocks about others are ignored). */
void mcu_rtp_sender_block(McuRtpSender *tx, const McuRtcpBlock *block, uint64_t now_ntp);

/** Take another payload type from the next packet on (re-INVITE). */
void mcu_rtp_sender_set_pt(McuRtpSender *tx, uint8_t pt);

uint32_t mcu_rtp_sender_ssrc(const McuRtpSender *tx);
void mcu_rtp_sender_stats(const McuRtpSender *tx, McuRtpSenderStats *ret);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuRtpSender, mcu_rtp_sender_free)
