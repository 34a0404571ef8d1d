/* mcu/net/udp: two transports on loopback, a rogue sender, ports, keys. */
#include <fcntl.h>
#include <glib.h>
#include <netinet/ip.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/latch_priv.h"
#include "net/udp.h"

/* below the kernel's range of ephemeral ports */
#define PORT_MIN 21000
#define PORT_MAX 21999

static void put_rtp(uint8_t bytes[32], uint32_t ssrc, uint16_t seq)
{
	memset(bytes, 0, 32);
	bytes[0] = 0x80;
	bytes[1] = 96;
	mcu_put_u16(bytes + 2, seq);
	mcu_put_u32(bytes + 8, ssrc);
}

static McuPacket *rtp_packet(uint32_t ssrc, uint16_t seq)
{
	uint8_t bytes[32];

	put_rtp(bytes, ssrc, seq);
	return mcu_packet_new_copy(bytes, sizeof(bytes));
}

static McuPacket *rtcp_packet(uint32_t ssrc)
{
	uint8_t bytes[8] = { 0x80, 201, 0, 1 };

	mcu_put_u32(bytes + 4, ssrc);
	return mcu_packet_new_copy(bytes, sizeof(bytes));
}

/* --- an end: a transport and what it got --------------------------------------------------------- */

typedef struct End {
	McuTransport *t;
	unsigned n_rtp, n_rtcp, n_latched;
	uint16_t seqs[512];
	uint32_t last_ssrc;
	McuNetAddress source;
} End;

static void on_rtp(McuPacket *pkt, void *data)
{
	End *end = data;

	g_assert_cmpint(pkt->arrival_ns, >, 0);
	g_assert_cmpuint(pkt->len, ==, 32);
	end->last_ssrc = (uint32_t)pkt->data[8] << 24 | pkt->data[9] << 16 | pkt->data[10] << 8 |
			 pkt->data[11];
	end->seqs[end->n_rtp++ % G_N_ELEMENTS(end->seqs)] =
		(uint16_t)(pkt->data[2] << 8 | pkt->data[3]);
}

static void on_rtcp(McuPacket *pkt, void *data)
{
	g_assert_cmpuint(pkt->data[1], ==, 201);
	((End *)data)->n_rtcp++;
}

static void on_latched(const McuNetAddress *source, void *data)
{
	End *end = data;

	end->source = *source;
	end->n_latched++;
}

static void open_end(End *end, const char *address, bool one_socket)
{
	const McuTransportHandler handler = { .on_rtp = on_rtp,
					      .on_rtcp = on_rtcp,
					      .on_latched = on_latched };
	const McuUdpParams params = { .address = address,
				      .port_min = PORT_MIN,
				      .port_max = PORT_MAX,
				      .one_socket = one_socket };
	McuDiag diag = { 0 };

	*end = (End){ 0 };
	if (mcu_udp_new(&params, &handler, end, &end->t, &diag) < 0)
		g_error("%s", diag.text);
}

static McuSrtpKey key_of(uint8_t seed)
{
	McuSrtpKey key = { .suite = MCU_SRTP_AEAD_AES_128_GCM };

	memset(key.bytes, seed, sizeof(key.bytes));
	return key;
}

/* Seeds 0 = plain. */
static void point_at(End *end, const End *peer, bool mux, uint8_t send_seed, uint8_t recv_seed)
{
	McuTransportRemote remote = { .rtcp_mux = mux };
	McuTransportLocal local;
	McuDiag diag = { 0 };

	mcu_transport_local(peer->t, &local);
	g_strlcpy(remote.address, local.address, sizeof(remote.address));
	remote.rtp_port = local.rtp_port;
	remote.rtcp_port = local.rtcp_port;
	if (send_seed)
		remote.send_key = key_of(send_seed);
	if (recv_seed)
		remote.recv_key = key_of(recv_seed);
	if (mcu_transport_set_remote(end->t, &remote, &diag) < 0)
		g_error("%s", diag.text);
}

static void send_rtp(End *end, uint32_t ssrc, uint16_t seq)
{
	g_assert_cmpint(mcu_transport_send_rtp(end->t, rtp_packet(ssrc, seq)), ==, 0);
}

static void send_rtcp(End *end)
{
	g_assert_cmpint(mcu_transport_send_rtcp(end->t, rtcp_packet(1)), ==, 0);
}

