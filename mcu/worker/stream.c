#include "worker/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/udp.h"

/* RTCP: the first report goes out soon, because lip sync waits for it; then about one a second. */
#define RTCP_FIRST_NS (100 * MCU_NS_PER_MS)
#define RTCP_INTERVAL_NS MCU_NS_PER_SEC
/* Packets in a row that another SSRC must show while the current one still sends. */
#define SSRC_TAKEOVER_PACKETS 5
#define SSRC_QUIET_NS (200 * MCU_NS_PER_MS)
/* RTP time that moves further from one packet to the next is another time line. */
#define RTP_JUMP_S 10

static uint32_t random_u32(void)
{
	uint32_t v;

	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		v = g_random_int();
	return v;
}

bool mcu_stream_sends(const McuStream *s)
{
	return s->open && mcu_sdp_direction_sends(s->neg.direction);
}

bool mcu_stream_receives(const McuStream *s)
{
	return s->open && mcu_sdp_direction_receives(s->neg.direction);
}

void mcu_stream_event(McuStream *s, const char *event, GVariant *detail)
{
	s->env->event(s->env->data, s->env->leg, event, detail);
}

/* --- in --- */

unsigned mcu_stream_clock_hz(const McuStream *s, uint8_t pt)
{
	for (size_t i = 0; i < s->neg.n_recv_pts; i++) {
		McuCodec codec = s->neg.recv_pts[i].codec;
		if (s->neg.recv_pts[i].pt == pt && codec != MCU_CODEC_CN &&
		    codec != MCU_CODEC_TELEPHONE_EVENT)
			return mcu_codec_clock_hz(codec);
	}
	return 0;
}

static void begin_receiver(McuStream *s, uint32_t ssrc, unsigned clock_hz)
{
	const McuRtpReceiverConfig config = {
		.ssrc = ssrc,
		.clock_hz = clock_hz,
		.reorder = s->neg.kind != MCU_SDP_AUDIO,
		.nack = s->neg.feedback & MCU_SDP_FB_NACK,
	};

	mcu_rtp_receiver_free(s->rx);
	s->rx = mcu_rtp_receiver_new(&config);
	s->rx_ssrc = ssrc;
	s->rx_clock_hz = clock_hz;
	s->rtp_started = false;
	s->next_ssrc_count = 0;
	s->ops->restart(s);
}

/* Which SSRC is listened to: the first; another one when that is quiet, or when it insists. A codec
 * with another clock begins anew: its times cannot be compared with those before. */
static bool accept_source(McuStream *s, const McuRtpHeader *hdr, int64_t now)
{
	unsigned clock_hz = mcu_stream_clock_hz(s, hdr->pt);
	bool same = s->rx && hdr->ssrc == s->rx_ssrc;

	if (same && (!clock_hz || clock_hz == s->rx_clock_hz)) {
		s->next_ssrc_count = 0;
		return true;
	}
	if (s->rx && !same && now - s->last_rtp_ns < SSRC_QUIET_NS) {
		s->next_ssrc_count = hdr->ssrc == s->next_ssrc ? s->next_ssrc_count + 1 : 1;
		s->next_ssrc = hdr->ssrc;
		if (s->next_ssrc_count < SSRC_TAKEOVER_PACKETS)
			return false;
	}
	begin_receiver(s, hdr->ssrc, clock_hz ? clock_hz : mcu_codec_clock_hz(s->neg.codec));
	return true;
}

static void on_rtp(McuPacket *pkt, void *data)
{
	McuStream *s = data;
	McuRtpHeader hdr;
	int64_t now = pkt->arrival_ns;

	if (!s->open)
		return;
	if (mcu_rtp_header_parse(pkt->data, pkt->len, &hdr) < 0) {
		s->rx_invalid++;
		return;
	}
	if (!accept_source(s, &hdr, now))
		return;
	s->last_rtp_ns = now;
	if (!s->established) {
		s->established = true;
		mcu_stream_event(s, "established", NULL);
		mcu_timer_set_earlier(s->rtcp_timer, now + RTCP_FIRST_NS);
	}
	s->ops->rtp(s, pkt, &hdr, now);
}

