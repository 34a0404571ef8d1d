/* One flow of packets between a leg and the worker, whatever carries it.
 *
 *   handler.on_rtp/on_rtcp <-- unprotect <-- demux, latch <-- socket(s)
 *   send_rtp/send_rtcp --> protect --> queue --flush--> socket(s)
 *
 * net/udp.h implements it for plain UDP; ICE and DTLS are to be a second implementation. A
 * transport lives in the thread of the GMainContext it was made for; every function and callback
 * runs there.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/packet.h"
#include "base/suite.h"

#define MCU_NET_ADDRESS_MAX 64

/** Numeric address and port. */
typedef struct McuNetAddress {
	char host[MCU_NET_ADDRESS_MAX];
	uint16_t port;
} McuNetAddress;

typedef struct McuTransport McuTransport;

/** Callbacks; each may be NULL. They may call the transport (also set_remote), but must not free
 * it: free from an idle source. Packets are in the clear and authentic when keys are set.
 */
typedef struct McuTransportHandler {
	/* Owns: borrows pkt; take a reference to keep it. pkt->arrival_ns is set. */
	void (*on_rtp)(McuPacket *pkt, void *data);
	void (*on_rtcp)(McuPacket *pkt, void *data); /* compound packet, not yet checked */
	/* The first time, and each time the source of the peer's packets moved. */
	void (*on_latched)(const McuNetAddress *source, void *data);
	/* The transport is of no use any more. */
	void (*on_error)(int err, const McuDiag *why, void *data);
} McuTransportHandler;

/** Where the peer receives, as negotiated. */
typedef struct McuTransportRemote {
	char address[MCU_NET_ADDRESS_MAX]; /* "" = not known: send nothing until packets come in */
	uint16_t rtp_port, rtcp_port;
	bool rtcp_mux;
	McuSrtpKey send_key, recv_key; /* suite 0 in both = no SRTP */
} McuTransportRemote;

/** Our end, as bound. rtcp_port equals rtp_port when there is one socket only. */
typedef struct McuTransportLocal {
	char address[MCU_NET_ADDRESS_MAX];
	uint16_t rtp_port, rtcp_port;
} McuTransportLocal;

/** Counters since creation. */
typedef struct McuTransportStats {
	uint64_t rx_packets, rx_bytes;  /* delivered to the handler, RTP and RTCP */
	uint64_t rx_foreign;            /* from an address the latch does not accept */
	uint64_t rx_malformed;          /* not RTP, not RTCP, or longer than MCU_PACKET_MAX */
	uint64_t rx_auth_failed, rx_replayed, rx_srtp_errors;
	uint64_t tx_packets, tx_bytes;
	uint64_t tx_dropped;   /* socket buffer or queue full */
	uint64_t tx_errors;    /* protect failed, unreachable, refused, … */
	uint64_t tx_unaddressed; /* no remote address known yet */
	uint64_t relatched;    /* times the peer's source moved */
	int64_t last_rx_ns;    /* mcu_now_ns() of the last delivered packet; 0 = none yet */
	bool latched, secure;
	McuNetAddress remote; /* where RTP is sent now; port 0 = nowhere */
} McuTransportStats;

typedef struct McuTransportOps {
	int (*send_rtp)(McuTransport *t, McuPacket *pkt);
	int (*send_rtcp)(McuTransport *t, McuPacket *pkt);
	void (*flush)(McuTransport *t);
	int (*set_remote)(McuTransport *t, const McuTransportRemote *remote, McuDiag *reterr);
	void (*local)(const McuTransport *t, McuTransportLocal *ret);
	void (*stats)(const McuTransport *t, McuTransportStats *ret);
	void (*free)(McuTransport *t);
} McuTransportOps;

/** Base of every transport; first member of the implementation's struct. */
struct McuTransport {
	const McuTransportOps *ops;
	McuTransportHandler handler;
	void *data;
};

/** Queue one RTP packet; it leaves with the next flush, at the latest before the loop waits again.
 * Owns: takes the reference; the content must not be shared (it is encrypted in place).
 * Errors: -EPIPE no remote address yet; -ENOSPC the queue is full and the socket takes no more;
 * -EINVAL too short or too long; -EIO protecting it failed. All are counted; the packet is gone.
 */
int mcu_transport_send_rtp(McuTransport *t, McuPacket *pkt);

/** The same for a compound RTCP packet. */
int mcu_transport_send_rtcp(McuTransport *t, McuPacket *pkt);

/** Hand what is queued to the socket now. */
void mcu_transport_flush(McuTransport *t);

/** Set or change the peer: first address, re-offer, new keys. With equal keys the cryptographic
 * state stays; with an equal address the latch stays.
 * Errors: -EINVAL address, key or family; -ENOTSUP separate RTCP port without a second socket. The
 * transport is then as before.
 */
int mcu_transport_set_remote(McuTransport *t, const McuTransportRemote *remote, McuDiag *reterr)
	MCU_WARN_UNUSED;

void mcu_transport_local(const McuTransport *t, McuTransportLocal *ret);
void mcu_transport_stats(const McuTransport *t, McuTransportStats *ret);

/** What is queued is sent first (an RTCP BYE leaves). NULL is allowed. */
void mcu_transport_free(McuTransport *t);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuTransport, mcu_transport_free)
