/* Receiving side of one SSRC: sequence validation, loss and jitter figures, report blocks, sender
 * reports; for video also a bounded reorder buffer with NACK. Pure: time is passed in.
 *
 *   packet --put--> [statistics] --> [reorder buffer] --next--> depay
 *                                          \--nacks--> RTCP NACK
 *
 * Audio uses it with reorder = false: put() counts, and the packet goes on to the jitter buffer.
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

/** Packets that the reorder buffer spans at most. */
#define MCU_RTP_RECV_WINDOW 1024
/** Most packets that are waited for behind a gap before it is given up. */
#define MCU_RTP_RECV_MAX_BEHIND_GAP 512
/** Requests for one missing packet. */
#define MCU_RTP_RECV_MAX_TRIES 6
/** How long a missing packet is waited for when nothing is configured. */
#define MCU_RTP_RECV_WAIT_NACK_NS (INT64_C(250) * 1000000)
#define MCU_RTP_RECV_WAIT_NS      (INT64_C(60) * 1000000)

typedef struct McuRtpReceiver McuRtpReceiver;

typedef struct McuRtpReceiverConfig {
	uint32_t ssrc;
	uint32_t clock_hz;
	bool reorder;    /* keep packets until those before them came or were given up */
	bool nack;       /* ask for missing packets (needs reorder) */
	int64_t wait_ns; /* how long a missing packet is waited for; 0 = MCU_RTP_RECV_WAIT… */
} McuRtpReceiverConfig;

/** A packet in order. `pkt` keeps `payload` alive. */
typedef struct McuRtpReceived {
	McuPacket *pkt;
	const uint8_t *payload;
	size_t payload_len;
	uint64_t ext_seq;
	uint32_t ts;
	uint8_t pt;
	bool marker;
	bool gap; /* at least one packet before this one is lost for good, or the source restarted
		   */
} McuRtpReceived;

typedef struct McuRtpReceiverStats {
	uint64_t packets, bytes; /* received, duplicates and late ones included; payload bytes */
	uint64_t lost;           /* expected - received, not below 0 */
	uint64_t duplicates;
	uint64_t reordered;
	uint64_t late;      /* came after they had been given up */
	uint64_t given_up;  /* never delivered by next() */
	uint64_t nacked;    /* sequence numbers asked for, repeats not counted */
	uint64_t recovered; /* of these, arrived in time */
	uint64_t restarts;
	double jitter_ms;
	double loss_ratio; /* of the last report interval */
} McuRtpReceiverStats;

McuRtpReceiver *mcu_rtp_receiver_new(const McuRtpReceiverConfig *config);
void mcu_rtp_receiver_free(McuRtpReceiver *rx); /* NULL is allowed */

/** Count a packet, and with reorder keep a reference to it until next() gives it out.
 * `hdr` is what mcu_rtp_header_parse() made of pkt->data; hdr->ssrc is not looked at.
 * The first packet is trusted at once (no probation: transports admit only latched or
 * authenticated sources, and the first packet of a video source is its keyframe).
 * Errors: -EEXIST duplicate; -ETIMEDOUT too late, it was given up; -EAGAIN sequence jump, ignored
 * unless the next packet continues it (RFC 3550 A.1), which then counts as a restart.
 */
int mcu_rtp_receiver_put(McuRtpReceiver *rx, McuPacket *pkt, const McuRtpHeader *hdr,
			 int64_t now_ns) MCU_WARN_UNUSED;

/** Next packet in order; call until -EAGAIN after each put() and at next_deadline().
 * Owns: caller gets ret->pkt.   Errors: -EAGAIN nothing, or a missing packet is waited for.
 */
int mcu_rtp_receiver_next(McuRtpReceiver *rx, int64_t now_ns, McuRtpReceived *ret) MCU_WARN_UNUSED;

/** Sequence numbers due to be asked for, ascending; each is given again only after about a round trip.
 * Returns how many were written (at most `max`).
 */
size_t mcu_rtp_receiver_nacks(McuRtpReceiver *rx, int64_t now_ns, uint16_t *seqs, size_t max);

/** When to call nacks() and next() again though no packet came; INT64_MAX = not needed. */
int64_t mcu_rtp_receiver_next_deadline(const McuRtpReceiver *rx);

/** Round trip to the sender, for the timing of requests; 100 ms until known. */
void mcu_rtp_receiver_set_rtt(McuRtpReceiver *rx, int64_t rtt_ns);

/** A sender report of this source arrived. */
void mcu_rtp_receiver_sr(McuRtpReceiver *rx, const McuRtcpSenderInfo *info, int64_t now_ns);

/** Block for the next SR or RR; starts a new loss interval. False before the first packet. */
bool mcu_rtp_receiver_report(McuRtpReceiver *rx, int64_t now_ns, McuRtcpBlock *ret);

/** When the sample with this RTP time was captured: nanoseconds of the *sender's* wall clock
 * (NTP, since 1900). Comparable among the sources of one CNAME only; McuRtpClockMap converts to
 * our clock. False before the first sender report.
 */
bool mcu_rtp_receiver_capture_ns(const McuRtpReceiver *rx, uint32_t ts, int64_t *ret_ns);

void mcu_rtp_receiver_stats(const McuRtpReceiver *rx, McuRtpReceiverStats *ret);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuRtpReceiver, mcu_rtp_receiver_free)

/* --- one sender's wall clock on ours: shared by all sources of a participant (lip sync) --- */

#define MCU_RTP_CLOCK_MAP_BUCKETS 8

/** Keeps the smallest (arrival - capture) of the last 8..10 s. Zero-initialised. */
typedef struct McuRtpClockMap {
	int64_t offset_ns[MCU_RTP_CLOCK_MAP_BUCKETS];
	int64_t bucket_start_ns;
	unsigned n, at;
} McuRtpClockMap;

/** Tell of a packet whose capture time is known. */
void mcu_rtp_clock_map_update(McuRtpClockMap *map, int64_t capture_ns, int64_t arrival_ns);

/** Capture time plus the shortest way here, on mcu_now_ns()'s scale. False before any update. */
bool mcu_rtp_clock_map_local(const McuRtpClockMap *map, int64_t capture_ns, int64_t *ret_ns);
