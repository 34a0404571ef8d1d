#include "worker/leg.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* m= lines of one leg that get a stream: audio and main video. */
#define MAX_STREAMS 16

struct McuLeg {
	char *id, *address, *ctx, *cname, *participant;
	McuStreamEnv env;
	McuRtpClockMap clock_map;
	int64_t audio_delay_ns;
	bool expects_media;
	int64_t expects_since_ns;
	McuSdpAgent *agent;
	McuStream *streams[MAX_STREAMS]; /* by m= line; NULL = refused or not carried */
};

static void init_caps(McuLeg *leg, McuSdpCaps *caps)
{
	const McuWorkerOptions *o = leg->env.options;

	mcu_sdp_caps_init(caps);
	caps->session_name = "Tessera";
	caps->user = "tessera";
	caps->session_id = ((uint64_t)g_random_int() << 16 | g_random_int_range(0, 65536)) >> 1;
	caps->srtp = o->srtp;
	caps->video_bps = o->bitrate_bps;
}

McuLeg *mcu_leg_new(const McuLegParams *params)
{
	McuLeg *leg = g_new0(McuLeg, 1);
	McuSdpCaps caps;

	leg->id = g_strdup(params->id);
	leg->address = g_strdup(params->address);
	leg->participant = g_strdup(params->env.participant);
	leg->ctx = g_strdup_printf("%s/%s", params->env.ctx, params->id);
	leg->cname = g_strdup_printf("%08x%08x", g_random_int(), g_random_int());
	leg->env = params->env;
	leg->env.participant = leg->participant;
	leg->env.ctx = leg->ctx;
	leg->env.leg = leg->id;
	leg->env.cname = leg->cname;
	leg->env.clock_map = &leg->clock_map;
	leg->env.audio_delay_ns = &leg->audio_delay_ns;
	leg->expects_since_ns = mcu_now_ns();
	init_caps(leg, &caps);
	leg->agent = mcu_sdp_agent_new(&caps);
	return leg;
}

void mcu_leg_free(McuLeg *leg)
{
	if (!leg)
		return;
	for (size_t i = 0; i < MAX_STREAMS; i++)
		mcu_stream_free(leg->streams[i]);
	mcu_sdp_agent_free(leg->agent);
	g_free(leg->participant);
	g_free(leg->address);
	g_free(leg->ctx);
	g_free(leg->cname);
	g_free(leg->id);
	g_free(leg);
}

const char *mcu_leg_id(const McuLeg *leg)
{
	return leg->id;
}

const char *mcu_leg_participant(const McuLeg *leg)
{
	return leg->participant;
}

/* Ports for m= line i, once; they stay over re-offers. */
static int ensure_stream(McuLeg *leg, size_t i, McuSdpKind kind, McuDiag *reterr)
{
	const McuWorkerOptions *o = leg->env.options;
	const char *address = o->address && *o->address ? o->address : leg->address;
	McuStream *s = leg->streams[i];
	int r;

	/* an m= line that changed its kind is another one */
	if (s && s->ops->kind != kind) {
		g_clear_pointer(&leg->streams[i], mcu_stream_free);
		s = NULL;
	}
	if (!s) {
		s = kind == MCU_SDP_AUDIO ? mcu_audio_stream_new(&leg->env) :
					    mcu_video_stream_new(&leg->env);
		r = mcu_stream_bind(s, address, kind == MCU_SDP_VIDEO, reterr);
		if (r < 0) {
			mcu_stream_free(s);
			return r;
		}
		leg->streams[i] = s;
	}
	r = mcu_sdp_agent_set_local(leg->agent, i, &s->local);
	return r < 0 ? mcu_diag(reterr, r, "m-line %zu: %s", i + 1, mcu_err_name(r)) : 0;
}

/* Main video and audio once each are carried; the rest of the offer is refused politely. */
static bool carried(const McuLeg *leg, size_t i)
{
	const McuSdpStream *s = mcu_sdp_agent_stream(leg->agent, i);

	if (!s->enabled || i >= MAX_STREAMS || (s->kind != MCU_SDP_AUDIO && s->kind != MCU_SDP_VIDEO))
		return false;
	for (size_t k = 0; k < i; k++) {
		const McuSdpStream *other = mcu_sdp_agent_stream(leg->agent, k);
		if (other->enabled && other->kind == s->kind)
			return false;
	}
	return true;
}

/* Bring every stream to what is agreed now. A stream that fails is closed; the others go on. */
static void apply(McuLeg *leg)
{
	size_t n = mcu_sdp_agent_n_streams(leg->agent);

	for (size_t i = 0; i < MAX_STREAMS; i++) {
		const McuSdpStream *neg = i < n ? mcu_sdp_agent_stream(leg->agent, i) : NULL;
		McuDiag diag = { 0 };

		if (!leg->streams[i])
			continue;
		if (neg && neg->enabled) {
			if (mcu_stream_apply(leg->streams[i], neg, &diag) >= 0)
				continue;
			mcu_warning(leg->ctx, "%s closed: %s", mcu_sdp_kind_name(neg->kind),
				    diag.text);
		}
		g_clear_pointer(&leg->streams[i], mcu_stream_free);
	}
	/* after a hold, silence counts from its end */
	bool expects = mcu_leg_expects_media(leg);
	if (expects && !leg->expects_media)
		leg->expects_since_ns = mcu_now_ns();
	leg->expects_media = expects;
}

