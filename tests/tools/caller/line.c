#include "line.h"

#include <stdio.h>

#include "base/clock.h"
#include "json.h"
#include "net/udp.h"

#define PORT_MIN  40000
#define PORT_MAX  59998
#define CNAME     "mcu-caller"
#define REPORT_NS (1000 * MCU_NS_PER_MS)
#define WAIT_NS   (120 * MCU_NS_PER_MS)
#define MAX_NACKS 64

typedef struct Counters {
	uint64_t nack_in, pli_in, fir_in, tmmbr_in, sr_in, rr_in, bye_in;
	uint64_t nack_out, pli_out, fir_out, malformed, foreign_pt;
} Counters;

struct McuLine {
	McuLineConfig config;
	McuTransport *transport;
	McuSdpLocal local;
	char address[MCU_NET_ADDRESS_MAX];
	McuSdpStream stream;
	bool silent, ended;

	/* --- sending --- */
	McuRtpSender *tx;
	McuImpair out;
	uint32_t ssrc;
	uint8_t fir_seq;
	McuRtcpFirSeen fir_seen;

	/* --- receiving --- */
	McuRtpReceiver *rx;
	McuImpair in;
	uint32_t remote_ssrc;
	bool restarted;
	unsigned sources;
	int64_t first_ns, last_ns, next_report_ns;
	McuRtpReceiverStats before; /* of sources that are gone */
	Counters count;
};

/* --- receiving --- */

static void add_stats(McuRtpReceiverStats *sum, const McuRtpReceiverStats *s)
{
	sum->packets += s->packets;
	sum->bytes += s->bytes;
	sum->lost += s->lost;
	sum->duplicates += s->duplicates;
	sum->reordered += s->reordered;
	sum->late += s->late;
	sum->given_up += s->given_up;
	sum->nacked += s->nacked;
	sum->recovered += s->recovered;
	sum->restarts += s->restarts;
	sum->jitter_ms = s->jitter_ms;
}

static void drop_receiver(McuLine *l)
{
	McuRtpReceiverStats stats;

	if (!l->rx)
		return;
	mcu_rtp_receiver_stats(l->rx, &stats);
	add_stats(&l->before, &stats);
	g_clear_pointer(&l->rx, mcu_rtp_receiver_free);
}

static void take_source(McuLine *l, uint32_t ssrc)
{
	McuRtpReceiverConfig config = {
		.ssrc = ssrc,
		.clock_hz = mcu_codec_clock_hz(l->stream.codec),
		.reorder = true,
		.nack = l->stream.feedback & MCU_SDP_FB_NACK,
		.wait_ns = l->stream.feedback & MCU_SDP_FB_NACK ? 2 * WAIT_NS : WAIT_NS,
	};

	drop_receiver(l);
	l->rx = mcu_rtp_receiver_new(&config);
	l->remote_ssrc = ssrc;
	l->sources++;
	l->restarted = true;
}

static void give_out(McuLine *l, int64_t now_ns)
{
	McuRtpReceived media;

	while (l->rx && mcu_rtp_receiver_next(l->rx, now_ns, &media) == 0) {
		l->config.handler.on_media(l->config.data, &media, l->restarted);
		l->restarted = false;
		mcu_packet_unref(media.pkt);
	}
}

static bool known_pt(const McuSdpStream *s, uint8_t pt)
{
	for (size_t i = 0; i < s->n_recv_pts; i++)
		if (s->recv_pts[i].pt == pt)
			return true;
	return false;
}

