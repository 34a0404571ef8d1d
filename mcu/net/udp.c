/* UDP transport: the source in the main loop, receiving, sending.
 *
 * The source flushes the send queue when the loop prepares to wait, so what one turn of the loop
 * queued leaves in one sendmmsg() per socket.
 */
#include "net/udp.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/demux.h"
#include "net/srtp.h"
#include "net/udp_priv.h"

#define RX_BATCH 16
#define TX_BATCH 64

typedef struct Udp Udp;

typedef struct UdpSource {
	GSource base;
	Udp *udp;
} UdpSource;

struct Udp {
	McuTransport base;
	UdpSource *source;
	int fd[MCU_UDP_CHANNELS];
	gpointer tag[MCU_UDP_CHANNELS];
	McuTransportLocal local;
	McuThreadCheck thread;

	McuLatch latch;
	McuSockAddr rtcp_to; /* family 0 = none */
	bool rtcp_mux;
	bool ever_latched;

	McuSrtp *tx, *rx; /* NULL = plain */
	McuSrtpKey tx_key, rx_key;

	McuPacket *queue[MCU_UDP_CHANNELS][MCU_NET_QUEUE];
	unsigned n_queue[MCU_UDP_CHANNELS];
	McuPacket *batch[RX_BATCH]; /* empty packets to receive into */
	McuTransportStats stats;
};

/* --- sending ------------------------------------------------------------------------------------- */