static void on_nack(McuStream *s, const McuRtcpItem *item, int64_t now)
{
	for (unsigned i = 0; i < item->n; i++) {
		McuPacket *pkt;
		if (mcu_rtp_sender_resend(s->tx, item->seqs[i], now, &pkt) == 0)
			(void)mcu_transport_send_rtp(s->transport, pkt);
	}
	s->nack_in += item->n;
}

static void on_blocks(McuStream *s, const McuRtcpItem *item)
{
	McuRtpSenderStats stats;

	if (!s->tx)
		return;
	for (unsigned i = 0; i < item->n; i++)
		mcu_rtp_sender_block(s->tx, &item->blocks[i], mcu_now_ntp());
	mcu_rtp_sender_stats(s->tx, &stats);
	if (s->rx && stats.rtt_ms > 0)
		mcu_rtp_receiver_set_rtt(s->rx, (int64_t)(stats.rtt_ms * 1e6));
}

static void on_bye(McuStream *s, const McuRtcpItem *item)
{
	for (unsigned i = 0; i < item->n; i++) {
		if (!s->rx || item->ssrcs[i] != s->rx_ssrc)
			continue;
		g_clear_pointer(&s->rx, mcu_rtp_receiver_free);
		if (s->ops->ended)
			s->ops->ended(s);
	}
}

static void on_rtcp(McuPacket *pkt, void *data)
{
	McuStream *s = data;
	McuRtcpIter it = mcu_rtcp_iter(pkt->data, pkt->len);
	McuRtcpItem item;
	int r;

	if (!s->open)
		return;
	while ((r = mcu_rtcp_next(&it, &item)) == 0) {
		if (item.type == MCU_RTCP_SR && s->rx && item.sender_ssrc == s->rx_ssrc)
			mcu_rtp_receiver_sr(s->rx, &item.info, pkt->arrival_ns);
		if (item.type == MCU_RTCP_SR || item.type == MCU_RTCP_RR)
			on_blocks(s, &item);
		else if (item.type == MCU_RTCP_NACK && s->tx && item.media_ssrc == s->ssrc)
			on_nack(s, &item, pkt->arrival_ns);
		else if (item.type == MCU_RTCP_BYE)
			on_bye(s, &item);
		else if (s->ops->feedback)
			s->ops->feedback(s, &item, pkt->arrival_ns);
	}
	if (r != -EAGAIN)
		s->rx_invalid++;
}

/* The peer is not where its SDP says (NAT): the keyframe sent there was lost. */
static void on_latched(const McuNetAddress *source, void *data)
{
	McuStream *s = data;

	if (s->open && s->neg.kind == MCU_SDP_VIDEO &&
	    (source->port != s->neg.remote_rtp_port ||
	     strcmp(source->host, s->neg.remote_address) != 0))
		mcu_video_stream_keyframe_requested(s);
}

static void on_error(int err, const McuDiag *why, void *data)
{
	McuStream *s = data;
	GVariantDict d;

	mcu_warning(s->env->ctx, "%s transport: %s (%s)", s->ops->name, why->text, mcu_err_name(err));
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "reason", "s", why->text);
	mcu_stream_event(s, "failed", g_variant_dict_end(&d));
}

/* Before the first sender report: the RTP time itself, unwrapped, is a clock as even as any. */
static int64_t rtp_time_ns(McuStream *s, uint32_t ts)
{
	int64_t hz = s->rx_clock_hz, step = mcu_diff32(ts, s->rtp_last_ts);

	if (!s->rtp_started || ABS(step) > RTP_JUMP_S * hz) {
		s->rtp_started = true;
		s->rtp_time = step = 0;
		s->rtp_map = (McuRtpClockMap){ 0 };
	}
	s->rtp_time += step;
	s->rtp_last_ts = ts;
	return s->rtp_time / hz * MCU_NS_PER_SEC + s->rtp_time % hz * MCU_NS_PER_SEC / hz;
}