static McuTransportStats stats_of(const End *end)
{
	McuTransportStats s;

	mcu_transport_stats(end->t, &s);
	return s;
}

static gboolean timed_out(gpointer data)
{
	*(bool *)data = true;
	return G_SOURCE_REMOVE;
}

/* Turn the loop until *counter reaches n; fails after 5 s. */
static void wait_for(const unsigned *counter, unsigned n)
{
	bool late = false;
	guint timer = g_timeout_add_seconds(5, timed_out, &late);

	while (*counter < n && !late)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpuint(*counter, >=, n);
	g_source_remove(timer);
}

/* All that was sent on loopback is in the sockets at once: a few turns handle it. */
static void settle(void)
{
	for (unsigned i = 0; i < 20; i++)
		g_main_context_iteration(NULL, FALSE);
}

static void close_ends(End *a, End *b)
{
	mcu_transport_free(a->t);
	mcu_transport_free(b->t);
}

/* --- talking -------------------------------------------------------------------------------------- */

static void talk(const char *address, bool one_socket, bool mux, bool secure)
{
	End a, b;

	open_end(&a, address, one_socket);
	open_end(&b, address, one_socket);
	point_at(&a, &b, mux, secure ? 1 : 0, secure ? 2 : 0);
	point_at(&b, &a, mux, secure ? 2 : 0, secure ? 1 : 0);
	for (uint16_t i = 0; i < 300; i++)
		send_rtp(&a, 7, i);
	send_rtcp(&a);
	wait_for(&b.n_rtp, 300);
	wait_for(&b.n_rtcp, 1);
	for (unsigned i = 0; i < 300; i++)
		g_assert_cmpuint(b.seqs[i], ==, i);
	g_assert_cmpuint(b.n_latched, ==, 1);
	send_rtp(&b, 8, 1);
	send_rtp(&b, 8, 2);
	send_rtp(&b, 8, 3);
	send_rtcp(&b);
	wait_for(&a.n_rtp, 3);
	wait_for(&a.n_rtcp, 1);
	McuTransportStats sa = stats_of(&a), sb = stats_of(&b);
	g_assert_cmpuint(sa.tx_packets, ==, 301);
	g_assert_cmpuint(sa.tx_dropped + sa.tx_errors + sb.rx_malformed + sb.rx_foreign, ==, 0);
	g_assert_cmpuint(sb.rx_packets, ==, 301);
	g_assert_true(sa.latched && sb.latched && sb.secure == secure);
	g_assert_cmpint(sb.last_rx_ns, >, 0);
	close_ends(&a, &b);
}

static void test_talk(void)
{
	talk("127.0.0.1", false, false, false);
	talk("127.0.0.1", false, true, false);
	talk("127.0.0.1", true, true, true);
	talk("127.0.0.1", false, false, true);
}

static void test_talk_ipv6(void)
{
	/* a host without IPv6 cannot bind ::1; the address code is then covered by test_net_latch only */
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool have = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;

	if (fd >= 0)
		close(fd);
	if (have)
		talk("::1", false, false, true);
}

static void test_sockets(void)
{
	McuTransportLocal local;
	End a, b;

	open_end(&a, "127.0.0.1", false);
	open_end(&b, "127.0.0.1", true);
	mcu_transport_local(a.t, &local);
	g_assert_cmpuint(local.rtp_port % 2, ==, 0);
	g_assert_cmpuint(local.rtcp_port, ==, local.rtp_port + 1);
	g_assert_cmpuint(local.rtp_port, >=, PORT_MIN);
	g_assert_cmpuint(local.rtcp_port, <=, PORT_MAX);
	mcu_transport_local(b.t, &local);
	g_assert_cmpuint(local.rtcp_port, ==, local.rtp_port);

	/* every socket we opened is close-on-exec and marked EF */
	unsigned found = 0;
	for (int fd = 3; fd < 64; fd++) {
		McuSockAddr addr;
		socklen_t len = sizeof(addr), tos_len = sizeof(int);
		int tos = 0;

		if (getsockname(fd, &addr.sa, &len) < 0 || addr.sa.sa_family != AF_INET)
			continue;
		g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
		g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, O_NONBLOCK);
		g_assert_cmpint(getsockopt(fd, IPPROTO_IP, IP_TOS, &tos, &tos_len), ==, 0);
		g_assert_cmpint(tos, ==, IPTOS_DSCP_EF);
		found++;
	}
	g_assert_cmpuint(found, ==, 3);
	close_ends(&a, &b);
}