static void receive(void *data, McuPacket *packet)
{
	McuLine *l = data;
	g_autoptr(McuPacket) pkt = packet;
	McuRtpHeader hdr;

	if (mcu_rtp_header_parse(pkt->data, pkt->len, &hdr) < 0) {
		l->count.malformed++;
		return;
	}
	if (!known_pt(&l->stream, hdr.pt)) {
		l->count.foreign_pt++;
		return;
	}
	if (!l->rx || hdr.ssrc != l->remote_ssrc)
		take_source(l, hdr.ssrc);
	if (!l->first_ns)
		l->first_ns = pkt->arrival_ns;
	l->last_ns = pkt->arrival_ns;
	/* duplicates and late packets are in the receiver's statistics */
	(void)!mcu_rtp_receiver_put(l->rx, pkt, &hdr, pkt->arrival_ns);
	give_out(l, pkt->arrival_ns);
}

static void on_rtp(McuPacket *pkt, void *data)
{
	McuLine *l = data;

	if (l->stream.enabled && !l->ended)
		mcu_impair_pass(&l->in, mcu_packet_ref(pkt), receive, l);
}

static void resend(McuLine *l, const McuRtcpItem *item)
{
	l->count.nack_in++;
	for (unsigned i = 0; l->tx && i < item->n; i++) {
		McuPacket *pkt;

		if (mcu_rtp_sender_resend(l->tx, item->seqs[i], mcu_now_ns(), &pkt) == 0)
			mcu_transport_send_rtp(l->transport, pkt);
	}
}

static void handle_fir(McuLine *l, const McuRtcpItem *item)
{
	for (unsigned i = 0; i < item->n; i++)
		if (item->firs[i].ssrc == l->ssrc &&
		    mcu_rtcp_fir_is_new(&l->fir_seen, item->firs[i].seq)) {
			l->count.fir_in++;
			l->config.handler.on_keyframe_wanted(l->config.data);
		}
}

static void handle_rtcp(McuLine *l, const McuRtcpItem *item)
{
	switch (item->type) {
	case MCU_RTCP_SR:
		l->count.sr_in++;
		if (l->rx && item->sender_ssrc == l->remote_ssrc)
			mcu_rtp_receiver_sr(l->rx, &item->info, mcu_now_ns());
		break;
	case MCU_RTCP_RR:
		l->count.rr_in++;
		break;
	case MCU_RTCP_NACK:
		resend(l, item);
		break;
	case MCU_RTCP_PLI:
		l->count.pli_in++;
		l->config.handler.on_keyframe_wanted(l->config.data);
		break;
	case MCU_RTCP_FIR:
		handle_fir(l, item);
		break;
	case MCU_RTCP_TMMBR:
		l->count.tmmbr_in++;
		break;
	case MCU_RTCP_BYE:
		l->count.bye_in++;
		break;
	default:
		break;
	}
	if (item->type == MCU_RTCP_SR || item->type == MCU_RTCP_RR)
		for (unsigned i = 0; l->tx && i < item->n; i++)
			mcu_rtp_sender_block(l->tx, &item->blocks[i], mcu_now_ntp());
}

static void on_rtcp(McuPacket *pkt, void *data)
{
	McuLine *l = data;
	McuRtcpIter it = mcu_rtcp_iter(pkt->data, pkt->len);
	McuRtcpItem item;
	int r;

	if (l->ended)
		return;
	while ((r = mcu_rtcp_next(&it, &item)) == 0)
		handle_rtcp(l, &item);
	if (r == -EINVAL)
		l->count.malformed++;
}

static void on_error(int err, const McuDiag *why, void *data)
{
	McuLine *l = data;

	(void)err;
	mcu_report_log(l->config.report, "transport-error", 0, why ? why->text : NULL);
}

/* --- life --- */