int64_t mcu_stream_capture_ns(McuStream *s, uint32_t ts, int64_t arrival_ns)
{
	int64_t capture, local = arrival_ns;
	McuRtpClockMap *map = s->env->clock_map;

	if (!s->rx)
		return arrival_ns;
	if (!mcu_rtp_receiver_capture_ns(s->rx, ts, &capture)) {
		capture = rtp_time_ns(s, ts);
		map = &s->rtp_map;
	}
	mcu_rtp_clock_map_update(map, capture, arrival_ns);
	(void)mcu_rtp_clock_map_local(map, capture, &local);
	return local;
}

/* --- out --- */

void mcu_stream_send(McuStream *s, McuPacket *payload, uint32_t media_ts, int64_t capture_ns)
{
	McuPacket *pkt;

	if (mcu_rtp_sender_packet(s->tx, payload, media_ts, capture_ns, &pkt) == 0)
		(void)mcu_transport_send_rtp(s->transport, pkt); /* counted there */
}

/* A block ends a loss interval. Feedback may come every few packets, and what is lost of those few
 * would look like heavy loss to the peer: between two regular reports it goes without. */
static void build_report(McuStream *s, McuRtcpBuilder *b, int64_t now, bool regular)
{
	McuRtcpBlock block;
	McuRtcpSenderInfo info;
	bool due = regular || now - s->last_report_ns >= RTCP_INTERVAL_NS / 2;
	size_t n = due && s->rx && mcu_rtp_receiver_report(s->rx, now, &block) ? 1 : 0;

	if (n)
		s->last_report_ns = now;
	if (s->tx && mcu_rtp_sender_info(s->tx, now, mcu_now_ntp(), &info))
		mcu_rtcp_build_sr(b, s->ssrc, &info, &block, n);
	else
		mcu_rtcp_build_rr(b, s->ssrc, &block, n);
	mcu_rtcp_build_sdes(b, s->ssrc, s->env->cname);
}

void mcu_stream_send_feedback(McuStream *s, void (*fill)(McuStream *s, McuRtcpBuilder *b, void *data),
			      void *data)
{
	McuPacket *pkt = mcu_packet_new();
	McuRtcpBuilder b = mcu_rtcp_builder(pkt);

	build_report(s, &b, mcu_now_ns(), !fill);
	if (fill)
		fill(s, &b, data);
	if (mcu_rtcp_build_end(&b) < 0) {
		mcu_packet_unref(pkt);
		return;
	}
	(void)mcu_transport_send_rtcp(s->transport, pkt);
}

static void on_rtcp_timer(void *data)
{
	McuStream *s = data;
	int64_t now = mcu_now_ns();

	if (s->open)
		mcu_stream_send_feedback(s, NULL, NULL);
	if (s->open && s->ops->tick)
		s->ops->tick(s, now);
	/* RFC 3550 6.3.5: randomised between 0.5 and 1.5 of the interval */
	mcu_timer_set(s->rtcp_timer,
		      now + RTCP_INTERVAL_NS / 2 + (int64_t)(g_random_double() * RTCP_INTERVAL_NS));
}

static void add_bye(McuStream *s, McuRtcpBuilder *b, void *data)
{
	(void)data;
	mcu_rtcp_build_bye(b, &s->ssrc, 1, NULL);
}

/* RFC 7160 section 4: another clock rate, another SSRC. */
static void end_sender(McuStream *s)
{
	mcu_stream_send_feedback(s, add_bye, NULL);
	g_clear_pointer(&s->tx, mcu_rtp_sender_free);
	s->ssrc = random_u32();
}

/* INTEROP: baresip discards video whose time is before what it had from this leg, whatever the SSRC.
 * Media times of video are of a clock that a fresh worker shares with the killed one; so is this. */
static uint32_t timestamp_offset(const McuStream *s)
{
	return s->ops->kind == MCU_SDP_VIDEO ? g_str_hash(s->env->participant) : random_u32();
}