static void test_ports(void)
{
	const McuTransportHandler none = { 0 };
	McuUdpParams params = { .address = "127.0.0.1", .port_min = 22001, .port_max = 22009 };
	McuTransport *t[5] = { NULL };
	McuDiag diag = { 0 };

	for (unsigned i = 0; i < 4; i++)
		g_assert_cmpint(mcu_udp_new(&params, &none, NULL, &t[i], &diag), ==, 0);
	g_assert_cmpint(mcu_udp_new(&params, &none, NULL, &t[4], &diag), ==, -ENOSPC);
	g_assert_nonnull(strstr(diag.text, "all 4 port pairs of 22001-22009"));
	g_assert_null(t[4]);
	/* what is freed can be had again */
	mcu_transport_free(t[2]);
	g_assert_cmpint(mcu_udp_new(&params, &none, NULL, &t[2], &diag), ==, 0);
	for (unsigned i = 0; i < 4; i++)
		mcu_transport_free(t[i]);

	/* half a pair in use: the pair is skipped */
	McuUdpParams pair = { .address = "127.0.0.1", .port_min = 22010, .port_max = 22013 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	McuSockAddr odd;
	McuTransportLocal local;
	g_assert_cmpint(mcu_sock_addr_parse("127.0.0.1", 22011, &odd), ==, 0);
	g_assert_cmpint(bind(fd, &odd.sa, mcu_sock_addr_len(&odd)), ==, 0);
	for (unsigned i = 0; i < 10; i++) {
		g_assert_cmpint(mcu_udp_new(&pair, &none, NULL, &t[0], &diag), ==, 0);
		mcu_transport_local(t[0], &local);
		g_assert_cmpuint(local.rtp_port, ==, 22012);
		mcu_transport_free(t[0]);
	}
	close(fd);

	params.port_max = 22001;
	g_assert_cmpint(mcu_udp_new(&params, &none, NULL, &t[0], &diag), ==, -EINVAL);
	params.port_max = 22009;
	params.address = "example.org";
	g_assert_cmpint(mcu_udp_new(&params, &none, NULL, &t[0], &diag), ==, -EINVAL);
	params.address = "192.0.2.1";
	g_assert_cmpint(mcu_udp_new(&params, &none, NULL, &t[0], &diag), ==, -EINVAL);
	g_assert_nonnull(strstr(diag.text, "no address of this machine"));
}

/* --- a rogue on the wire --------------------------------------------------------------------------- */

static int rogue_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	McuSockAddr any;

	g_assert_cmpint(mcu_sock_addr_parse("127.0.0.1", 0, &any), ==, 0);
	g_assert_cmpint(bind(fd, &any.sa, mcu_sock_addr_len(&any)), ==, 0);
	return fd;
}

static void rogue_send(int fd, const End *victim, const void *bytes, size_t len, bool to_rtcp)
{
	McuTransportLocal local;
	McuSockAddr to;

	mcu_transport_local(victim->t, &local);
	g_assert_cmpint(mcu_sock_addr_parse(local.address, to_rtcp ? local.rtcp_port : local.rtp_port,
					    &to),
			==, 0);
	g_assert_cmpint(sendto(fd, bytes, len, 0, &to.sa, mcu_sock_addr_len(&to)), ==, (int)len);
}

static void test_rogue_plain(void)
{
	End a, b;
	int rogue = rogue_socket();
	uint8_t bytes[32];

	open_end(&a, "127.0.0.1", false);
	open_end(&b, "127.0.0.1", false);
	point_at(&a, &b, false, 0, 0);
	point_at(&b, &a, false, 0, 0);
	for (uint16_t i = 0; i < 3; i++)
		send_rtp(&a, 7, i);
	wait_for(&b.n_rtp, 3);
	for (uint16_t i = 0; i < 10; i++) {
		put_rtp(bytes, 666, i);
		rogue_send(rogue, &b, bytes, sizeof(bytes), false);
	}
	send_rtp(&a, 7, 3);
	wait_for(&b.n_rtp, 4);
	settle();
	g_assert_cmpuint(b.n_rtp, ==, 4);
	g_assert_cmpuint(b.last_ssrc, ==, 7);
	g_assert_cmpuint(stats_of(&b).rx_foreign, ==, 10);
	g_assert_cmpuint(b.n_latched, ==, 1);
	/* rubbish is counted, on both ports */
	rogue_send(rogue, &b, "\x00\x01rubbish", 9, false);
	rogue_send(rogue, &b, bytes, sizeof(bytes), true);
	rogue_send(rogue, &b, "", 0, false);
	uint8_t large[MCU_PACKET_MAX + 100] = { 0x80, 96 };
	rogue_send(rogue, &b, large, sizeof(large), false);
	settle();
	g_assert_cmpuint(stats_of(&b).rx_malformed, ==, 4);
	close(rogue);
	close_ends(&a, &b);
}

