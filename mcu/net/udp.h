/* Plain UDP RTP and RTCP with SDES-SRTP and a locking latch (symmetric RTP).
 *
 * The latch: packets go to the negotiated address until the peer's own packets show another one.
 * It locks on the first packet that SRTP authenticates; without SRTP on the third RTP packet in a
 * row from one source (same SSRC, advancing sequence). Once locked, packets from elsewhere are
 * dropped and counted. It opens again when set_remote() changes the address, and after 5 s of
 * silence from the locked source. Packets that wait for the lock are delivered when it closes.
 */
#pragma once
#include "net/transport.h"

#define MCU_NET_LATCH_PACKETS    3
#define MCU_NET_LATCH_SILENCE_NS (INT64_C(5000000000))
#define MCU_NET_LATCH_CANDIDATES 4   /* sources that compete for an open latch */
#define MCU_NET_QUEUE            128 /* packets queued for sending between two flushes */
#define MCU_NET_MAX_PER_WAKE     128 /* packets received per socket in one turn of the loop */

typedef struct McuUdpParams {
	const char *address; /* numeric, IPv4 or IPv6; "0.0.0.0" and "::" bind to any */
	unsigned port_min, port_max; /* RTP takes an even port, RTCP the next one */
	bool one_socket; /* rtcp-mux is certain: no second socket */
	bool video;      /* larger socket buffers, DSCP AF41 instead of EF */
	GMainContext *context; /* NULL = the thread's default */
} McuUdpParams;

/** Open a pair of ports from the range, beginning at a random one.
 * Errors: -EINVAL address or range; -ENOSPC every pair is in use; -EIO the system refuses.
 * Owns: caller frees *ret with mcu_transport_free().   Thread: that of `context`.
 */
int mcu_udp_new(const McuUdpParams *params, const McuTransportHandler *handler, void *data,
		McuTransport **ret, McuDiag *reterr) MCU_WARN_UNUSED;