void mcu_stream_setup_sender(McuStream *s, bool keep_for_nack)
{
	unsigned clock_hz = mcu_codec_clock_hz(s->neg.codec);

	if (s->tx && s->tx_clock_hz != clock_hz)
		end_sender(s);
	if (s->tx) {
		mcu_rtp_sender_set_pt(s->tx, s->neg.send_pt);
		return;
	}
	const McuRtpSenderConfig config = {
		.ssrc = s->ssrc,
		.pt = s->neg.send_pt,
		.clock_hz = clock_hz,
		.first_seq = (uint16_t)random_u32(),
		.ts_offset = timestamp_offset(s),
		.keep_for_nack = keep_for_nack,
	};
	s->tx = mcu_rtp_sender_new(&config);
	s->tx_clock_hz = clock_hz;
}

/* --- life --- */

void mcu_stream_init(McuStream *s, const McuStreamOps *ops, const McuStreamEnv *env)
{
	s->ops = ops;
	s->env = env;
	s->ssrc = random_u32();
	s->rtcp_timer = mcu_timer_new(on_rtcp_timer, s);
}

static bool is_ipv6(const char *address)
{
	return strchr(address, ':') != NULL;
}

int mcu_stream_bind(McuStream *s, const char *address, bool video, McuDiag *reterr)
{
	static const McuTransportHandler handler = {
		.on_rtp = on_rtp,
		.on_rtcp = on_rtcp,
		.on_latched = on_latched,
		.on_error = on_error,
	};
	McuUdpParams params = {
		.address = address,
		.port_min = s->env->options->port_min,
		.port_max = s->env->options->port_max,
		.video = video,
	};
	McuTransportLocal local;
	int r = mcu_udp_new(&params, &handler, s, &s->transport, reterr);

	/* an address of a NAT in front of us cannot be bound, only told */
	if (r == -EINVAL || r == -EIO) {
		params.address = is_ipv6(address) ? "::" : "0.0.0.0";
		r = mcu_udp_new(&params, &handler, s, &s->transport, reterr);
	}
	if (r < 0)
		return r;
	mcu_transport_local(s->transport, &local);
	g_strlcpy(s->local_address, address, sizeof(s->local_address));
	s->local.address = s->local_address;
	s->local.rtp_port = local.rtp_port;
	s->local.rtcp_port = local.rtcp_port;
	for (size_t i = 0; i < sizeof(s->local.random); i += sizeof(uint32_t)) {
		uint32_t v = random_u32();
		memcpy(s->local.random + i, &v, MIN(sizeof(v), sizeof(s->local.random) - i));
	}
	return 0;
}

int mcu_stream_check(McuStream *s, const McuSdpStream *neg, McuDiag *reterr)
{
	return s->ops->check ? s->ops->check(s, neg, reterr) : 0;
}

int mcu_stream_apply(McuStream *s, const McuSdpStream *neg, McuDiag *reterr)
{
	McuTransportRemote remote = {
		.rtp_port = neg->remote_rtp_port,
		.rtcp_port = neg->remote_rtcp_port,
		.rtcp_mux = neg->rtcp_mux,
		.send_key = neg->send_key,
		.recv_key = neg->recv_key,
	};
	int r;

	/* INTEROP: Linphone gives its IPv6 address in a call over IPv4, and takes both. Where it
	 * can be reached is seen from its packets. */
	if (is_ipv6(neg->remote_address) == is_ipv6(s->local_address))
		g_strlcpy(remote.address, neg->remote_address, sizeof(remote.address));
	r = mcu_transport_set_remote(s->transport, &remote, reterr);
	explicit_bzero(&remote, sizeof(remote));
	if (r < 0)
		return r;
	s->neg = *neg;
	s->open = true;
	r = s->ops->apply(s, reterr);
	if (r < 0) {
		s->open = false;
		return r;
	}
	mcu_timer_set_earlier(s->rtcp_timer, mcu_now_ns() + RTCP_FIRST_NS);
	return 0;
}

void mcu_stream_free(McuStream *s)
{
	if (!s)
		return;
	if (s->open)
		mcu_stream_send_feedback(s, add_bye, NULL);
	s->open = false;
	mcu_timer_free(s->rtcp_timer);
	s->ops->free(s);
	mcu_transport_free(s->transport);
	mcu_rtp_sender_free(s->tx);
	mcu_rtp_receiver_free(s->rx);
	explicit_bzero(&s->neg, sizeof(s->neg));
	explicit_bzero(&s->local, sizeof(s->local));
	g_free(s);
}