/* SRTP: whoever authenticates first is the peer, also from another port than negotiated. */
static void test_rogue_secure(void)
{
	End a, b, other;
	int rogue = rogue_socket();
	uint8_t bytes[32];

	open_end(&a, "127.0.0.1", true);
	open_end(&b, "127.0.0.1", true);
	open_end(&other, "127.0.0.1", true);
	point_at(&b, &other, true, 2, 1); /* the description names the wrong port */
	point_at(&a, &b, true, 1, 2);
	for (uint16_t i = 0; i < 10; i++) {
		put_rtp(bytes, 666, i);
		rogue_send(rogue, &b, bytes, sizeof(bytes), false);
	}
	settle();
	g_assert_cmpuint(b.n_rtp + b.n_latched, ==, 0);
	g_assert_cmpuint(stats_of(&b).rx_auth_failed, ==, 10);
	send_rtp(&a, 7, 1);
	wait_for(&b.n_rtp, 1);
	g_assert_cmpuint(b.n_latched, ==, 1);
	McuTransportLocal local;
	mcu_transport_local(a.t, &local);
	g_assert_cmpuint(b.source.port, ==, local.rtp_port);
	send_rtp(&b, 8, 1);
	wait_for(&a.n_rtp, 1);
	g_assert_cmpuint(other.n_rtp, ==, 0);
	mcu_transport_free(other.t);
	close(rogue);
	close_ends(&a, &b);
}

/* New keys by re-offer; the same keys keep the state (an old packet stays a replay). */
static void test_rekey(void)
{
	End a, b;

	open_end(&a, "127.0.0.1", true);
	open_end(&b, "127.0.0.1", true);
	point_at(&a, &b, true, 1, 2);
	point_at(&b, &a, true, 2, 1);
	send_rtp(&a, 7, 1);
	wait_for(&b.n_rtp, 1);
	point_at(&b, &a, true, 2, 1);
	g_assert_true(stats_of(&b).latched);
	send_rtp(&a, 7, 1);
	settle();
	g_assert_cmpuint(b.n_rtp, ==, 1);
	g_assert_cmpuint(stats_of(&b).rx_replayed, ==, 1);
	point_at(&b, &a, true, 2, 3);
	send_rtp(&a, 7, 2);
	settle();
	g_assert_cmpuint(stats_of(&b).rx_auth_failed, ==, 1);
	point_at(&a, &b, true, 3, 2);
	send_rtp(&a, 7, 3);
	wait_for(&b.n_rtp, 2);
	/* and back to plain */
	point_at(&a, &b, true, 0, 0);
	point_at(&b, &a, true, 0, 0);
	send_rtp(&a, 7, 4);
	wait_for(&b.n_rtp, 3);
	g_assert_false(stats_of(&b).secure);
	close_ends(&a, &b);
}

/* Where the peer is was not told: its packets show it, and RTCP is next to RTP. */
static void test_unknown_place(void)
{
	McuTransportRemote nowhere = { .rtcp_mux = false };
	McuDiag diag = { 0 };
	End a, b;

	open_end(&a, "127.0.0.1", false);
	open_end(&b, "127.0.0.1", false);
	g_assert_cmpint(mcu_transport_set_remote(b.t, &nowhere, &diag), ==, 0);
	g_assert_cmpint(mcu_transport_send_rtcp(b.t, rtcp_packet(2)), ==, -EPIPE);
	point_at(&a, &b, false, 0, 0);
	for (uint16_t i = 0; i < MCU_NET_LATCH_PACKETS; i++)
		send_rtp(&a, 7, i);
	wait_for(&b.n_rtp, MCU_NET_LATCH_PACKETS);
	for (uint16_t i = 0; i < MCU_NET_LATCH_PACKETS; i++)
		send_rtp(&b, 8, i);
	send_rtcp(&b);
	wait_for(&a.n_rtp, MCU_NET_LATCH_PACKETS);
	wait_for(&a.n_rtcp, 1);
	close_ends(&a, &b);
}