int mcu_line_new(const McuLineConfig *config, McuLine **ret, McuDiag *reterr)
{
	g_autoptr(McuLine) l = g_new0(McuLine, 1);
	const McuUdpParams params = { .address = config->address,
				      .port_min = PORT_MIN,
				      .port_max = PORT_MAX,
				      .video = config->video };
	const McuTransportHandler handler = { .on_rtp = on_rtp,
					      .on_rtcp = on_rtcp,
					      .on_error = on_error };
	McuTransportLocal bound;
	int r;

	l->config = *config;
	l->ssrc = g_random_int();
	mcu_impair_init(&l->in, config->loss_in, config->reorder);
	mcu_impair_init(&l->out, config->loss_out, config->reorder);
	r = mcu_udp_new(&params, &handler, l, &l->transport, reterr);
	if (r < 0)
		return r;
	mcu_transport_local(l->transport, &bound);
	g_strlcpy(l->address, config->address, sizeof(l->address));
	l->local = (McuSdpLocal){ .address = l->address,
				  .rtp_port = bound.rtp_port,
				  .rtcp_port = bound.rtcp_port };
	for (size_t i = 0; i < sizeof(l->local.random); i++)
		l->local.random[i] = (uint8_t)g_random_int_range(0, 256);
	*ret = g_steal_pointer(&l);
	return 0;
}

void mcu_line_free(McuLine *l)
{
	if (!l)
		return;
	mcu_transport_free(l->transport);
	mcu_rtp_sender_free(l->tx);
	mcu_rtp_receiver_free(l->rx);
	mcu_impair_done(&l->in);
	mcu_impair_done(&l->out);
	g_free(l);
}

const McuSdpLocal *mcu_line_local(const McuLine *l)
{
	return &l->local;
}

const McuSdpStream *mcu_line_stream(const McuLine *l)
{
	return &l->stream;
}

int mcu_line_apply(McuLine *l, const McuSdpStream *s, McuDiag *reterr)
{
	McuTransportRemote remote = { .rtp_port = s->remote_rtp_port,
				      .rtcp_port = s->remote_rtcp_port,
				      .rtcp_mux = s->rtcp_mux,
				      .send_key = s->send_key,
				      .recv_key = s->recv_key };
	int r;

	l->stream = *s;
	if (!s->enabled)
		return 0;
	g_strlcpy(remote.address, s->remote_address, sizeof(remote.address));
	r = mcu_transport_set_remote(l->transport, &remote, reterr);
	if (r < 0)
		return r;
	if (!l->tx) {
		McuRtpSenderConfig config = { .ssrc = l->ssrc,
					      .pt = s->send_pt,
					      .clock_hz = mcu_codec_clock_hz(s->codec),
					      .first_seq = (uint16_t)g_random_int_range(0, 32768),
					      .ts_offset = g_random_int(),
					      .keep_for_nack = l->config.video };

		l->tx = mcu_rtp_sender_new(&config);
	}
	return 0;
}

/* --- sending --- */

bool mcu_line_may_send(const McuLine *l)
{
	return l->stream.enabled && l->tx && !l->silent && !l->ended && !l->stream.hold &&
	       mcu_sdp_direction_sends(l->stream.direction);
}

void mcu_line_set_silent(McuLine *l, bool silent)
{
	l->silent = silent;
}

static void send_rtp(void *data, McuPacket *pkt)
{
	McuLine *l = data;

	mcu_transport_send_rtp(l->transport, pkt);
}

void mcu_line_send(McuLine *l, uint8_t pt, McuPacket *payload, uint32_t media_ts)
{
	McuPacket *pkt;

	if (!mcu_line_may_send(l))
		return;
	mcu_rtp_sender_set_pt(l->tx, pt);
	if (mcu_rtp_sender_packet(l->tx, payload, media_ts, mcu_now_ns(), &pkt) == 0)
		mcu_impair_pass(&l->out, pkt, send_rtp, l);
}

/* A compound packet begins with a report (RFC 3550 section 6.1). */
static McuRtcpBuilder begin_rtcp(McuLine *l, McuPacket *pkt)
{
	McuRtcpBuilder b = mcu_rtcp_builder(pkt);
	McuRtcpSenderInfo info;
	McuRtcpBlock block;
	int64_t now_ns = mcu_now_ns();
	size_t n = l->rx && mcu_rtp_receiver_report(l->rx, now_ns, &block);

	if (l->tx && mcu_rtp_sender_info(l->tx, now_ns, mcu_now_ntp(), &info))
		mcu_rtcp_build_sr(&b, l->ssrc, &info, &block, n);
	else
		mcu_rtcp_build_rr(&b, l->ssrc, &block, n);
	mcu_rtcp_build_sdes(&b, l->ssrc, CNAME);
	return b;
}