/* --- statistics --- */

static void sender_stats(const McuStream *s, GVariantDict *d)
{
	McuRtpSenderStats tx;

	if (!s->tx)
		return;
	mcu_rtp_sender_stats(s->tx, &tx);
	g_variant_dict_insert(d, "tx-packets", "t", tx.packets);
	g_variant_dict_insert(d, "tx-bytes", "t", tx.bytes);
	g_variant_dict_insert(d, "tx-resent", "t", tx.resent);
	g_variant_dict_insert(d, "tx-loss-ratio", "d", tx.loss_ratio);
	g_variant_dict_insert(d, "tx-jitter-ms", "d", tx.jitter_ms);
	g_variant_dict_insert(d, "rtt-ms", "d", tx.rtt_ms);
	g_variant_dict_insert(d, "nack-in", "t", s->nack_in);
	g_variant_dict_insert(d, "pli-in", "t", s->pli_in);
	g_variant_dict_insert(d, "fir-in", "t", s->fir_in);
	g_variant_dict_insert(d, "tmmbr-in", "t", s->tmmbr_in);
}

static void receiver_stats(const McuStream *s, GVariantDict *d)
{
	McuRtpReceiverStats rx;

	if (!s->rx)
		return;
	mcu_rtp_receiver_stats(s->rx, &rx);
	g_variant_dict_insert(d, "rx-packets", "t", rx.packets);
	g_variant_dict_insert(d, "rx-bytes", "t", rx.bytes);
	g_variant_dict_insert(d, "rx-lost", "t", rx.lost);
	g_variant_dict_insert(d, "rx-late", "t", rx.late);
	g_variant_dict_insert(d, "rx-reordered", "t", rx.reordered);
	g_variant_dict_insert(d, "rx-recovered", "t", rx.recovered);
	g_variant_dict_insert(d, "rx-jitter-ms", "d", rx.jitter_ms);
	g_variant_dict_insert(d, "rx-loss-ratio", "d", rx.loss_ratio);
	g_variant_dict_insert(d, "nack-out", "t", s->nack_out);
	g_variant_dict_insert(d, "pli-out", "t", s->pli_out);
	g_variant_dict_insert(d, "fir-out", "t", s->fir_out);
}

static void transport_stats(const McuStream *s, GVariantDict *d)
{
	McuTransportStats t;
	g_autofree char *remote = NULL;

	mcu_transport_stats(s->transport, &t);
	remote = g_strdup_printf("%s:%u", t.remote.host, t.remote.port);
	g_variant_dict_insert(d, "remote", "s", remote);
	g_variant_dict_insert(d, "latched", "b", t.latched);
	g_variant_dict_insert(d, "secure", "b", t.secure);
	g_variant_dict_insert(d, "rx-foreign", "t", t.rx_foreign);
	g_variant_dict_insert(d, "rx-malformed", "t", t.rx_malformed + s->rx_invalid);
	g_variant_dict_insert(d, "rx-auth-failed", "t", t.rx_auth_failed);
	g_variant_dict_insert(d, "rx-replayed", "t", t.rx_replayed);
	g_variant_dict_insert(d, "tx-dropped", "t", t.tx_dropped);
	g_variant_dict_insert(d, "tx-errors", "t", t.tx_errors);
}

GVariant *mcu_stream_stats(McuStream *s)
{
	GVariantDict d;

	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "kind", "s", s->ops->name);
	g_variant_dict_insert(&d, "codec", "s", mcu_codec_name(s->neg.codec));
	g_variant_dict_insert(&d, "direction", "s", mcu_sdp_direction_name(s->neg.direction));
	if (s->neg.secure)
		g_variant_dict_insert(&d, "suite", "s", mcu_srtp_suite_name(s->neg.send_key.suite));
	sender_stats(s, &d);
	receiver_stats(s, &d);
	transport_stats(s, &d);
	s->ops->stats(s, &d);
	return g_variant_dict_end(&d);
}