static void test_misuse(void)
{
	McuTransportRemote remote = { .address = "127.0.0.1", .rtp_port = 9, .rtcp_port = 10 };
	McuDiag diag = { 0 };
	End a;

	open_end(&a, "127.0.0.1", true);
	/* nowhere to send yet */
	g_assert_cmpint(mcu_transport_send_rtp(a.t, rtp_packet(1, 1)), ==, -EPIPE);
	g_assert_cmpint(mcu_transport_send_rtcp(a.t, rtcp_packet(1)), ==, -EPIPE);
	g_assert_cmpuint(stats_of(&a).tx_unaddressed, ==, 2);
	g_assert_cmpint(mcu_transport_set_remote(a.t, &remote, &diag), ==, -ENOTSUP);
	remote.rtcp_mux = true;
	remote.send_key = key_of(1);
	g_assert_cmpint(mcu_transport_set_remote(a.t, &remote, &diag), ==, -EINVAL);
	remote.send_key.suite = 0;
	g_strlcpy(remote.address, "::1", sizeof(remote.address));
	g_assert_cmpint(mcu_transport_set_remote(a.t, &remote, &diag), ==, -EINVAL);
	g_strlcpy(remote.address, "name.example", sizeof(remote.address));
	g_assert_cmpint(mcu_transport_set_remote(a.t, &remote, &diag), ==, -EINVAL);
	remote.address[0] = '\0';
	g_assert_cmpint(mcu_transport_set_remote(a.t, &remote, &diag), ==, 0);
	g_strlcpy(remote.address, "127.0.0.1", sizeof(remote.address));
	g_assert_cmpint(mcu_transport_set_remote(a.t, &remote, &diag), ==, 0);
	/* nobody listens there: counted at most, the transport lives */
	for (uint16_t i = 0; i < 400; i++)
		send_rtp(&a, 1, i);
	mcu_transport_flush(a.t);
	settle();
	McuTransportStats s = stats_of(&a);
	g_assert_cmpuint(s.tx_packets + s.tx_errors + s.tx_dropped, >=, 400);
	g_assert_cmpuint(s.remote.port, ==, 9);
	g_assert_cmpint(mcu_transport_send_rtp(a.t, rtcp_packet(1)), ==, -EINVAL);
	g_assert_cmpint(mcu_transport_send_rtcp(a.t, rtp_packet(1, 1)), ==, -EINVAL);
	mcu_transport_free(a.t);
	mcu_transport_free(NULL);
}

/* One wake-up handles a bounded number of packets. */
static void test_bounded_wake(void)
{
	int rogue = rogue_socket();
	uint8_t bytes[32];
	End a, b;

	open_end(&a, "127.0.0.1", true);
	open_end(&b, "127.0.0.1", true);
	point_at(&a, &b, true, 0, 0);
	for (unsigned i = 0; i < 200; i++) {
		put_rtp(bytes, 5, (uint16_t)i);
		rogue_send(rogue, &a, bytes, sizeof(bytes), false);
	}
	g_main_context_iteration(NULL, FALSE);
	g_assert_cmpuint(a.n_rtp, >, 0);
	g_assert_cmpuint(a.n_rtp, <=, MCU_NET_MAX_PER_WAKE);
	settle();
	g_assert_cmpuint(a.n_rtp, >, MCU_NET_MAX_PER_WAKE);
	close(rogue);
	close_ends(&a, &b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/net/udp/talk", test_talk);
	g_test_add_func("/net/udp/talk-ipv6", test_talk_ipv6);
	g_test_add_func("/net/udp/sockets", test_sockets);
	g_test_add_func("/net/udp/ports", test_ports);
	g_test_add_func("/net/udp/rogue-plain", test_rogue_plain);
	g_test_add_func("/net/udp/rogue-secure", test_rogue_secure);
	g_test_add_func("/net/udp/rekey", test_rekey);
	g_test_add_func("/net/udp/unknown-place", test_unknown_place);
	g_test_add_func("/net/udp/misuse", test_misuse);
	g_test_add_func("/net/udp/bounded-wake", test_bounded_wake);
	return g_test_run();
}
