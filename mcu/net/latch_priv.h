/* The symmetric RTP latch (net/udp.h says the rules) and socket addresses. Pure: time and packets
 * come in, verdicts go out. Private to net/ and its tests.
 */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/packet.h"
#include "net/udp.h"

typedef union McuSockAddr {
	struct sockaddr sa; /* sa_family 0 = none */
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
} McuSockAddr;

/** Numeric host and port. Errors: -EINVAL. */
int mcu_sock_addr_parse(const char *host, uint16_t port, McuSockAddr *ret) MCU_WARN_UNUSED;
void mcu_sock_addr_format(const McuSockAddr *addr, McuNetAddress *ret);
bool mcu_sock_addr_equal(const McuSockAddr *a, const McuSockAddr *b);
bool mcu_sock_addr_same_host(const McuSockAddr *a, const McuSockAddr *b);
uint16_t mcu_sock_addr_port(const McuSockAddr *addr);
void mcu_sock_addr_set_port(McuSockAddr *addr, uint16_t port);
socklen_t mcu_sock_addr_len(const McuSockAddr *addr);

typedef struct McuLatchCandidate {
	McuSockAddr from;
	uint32_t ssrc;
	uint16_t seq;
	unsigned n; /* packets in a row; 0 = free */
	int64_t last_ns;
	McuPacket *held[MCU_NET_LATCH_PACKETS - 1];
} McuLatchCandidate;

typedef struct McuLatch {
	McuSockAddr remote; /* negotiated */
	McuSockAddr to;     /* where RTP goes now */
	McuSockAddr locked_to;
	bool locked;
	int64_t last_ns; /* of the last packet from locked_to */
	McuLatchCandidate candidates[MCU_NET_LATCH_CANDIDATES];
} McuLatch;

typedef enum McuLatchVerdict {
	MCU_LATCH_DELIVER = 1,
	MCU_LATCH_LOCKED,  /* just now: *ret_held come first, then this one */
	MCU_LATCH_HELD,    /* the latch took a reference and waits for more */
	MCU_LATCH_FOREIGN, /* drop */
} McuLatchVerdict;

/** Begin anew towards a negotiated address (family 0 = none). Held packets are dropped. */
void mcu_latch_reset(McuLatch *latch, const McuSockAddr *remote);
void mcu_latch_done(McuLatch *latch);

/** May a packet from there be looked at? Opens a latch that was silent for too long. */
bool mcu_latch_admits(McuLatch *latch, const McuSockAddr *from, int64_t now_ns);

/** A packet SRTP authenticated: DELIVER or LOCKED. mcu_latch_admits() came before. */
McuLatchVerdict mcu_latch_authentic(McuLatch *latch, const McuSockAddr *from, int64_t now_ns);

/** A plain RTP packet; pkt->arrival_ns is the time. Owns: borrows pkt; with LOCKED the caller
 * unrefs *ret_n_held packets in ret_held.
 */
McuLatchVerdict mcu_latch_plain(McuLatch *latch, const McuSockAddr *from, McuPacket *pkt,
				McuPacket *ret_held[MCU_NET_LATCH_PACKETS - 1],
				unsigned *ret_n_held);