/* Sends up to TX_BATCH packets; returns how many are dealt with, sent or not. */
static unsigned send_some(Udp *u, int fd, const McuSockAddr *to, McuPacket **pkts, unsigned n)
{
	struct mmsghdr msgs[TX_BATCH];
	struct iovec iov[TX_BATCH];

	n = MIN(n, TX_BATCH);
	memset(msgs, 0, n * sizeof(msgs[0]));
	for (unsigned i = 0; i < n; i++) {
		iov[i] = (struct iovec){ .iov_base = pkts[i]->data, .iov_len = pkts[i]->len };
		msgs[i].msg_hdr.msg_name = (void *)to;
		msgs[i].msg_hdr.msg_namelen = mcu_sock_addr_len(to);
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	int sent = sendmmsg(fd, msgs, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0) {
		if (errno == EINTR)
			return 0;
		if (errno == EAGAIN || errno == ENOBUFS) {
			u->stats.tx_dropped += n;
			return n;
		}
		u->stats.tx_errors++; /* about the first packet, or an earlier ICMP message */
		return 1;
	}
	for (int i = 0; i < sent; i++)
		u->stats.tx_bytes += pkts[i]->len;
	u->stats.tx_packets += (unsigned)sent;
	return (unsigned)sent;
}

static void flush_channel(Udp *u, McuUdpChannel ch)
{
	const McuSockAddr *to = ch == MCU_UDP_RTP ? &u->latch.to : &u->rtcp_to;
	unsigned n = u->n_queue[ch];

	for (unsigned done = 0; done < n;)
		done += send_some(u, u->fd[ch], to, u->queue[ch] + done, n - done);
	for (unsigned i = 0; i < n; i++)
		mcu_packet_unref(u->queue[ch][i]);
	u->n_queue[ch] = 0;
}

static void udp_flush(McuTransport *t)
{
	Udp *u = (Udp *)t;

	MCU_ASSERT_THREAD(&u->thread);
	for (unsigned ch = 0; ch < MCU_UDP_CHANNELS; ch++)
		if (u->n_queue[ch])
			flush_channel(u, (McuUdpChannel)ch);
}

static int enqueue(Udp *u, McuUdpChannel ch, McuPacket *pkt)
{
	if (u->n_queue[ch] == MCU_NET_QUEUE)
		flush_channel(u, ch);
	u->queue[ch][u->n_queue[ch]++] = pkt;
	return 0;
}

static int refuse(McuPacket *pkt, uint64_t *counter, int err)
{
	(*counter)++;
	mcu_packet_unref(pkt);
	return err;
}

static int udp_send_rtp(McuTransport *t, McuPacket *pkt)
{
	Udp *u = (Udp *)t;

	MCU_ASSERT_THREAD(&u->thread);
	if (!u->latch.to.sa.sa_family)
		return refuse(pkt, &u->stats.tx_unaddressed, -EPIPE);
	if (mcu_net_demux(pkt->data, pkt->len) != MCU_NET_RTP)
		return refuse(pkt, &u->stats.tx_errors, -EINVAL);
	if (u->tx && mcu_srtp_protect(u->tx, pkt) < 0)
		return refuse(pkt, &u->stats.tx_errors, -EIO);
	return enqueue(u, MCU_UDP_RTP, pkt);
}

static int udp_send_rtcp(McuTransport *t, McuPacket *pkt)
{
	Udp *u = (Udp *)t;
	McuUdpChannel ch = u->rtcp_mux || u->fd[MCU_UDP_RTCP] < 0 ? MCU_UDP_RTP : MCU_UDP_RTCP;
	const McuSockAddr *to = ch == MCU_UDP_RTP ? &u->latch.to : &u->rtcp_to;

	MCU_ASSERT_THREAD(&u->thread);
	if (!to->sa.sa_family || !mcu_sock_addr_port(to))
		return refuse(pkt, &u->stats.tx_unaddressed, -EPIPE);
	if (mcu_net_demux(pkt->data, pkt->len) != MCU_NET_RTCP)
		return refuse(pkt, &u->stats.tx_errors, -EINVAL);
	if (u->tx && mcu_srtp_protect_rtcp(u->tx, pkt) < 0)
		return refuse(pkt, &u->stats.tx_errors, -EIO);
	return enqueue(u, ch, pkt);
}

/* --- receiving ----------------------------------------------------------------------------------- */

static void deliver(Udp *u, bool rtcp, McuPacket *pkt, size_t wire_len)
{
	void (*fn)(McuPacket *, void *) = rtcp ? u->base.handler.on_rtcp : u->base.handler.on_rtp;

	u->stats.rx_packets++;
	u->stats.rx_bytes += wire_len;
	u->stats.last_rx_ns = pkt->arrival_ns;
	if (fn)
		fn(pkt, u->base.data);
}

static void count_srtp_error(Udp *u, int err)
{
	switch (err) {
	case -EACCES:
		u->stats.rx_auth_failed++;
		break;
	case -EEXIST:
		u->stats.rx_replayed++;
		break;
	default:
		u->stats.rx_srtp_errors++;
		break;
	}
}

static void latched(Udp *u, const McuSockAddr *before)
{
	McuNetAddress source;
	bool moved = !mcu_sock_addr_equal(before, &u->latch.to);

	if (u->ever_latched && !moved)
		return;
	if (u->ever_latched)
		u->stats.relatched++;
	u->ever_latched = true;
	/* nothing was negotiated: RTCP goes where it does by default, until the peer's shows better */
	if (!u->rtcp_to.sa.sa_family) {
		u->rtcp_to = u->latch.to;
		mcu_sock_addr_set_port(&u->rtcp_to, mcu_sock_addr_port(&u->latch.to) | 1);
	}
	mcu_sock_addr_format(&u->latch.to, &source);
	if (u->base.handler.on_latched)
		u->base.handler.on_latched(&source, u->base.data);
}

static void receive_secure_rtp(Udp *u, const McuSockAddr *from, McuPacket *pkt)
{
	McuSockAddr before = u->latch.to;
	size_t wire_len = pkt->len;
	int r = mcu_srtp_unprotect(u->rx, pkt);

	if (r < 0) {
		count_srtp_error(u, r);
		return;
	}
	if (mcu_latch_authentic(&u->latch, from, pkt->arrival_ns) == MCU_LATCH_LOCKED)
		latched(u, &before);
	deliver(u, false, pkt, wire_len);
}

static void receive_plain_rtp(Udp *u, const McuSockAddr *from, McuPacket *pkt)
{
	McuPacket *held[MCU_NET_LATCH_PACKETS - 1];
	McuSockAddr before = u->latch.to;
	unsigned n_held = 0;

	switch (mcu_latch_plain(&u->latch, from, pkt, held, &n_held)) {
	case MCU_LATCH_LOCKED:
		latched(u, &before);
		for (unsigned i = 0; i < n_held; i++) {
			deliver(u, false, held[i], held[i]->len);
			mcu_packet_unref(held[i]);
		}
		deliver(u, false, pkt, pkt->len);
		break;
	case MCU_LATCH_DELIVER:
		deliver(u, false, pkt, pkt->len);
		break;
	case MCU_LATCH_HELD:
		break;
	case MCU_LATCH_FOREIGN:
		u->stats.rx_foreign++;
		break;
	}
}

static void receive_rtp(Udp *u, const McuSockAddr *from, McuPacket *pkt)
{
	if (!mcu_latch_admits(&u->latch, from, pkt->arrival_ns))
		u->stats.rx_foreign++;
	else if (u->rx)
		receive_secure_rtp(u, from, pkt);
	else
		receive_plain_rtp(u, from, pkt);
}

/* RTCP comes from the host RTP is locked to; before that, and when that fell silent, from the
 * negotiated host. What SRTP authenticates may then come from anywhere. */
static bool rtcp_source_fits(const Udp *u, const McuSockAddr *from, int64_t now_ns)
{
	if (u->latch.locked) {
		if (mcu_sock_addr_same_host(from, &u->latch.locked_to))
			return true;
		if (now_ns - u->latch.last_ns < MCU_NET_LATCH_SILENCE_NS)
			return false;
	}
	return u->rx || mcu_sock_addr_same_host(from, &u->latch.remote);
}

static void receive_rtcp(Udp *u, McuUdpChannel ch, const McuSockAddr *from, McuPacket *pkt)
{
	size_t wire_len = pkt->len;

	if (!rtcp_source_fits(u, from, pkt->arrival_ns)) {
		u->stats.rx_foreign++;
		return;
	}
	int r = u->rx ? mcu_srtp_unprotect_rtcp(u->rx, pkt) : 0;
	if (r < 0) {
		count_srtp_error(u, r);
		return;
	}
	if (ch == MCU_UDP_RTCP)
		u->rtcp_to = *from;
	else if (u->rx && !u->latch.locked)
		u->latch.to = *from; /* a peer that only receives: RTCP shows where it is */
	deliver(u, true, pkt, wire_len);
}

static void receive_one(Udp *u, McuUdpChannel ch, const McuSockAddr *from, McuPacket *pkt)
{
	switch (mcu_net_demux(pkt->data, pkt->len)) {
	case MCU_NET_RTP:
		if (ch == MCU_UDP_RTP) {
			receive_rtp(u, from, pkt);
			return;
		}
		break;
	case MCU_NET_RTCP:
		receive_rtcp(u, ch, from, pkt);
		return;
	default:
		break;
	}
	u->stats.rx_malformed++;
}

/* One recvmmsg(): number of packets, 0 when there are none, or a negative errno. */
static int receive_batch(Udp *u, McuUdpChannel ch)
{
	struct mmsghdr msgs[RX_BATCH] = { 0 };
	struct iovec iov[RX_BATCH];
	McuSockAddr from[RX_BATCH];

	for (unsigned i = 0; i < RX_BATCH; i++) {
		if (!u->batch[i])
			u->batch[i] = mcu_packet_new();
		iov[i] = (struct iovec){ .iov_base = u->batch[i]->data,
					 .iov_len = MCU_PACKET_MAX };
		msgs[i].msg_hdr.msg_name = &from[i];
		msgs[i].msg_hdr.msg_namelen = sizeof(from[i]);
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	int n = recvmmsg(u->fd[ch], msgs, RX_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0)
		return -errno;
	int64_t now = mcu_now_ns();
	for (int i = 0; i < n; i++) {
		McuPacket *pkt = g_steal_pointer(&u->batch[i]);

		pkt->len = msgs[i].msg_len;
		pkt->arrival_ns = now;
		if (msgs[i].msg_hdr.msg_flags & MSG_TRUNC)
			u->stats.rx_malformed++;
		else
			receive_one(u, ch, &from[i], pkt);
		mcu_packet_unref(pkt);
	}
	return n;
}

/* Errors an ICMP message leaves on the socket: the peer is not there (yet). */
static bool is_soft(int err)
{
	return err == -ECONNREFUSED || err == -EHOSTUNREACH || err == -ENETUNREACH ||
	       err == -EINTR || err == -ENOBUFS || err == -ENOMEM;
}

static bool receive_channel(Udp *u, McuUdpChannel ch)
{
	for (int budget = MCU_NET_MAX_PER_WAKE; budget > 0;) {
		int n = receive_batch(u, ch);

		if (n == -EAGAIN)
			return true;
		if (n < 0 && !is_soft(n)) {
			McuDiag why = { 0 };

			(void)mcu_diag(&why, -EIO, "receiving failed: %s", g_strerror(-n));
			if (u->base.handler.on_error)
				u->base.handler.on_error(-EIO, &why, u->base.data);
			return false;
		}
		if (n < 0)
			u->stats.tx_errors++;
		else if (n < RX_BATCH)
			return true;
		budget -= n > 0 ? n : 1;
	}
	return true;
}

/* --- the source in the loop ---------------------------------------------------------------------- */

static gboolean source_prepare(GSource *source, gint *timeout)
{
	Udp *u = ((UdpSource *)source)->udp;

	*timeout = -1;
	udp_flush(&u->base);
	return FALSE;
}

static gboolean source_check(GSource *source)
{
	Udp *u = ((UdpSource *)source)->udp;

	for (unsigned ch = 0; ch < MCU_UDP_CHANNELS; ch++)
		if (u->tag[ch] && g_source_query_unix_fd(source, u->tag[ch]))
			return TRUE;
	return FALSE;
}

static gboolean source_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
	Udp *u = ((UdpSource *)source)->udp;

	(void)fn;
	(void)data;
	MCU_ASSERT_THREAD(&u->thread);
	for (unsigned ch = 0; ch < MCU_UDP_CHANNELS; ch++) {
		if (!u->tag[ch] || !g_source_query_unix_fd(source, u->tag[ch]))
			continue;
		if (!receive_channel(u, (McuUdpChannel)ch)) {
			g_source_remove_unix_fd(source, u->tag[ch]);
			u->tag[ch] = NULL;
		}
	}
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
	.prepare = source_prepare,
	.check = source_check,
	.dispatch = source_dispatch,
};

static void attach(Udp *u, GMainContext *context)
{
	GSource *source = g_source_new(&source_funcs, sizeof(UdpSource));

	u->source = (UdpSource *)source;
	u->source->udp = u;
	g_source_set_name(source, "udp");
	for (unsigned ch = 0; ch < MCU_UDP_CHANNELS; ch++)
		if (u->fd[ch] >= 0)
			u->tag[ch] = g_source_add_unix_fd(source, u->fd[ch], G_IO_IN);
	g_source_attach(source, context ? context : g_main_context_get_thread_default());
}

/* --- configuration ------------------------------------------------------------------------------- */

/* A new session when the key changed: *ret is set, or left NULL for plain RTP. */
static int renew_srtp(const McuSrtpKey *old, const McuSrtpKey *key, bool outbound, McuSrtp **ret)
{
	if (!key->suite || mcu_srtp_key_equal(old, key))
		return 0;
	return mcu_srtp_new(key, outbound, ret);
}

static void swap_srtp(McuSrtp **session, McuSrtp *fresh, McuSrtpKey *old, const McuSrtpKey *key)
{
	if (mcu_srtp_key_equal(old, key))
		return;
	mcu_srtp_free(*session);
	*session = fresh;
	*old = *key;
}

static int set_keys(Udp *u, const McuTransportRemote *remote, McuDiag *reterr)
{
	McuSrtp *tx = NULL, *rx = NULL;
	int r;

	if (!remote->send_key.suite != !remote->recv_key.suite)
		return mcu_diag(reterr, -EINVAL, "SRTP keys are given for one direction only");
	r = renew_srtp(&u->tx_key, &remote->send_key, true, &tx);
	if (r == 0)
		r = renew_srtp(&u->rx_key, &remote->recv_key, false, &rx);
	if (r < 0) {
		mcu_srtp_free(tx);
		return mcu_diag(reterr, -EINVAL, "the SRTP keys cannot be used");
	}
	/* what is queued was protected with the old key */
	udp_flush(&u->base);
	swap_srtp(&u->tx, tx, &u->tx_key, &remote->send_key);
	swap_srtp(&u->rx, rx, &u->rx_key, &remote->recv_key);
	return 0;
}

static int parse_remote(const Udp *u, const McuTransportRemote *remote, McuSockAddr *ret,
			McuDiag *reterr)
{
	McuSockAddr bound;

	if (mcu_sock_addr_parse(remote->address, remote->rtp_port, ret) < 0 ||
	    remote->rtp_port == 0)
		return mcu_diag(reterr, -EINVAL, "found \"%s\" port %u, expected an address",
				remote->address, remote->rtp_port);
	if (mcu_sock_addr_parse(u->local.address, 0, &bound) < 0 ||
	    bound.sa.sa_family != ret->sa.sa_family)
		return mcu_diag(reterr, -EINVAL, "%s cannot be reached from %s: other IP version",
				remote->address, u->local.address);
	return 0;
}

static int udp_set_remote(McuTransport *t, const McuTransportRemote *remote, McuDiag *reterr)
{
	Udp *u = (Udp *)t;
	McuSockAddr addr = { 0 };
	int r;

	MCU_ASSERT_THREAD(&u->thread);
	if (!remote->rtcp_mux && u->fd[MCU_UDP_RTCP] < 0)
		return mcu_diag(reterr, -ENOTSUP, "the peer wants RTCP on a port of its own");
	if (remote->address[0]) {
		r = parse_remote(u, remote, &addr, reterr);
		if (r < 0)
			return r;
	}
	r = set_keys(u, remote, reterr);
	if (r < 0)
		return r;
	u->rtcp_mux = remote->rtcp_mux;
	/* no address (hold by 0.0.0.0): the peer stays where it is */
	if (addr.sa.sa_family && !mcu_sock_addr_equal(&addr, &u->latch.remote)) {
		mcu_latch_reset(&u->latch, &addr);
		u->rtcp_to = addr;
		mcu_sock_addr_set_port(&u->rtcp_to, remote->rtcp_port);
	}
	return 0;
}

static void udp_local(const McuTransport *t, McuTransportLocal *ret)
{
	*ret = ((const Udp *)t)->local;
}

static void udp_stats(const McuTransport *t, McuTransportStats *ret)
{
	const Udp *u = (const Udp *)t;

	*ret = u->stats;
	ret->latched = u->latch.locked;
	ret->secure = u->rx != NULL;
	mcu_sock_addr_format(&u->latch.to, &ret->remote);
}

static void udp_free(McuTransport *t)
{
	Udp *u = (Udp *)t;

	udp_flush(t);
	g_source_destroy(&u->source->base);
	g_source_unref(&u->source->base);
	for (unsigned ch = 0; ch < MCU_UDP_CHANNELS; ch++)
		if (u->fd[ch] >= 0)
			close(u->fd[ch]);
	for (unsigned i = 0; i < RX_BATCH; i++)
		mcu_packet_unref(u->batch[i]);
	mcu_latch_done(&u->latch);
	mcu_srtp_free(u->tx);
	mcu_srtp_free(u->rx);
	explicit_bzero(u, sizeof(*u));
	g_free(u);
}

static const McuTransportOps udp_ops = {
	.send_rtp = udp_send_rtp,
	.send_rtcp = udp_send_rtcp,
	.flush = udp_flush,
	.set_remote = udp_set_remote,
	.local = udp_local,
	.stats = udp_stats,
	.free = udp_free,
};

int mcu_udp_new(const McuUdpParams *params, const McuTransportHandler *handler, void *data,
		McuTransport **ret, McuDiag *reterr)
{
	McuTransportLocal local = { 0 };
	int fd[MCU_UDP_CHANNELS];
	int r = mcu_udp_open_ports(params, fd, &local, reterr);

	if (r < 0)
		return r;
	Udp *u = g_new0(Udp, 1);
	u->base.ops = &udp_ops;
	u->base.handler = *handler;
	u->base.data = data;
	memcpy(u->fd, fd, sizeof(fd));
	u->local = local;
	u->rtcp_mux = params->one_socket;
	attach(u, params->context);
	*ret = &u->base;
	return 0;
}