static void end_rtcp(McuLine *l, McuRtcpBuilder *b)
{
	if (mcu_rtcp_build_end(b) == 0)
		mcu_transport_send_rtcp(l->transport, b->pkt);
	else
		mcu_packet_unref(b->pkt);
}

bool mcu_line_ask_keyframe(McuLine *l)
{
	McuRtcpFir fir = { .ssrc = l->remote_ssrc };
	McuRtcpBuilder b;

	if (!l->rx || !(l->stream.feedback & (MCU_SDP_FB_PLI | MCU_SDP_FB_FIR)))
		return false;
	b = begin_rtcp(l, mcu_packet_new());
	if (l->stream.feedback & MCU_SDP_FB_PLI) {
		mcu_rtcp_build_pli(&b, l->ssrc, l->remote_ssrc);
		l->count.pli_out++;
	} else {
		fir.seq = l->fir_seq++;
		mcu_rtcp_build_fir(&b, l->ssrc, &fir, 1);
		l->count.fir_out++;
	}
	end_rtcp(l, &b);
	return true;
}

static void send_nacks(McuLine *l, int64_t now_ns)
{
	uint16_t seqs[MAX_NACKS];
	size_t n = mcu_rtp_receiver_nacks(l->rx, now_ns, seqs, MAX_NACKS);
	McuRtcpBuilder b;

	if (!n)
		return;
	b = begin_rtcp(l, mcu_packet_new());
	mcu_rtcp_build_nack(&b, l->ssrc, l->remote_ssrc, seqs, n);
	end_rtcp(l, &b);
	l->count.nack_out++;
}

void mcu_line_tick(McuLine *l, int64_t now_ns)
{
	if (!l->stream.enabled || l->ended)
		return;
	if (l->rx) {
		give_out(l, now_ns);
		send_nacks(l, now_ns);
	}
	if (now_ns >= l->next_report_ns) {
		McuRtcpBuilder b = begin_rtcp(l, mcu_packet_new());

		end_rtcp(l, &b);
		l->next_report_ns = now_ns + REPORT_NS;
	}
}

void mcu_line_bye(McuLine *l)
{
	McuRtcpBuilder b;

	if (!l->stream.enabled || l->ended)
		return;
	b = begin_rtcp(l, mcu_packet_new());
	mcu_rtcp_build_bye(&b, &l->ssrc, 1, NULL);
	end_rtcp(l, &b);
	mcu_transport_flush(l->transport);
	l->ended = true;
}

/* --- report --- */

uint64_t mcu_line_received(const McuLine *l)
{
	McuRtpReceiverStats sum = l->before, now = { 0 };

	if (l->rx)
		mcu_rtp_receiver_stats(l->rx, &now);
	add_stats(&sum, &now);
	return sum.packets;
}