int mcu_leg_set_offer(McuLeg *leg, const char *sdp, char **ret_answer, McuDiag *reterr)
{
	int r = mcu_sdp_agent_set_offer(leg->agent, sdp, strlen(sdp), reterr);
	McuDiag no_ports = { 0 };

	if (r < 0)
		return r;
	for (size_t i = 0; i < mcu_sdp_agent_n_streams(leg->agent) && r >= 0; i++) {
		const McuSdpStream *s = mcu_sdp_agent_stream(leg->agent, i);
		McuDiag diag = { 0 };

		if (!s->enabled)
			continue;
		if (!carried(leg, i)) {
			r = mcu_sdp_agent_refuse(leg->agent, i, "one audio and one video are carried");
			continue;
		}
		r = ensure_stream(leg, i, s->kind, &diag);
		if (r == -ENOSPC)
			no_ports = diag;
		if (r < 0 || mcu_stream_check(leg->streams[i], s, &diag) < 0)
			r = mcu_sdp_agent_refuse(leg->agent, i, diag.text);
	}
	if (r >= 0)
		r = mcu_sdp_agent_make_answer(leg->agent, ret_answer, reterr);
	/* nothing is left of the offer, and that is our fault */
	if (r == -ENOTSUP && *no_ports.text)
		r = mcu_diag(reterr, -ENOSPC, "%s", no_ports.text);
	if (r < 0) {
		mcu_sdp_agent_rollback(leg->agent);
		return r;
	}
	apply(leg);
	return 0;
}

/* m= lines of a first offer of ours. */
static int add_lines(McuLeg *leg, McuDiag *reterr)
{
	static const McuSdpKind kinds[] = { MCU_SDP_AUDIO, MCU_SDP_VIDEO };

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		int r = mcu_sdp_agent_add(leg->agent, kinds[i], MCU_SDP_SENDRECV);
		if (r < 0)
			return mcu_diag(reterr, r, "cannot offer %s", mcu_sdp_kind_name(kinds[i]));
		r = ensure_stream(leg, (size_t)r, kinds[i], reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

int mcu_leg_make_offer(McuLeg *leg, bool hold, char **ret_offer, McuDiag *reterr)
{
	const McuSdpOfferOptions options = { .hold = hold };

	if (mcu_sdp_agent_state(leg->agent) == MCU_SDP_IDLE) {
		int r = add_lines(leg, reterr);
		if (r < 0) {
			mcu_sdp_agent_rollback(leg->agent);
			return r;
		}
	}
	return mcu_sdp_agent_make_offer(leg->agent, &options, ret_offer, reterr);
}

int mcu_leg_set_answer(McuLeg *leg, const char *sdp, McuDiag *reterr)
{
	int r = mcu_sdp_agent_set_answer(leg->agent, sdp, strlen(sdp), reterr);

	if (r < 0)
		return r;
	apply(leg);
	/* INTEROP: the leg may be one of a killed worker. baresip joins the picture that was cut off
	 * with the first keyframe, loses both, and asks for nothing. */
	for (size_t i = 0; i < MAX_STREAMS; i++)
		if (leg->streams[i] && leg->streams[i]->ops->kind == MCU_SDP_VIDEO)
			mcu_video_stream_repeat_keyframe(leg->streams[i]);
	return r;
}

void mcu_leg_rollback(McuLeg *leg)
{
	mcu_sdp_agent_rollback(leg->agent);
}

void mcu_leg_request_keyframe(McuLeg *leg)
{
	for (size_t i = 0; i < MAX_STREAMS; i++)
		if (leg->streams[i] && leg->streams[i]->ops->kind == MCU_SDP_VIDEO)
			mcu_video_stream_keyframe_requested(leg->streams[i]);
}

int64_t mcu_leg_last_media_ns(const McuLeg *leg)
{
	int64_t last = leg->expects_since_ns;

	for (size_t i = 0; i < MAX_STREAMS; i++) {
		McuTransportStats stats;
		if (!leg->streams[i])
			continue;
		mcu_transport_stats(leg->streams[i]->transport, &stats);
		last = MAX(last, stats.last_rx_ns);
	}
	return last;
}

bool mcu_leg_expects_media(const McuLeg *leg)
{
	for (size_t i = 0; i < MAX_STREAMS; i++)
		if (leg->streams[i] && mcu_stream_receives(leg->streams[i]))
			return true;
	return false;
}

GVariant *mcu_leg_stats(McuLeg *leg)
{
	GVariantBuilder streams;
	GVariantDict d;

	g_variant_builder_init(&streams, G_VARIANT_TYPE("aa{sv}"));
	for (size_t i = 0; i < MAX_STREAMS; i++)
		if (leg->streams[i] && leg->streams[i]->open)
			g_variant_builder_add_value(&streams, mcu_stream_stats(leg->streams[i]));
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "id", "s", leg->id);
	g_variant_dict_insert_value(&d, "streams", g_variant_builder_end(&streams));
	return g_variant_dict_end(&d);
}
