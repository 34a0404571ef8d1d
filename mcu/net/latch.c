#include <arpa/inet.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/latch_priv.h"

/* A candidate's packets may be this far apart in number and time and still be "in a row". */
#define MAX_SEQ_STEP 100
#define MAX_GAP_NS   MCU_NS_PER_SEC

/* --- addresses ----------------------------------------------------------------------------------- */

int mcu_sock_addr_parse(const char *host, uint16_t port, McuSockAddr *ret)
{
	McuSockAddr a = { 0 };

	if (inet_pton(AF_INET, host, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
	} else if (inet_pton(AF_INET6, host, &a.v6.sin6_addr) == 1) {
		a.v6.sin6_family = AF_INET6;
	} else {
		return -EINVAL;
	}
	mcu_sock_addr_set_port(&a, port);
	*ret = a;
	return 0;
}

void mcu_sock_addr_format(const McuSockAddr *addr, McuNetAddress *ret)
{
	ret->host[0] = '\0';
	ret->port = mcu_sock_addr_port(addr);
	if (addr->sa.sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &addr->v4.sin_addr, ret->host, sizeof(ret->host));
	else if (addr->sa.sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &addr->v6.sin6_addr, ret->host, sizeof(ret->host));
}

bool mcu_sock_addr_same_host(const McuSockAddr *a, const McuSockAddr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return a->sa.sa_family == AF_INET6 &&
	       memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

bool mcu_sock_addr_equal(const McuSockAddr *a, const McuSockAddr *b)
{
	return mcu_sock_addr_same_host(a, b) && mcu_sock_addr_port(a) == mcu_sock_addr_port(b);
}

uint16_t mcu_sock_addr_port(const McuSockAddr *addr)
{
	if (addr->sa.sa_family == AF_INET)
		return ntohs(addr->v4.sin_port);
	return addr->sa.sa_family == AF_INET6 ? ntohs(addr->v6.sin6_port) : 0;
}

void mcu_sock_addr_set_port(McuSockAddr *addr, uint16_t port)
{
	if (addr->sa.sa_family == AF_INET)
		addr->v4.sin_port = htons(port);
	else
		addr->v6.sin6_port = htons(port);
}

socklen_t mcu_sock_addr_len(const McuSockAddr *addr)
{
	return addr->sa.sa_family == AF_INET ? sizeof(addr->v4) : sizeof(addr->v6);
}

/* --- the latch ----------------------------------------------------------------------------------- */

static void candidate_clear(McuLatchCandidate *c)
{
	for (size_t i = 0; i < G_N_ELEMENTS(c->held); i++)
		g_clear_pointer(&c->held[i], mcu_packet_unref);
	c->n = 0;
}

static void clear_candidates(McuLatch *latch)
{
	for (size_t i = 0; i < G_N_ELEMENTS(latch->candidates); i++)
		candidate_clear(&latch->candidates[i]);
}

void mcu_latch_reset(McuLatch *latch, const McuSockAddr *remote)
{
	clear_candidates(latch);
	latch->remote = *remote;
	latch->to = *remote;
	latch->locked = false;
}

void mcu_latch_done(McuLatch *latch)
{
	clear_candidates(latch);
}

bool mcu_latch_admits(McuLatch *latch, const McuSockAddr *from, int64_t now_ns)
{
	if (!latch->locked || mcu_sock_addr_equal(from, &latch->locked_to))
		return true;
	if (now_ns - latch->last_ns < MCU_NET_LATCH_SILENCE_NS)
		return false;
	latch->locked = false;
	return true;
}

static void lock_to(McuLatch *latch, const McuSockAddr *from, int64_t now_ns)
{
	latch->locked = true;
	latch->locked_to = latch->to = *from;
	latch->last_ns = now_ns;
}

McuLatchVerdict mcu_latch_authentic(McuLatch *latch, const McuSockAddr *from, int64_t now_ns)
{
	if (latch->locked) {
		latch->last_ns = now_ns;
		return MCU_LATCH_DELIVER;
	}
	clear_candidates(latch);
	lock_to(latch, from, now_ns);
	return MCU_LATCH_LOCKED;
}

/* The source's candidate, else a free one, else the one that was silent for longest. */
static McuLatchCandidate *find_candidate(McuLatch *latch, const McuSockAddr *from)
{
	McuLatchCandidate *best = &latch->candidates[0];

	for (size_t i = 0; i < G_N_ELEMENTS(latch->candidates); i++) {
		McuLatchCandidate *c = &latch->candidates[i];

		if (c->n && mcu_sock_addr_equal(&c->from, from))
			return c;
		if (!c->n || (best->n && c->last_ns < best->last_ns))
			best = c;
	}
	candidate_clear(best);
	return best;
}

static bool in_a_row(const McuLatchCandidate *c, uint32_t ssrc, uint16_t seq, int64_t now_ns)
{
	int step = mcu_diff16(seq, c->seq);

	return c->n && c->ssrc == ssrc && step > 0 && step <= MAX_SEQ_STEP &&
	       now_ns - c->last_ns <= MAX_GAP_NS;
}

McuLatchVerdict mcu_latch_plain(McuLatch *latch, const McuSockAddr *from, McuPacket *pkt,
				McuPacket *ret_held[MCU_NET_LATCH_PACKETS - 1],
				unsigned *ret_n_held)
{
	McuReader r = mcu_reader(pkt->data, pkt->len);
	int64_t now_ns = pkt->arrival_ns;

	*ret_n_held = 0;
	if (latch->locked) {
		if (!mcu_sock_addr_equal(from, &latch->locked_to))
			return MCU_LATCH_FOREIGN;
		latch->last_ns = now_ns;
		return MCU_LATCH_DELIVER;
	}
	(void)mcu_read_u16(&r);
	uint16_t seq = mcu_read_u16(&r);
	(void)mcu_read_u32(&r);
	uint32_t ssrc = mcu_read_u32(&r);
	if (r.failed)
		return MCU_LATCH_FOREIGN;

	McuLatchCandidate *c = find_candidate(latch, from);
	if (!in_a_row(c, ssrc, seq, now_ns))
		candidate_clear(c);
	c->from = *from;
	c->ssrc = ssrc;
	c->seq = seq;
	c->last_ns = now_ns;
	if (++c->n < MCU_NET_LATCH_PACKETS) {
		c->held[c->n - 1] = mcu_packet_ref(pkt);
		return MCU_LATCH_HELD;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(c->held); i++)
		ret_held[(*ret_n_held)++] = g_steal_pointer(&c->held[i]);
	clear_candidates(latch);
	lock_to(latch, from, now_ns);
	return MCU_LATCH_LOCKED;
}