static void report_received(const McuLine *l, JsonBuilder *json)
{
	McuRtpReceiverStats sum = l->before, now = { 0 };
	double span_s = (double)(l->last_ns - l->first_ns) / 1e9;

	if (l->rx)
		mcu_rtp_receiver_stats(l->rx, &now);
	add_stats(&sum, &now);
	json_builder_set_member_name(json, "received");
	json_builder_begin_object(json);
	mcu_json_int(json, "packets", (gint64)sum.packets);
	mcu_json_int(json, "bytes", (gint64)sum.bytes);
	mcu_json_real(json, "bitrate_bps", span_s > 0 ? (double)sum.bytes * 8 / span_s : 0);
	mcu_json_int(json, "lost", (gint64)sum.lost);
	mcu_json_int(json, "duplicates", (gint64)sum.duplicates);
	mcu_json_int(json, "reordered", (gint64)sum.reordered);
	mcu_json_int(json, "late", (gint64)sum.late);
	mcu_json_int(json, "nacked", (gint64)sum.nacked);
	mcu_json_int(json, "recovered", (gint64)sum.recovered);
	mcu_json_int(json, "malformed", (gint64)l->count.malformed);
	mcu_json_int(json, "foreign_pt", (gint64)l->count.foreign_pt);
	mcu_json_int(json, "dropped_on_purpose", (gint64)l->in.lost);
	mcu_json_int(json, "sources", l->sources);
	mcu_json_real(json, "jitter_ms", sum.jitter_ms);
	mcu_json_real(json, "first_s",
		      l->first_ns ? mcu_report_time_s(l->config.report, l->first_ns) : NAN);
	mcu_json_real(json, "last_s",
		      l->last_ns ? mcu_report_time_s(l->config.report, l->last_ns) : NAN);
	json_builder_end_object(json);
}

static void report_sent(const McuLine *l, JsonBuilder *json)
{
	McuRtpSenderStats stats = { 0 };

	if (l->tx)
		mcu_rtp_sender_stats(l->tx, &stats);
	json_builder_set_member_name(json, "sent");
	json_builder_begin_object(json);
	mcu_json_int(json, "packets", (gint64)stats.packets);
	mcu_json_int(json, "bytes", (gint64)stats.bytes);
	mcu_json_int(json, "resent", (gint64)stats.resent);
	mcu_json_int(json, "dropped_on_purpose", (gint64)l->out.lost);
	mcu_json_int(json, "reordered_on_purpose", (gint64)l->out.reordered);
	mcu_json_bool(json, "reported", stats.reported);
	mcu_json_int(json, "reported_lost", stats.lost);
	mcu_json_real(json, "reported_loss_ratio", stats.loss_ratio);
	mcu_json_real(json, "reported_jitter_ms", stats.jitter_ms);
	mcu_json_real(json, "rtt_ms", stats.rtt_ms);
	json_builder_end_object(json);
}

static void report_rtcp(const McuLine *l, JsonBuilder *json)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "sr_in", l->count.sr_in },       { "rr_in", l->count.rr_in },
		{ "bye_in", l->count.bye_in },     { "nack_in", l->count.nack_in },
		{ "nack_out", l->count.nack_out }, { "pli_in", l->count.pli_in },
		{ "pli_out", l->count.pli_out },   { "fir_in", l->count.fir_in },
		{ "fir_out", l->count.fir_out },   { "tmmbr_in", l->count.tmmbr_in },
	};

	json_builder_set_member_name(json, "rtcp");
	json_builder_begin_object(json);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		mcu_json_int(json, rows[i].name, (gint64)rows[i].value);
	json_builder_end_object(json);
}

void mcu_line_report(const McuLine *l, JsonBuilder *json)
{
	const McuSdpStream *s = &l->stream;
	McuTransportStats stats;

	mcu_transport_stats(l->transport, &stats);
	mcu_json_bool(json, "enabled", s->enabled);
	mcu_json_string(json, "reason", s->enabled ? NULL : s->reason);
	mcu_json_string(json, "codec", s->enabled ? mcu_codec_name(s->codec) : NULL);
	mcu_json_string(json, "direction",
			s->enabled ? mcu_sdp_direction_name(s->direction) : NULL);
	mcu_json_string(json, "srtp", s->secure ? mcu_srtp_suite_name(s->send_key.suite) : NULL);
	mcu_json_bool(json, "rtcp_mux", s->rtcp_mux);
	mcu_json_bool(json, "avpf", s->avpf);
	mcu_json_int(json, "feedback", s->feedback);
	mcu_json_int(json, "auth_failed", (gint64)stats.rx_auth_failed);
	mcu_json_int(json, "foreign_source", (gint64)stats.rx_foreign);
	report_received(l, json);
	report_sent(l, json);
	report_rtcp(l, json);
}
