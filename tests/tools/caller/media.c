#include "media.h"

#include "base/clock.h"
#include "base/timer.h"
#include "json.h"
#include "video_line.h"
#include "voice_line.h"

#define TICK_NS (10 * MCU_NS_PER_MS)

struct McuMedia {
	const McuCallerOptions *options;
	McuReport *report;
	McuSdpAgent *agent;
	McuVoiceLine *voice;
	McuVideoLine *video;
	int voice_index, video_index; /* of the m= line; -1 = none */
	McuTimer *timer;
	int64_t next_ns;
	uint64_t sent_before; /* pictures, at the last entry of the timeline */
	bool stopped;
};

static void tick(void *data)
{
	McuMedia *m = data;
	int64_t now_ns = mcu_now_ns();

	if (m->stopped)
		return;
	mcu_voice_line_tick(m->voice, now_ns);
	mcu_video_line_tick(m->video, now_ns, mcu_voice_line_loudness(m->voice));
	m->next_ns = MAX(m->next_ns + TICK_NS, now_ns);
	mcu_timer_set(m->timer, m->next_ns);
}

int mcu_media_new(const McuCallerOptions *options, McuReport *report, const char *address,
		  McuMedia **ret, McuDiag *reterr)
{
	g_autoptr(McuMedia) m = g_new0(McuMedia, 1);
	int r;

	m->options = options;
	m->report = report;
	m->voice_index = m->video_index = -1;
	m->agent = mcu_sdp_agent_new(&options->caps);
	if ((r = mcu_voice_line_new(options, report, address, &m->voice, reterr)) < 0 ||
	    (r = mcu_video_line_new(options, report, address, &m->video, reterr)) < 0)
		return r;
	m->timer = mcu_timer_new(tick, m);
	*ret = g_steal_pointer(&m);
	return 0;
}

void mcu_media_free(McuMedia *m)
{
	if (!m)
		return;
	mcu_timer_free(m->timer);
	mcu_voice_line_free(m->voice);
	mcu_video_line_free(m->video);
	mcu_sdp_agent_free(m->agent);
	g_free(m);
}

/* --- negotiation --- */

static int apply(McuMedia *m, McuDiag *reterr)
{
	int r;

	if (m->voice_index >= 0) {
		const McuSdpStream *s = mcu_sdp_agent_stream(m->agent, (size_t)m->voice_index);

		r = mcu_line_apply(mcu_voice_line_line(m->voice), s, reterr);
		if (r < 0)
			return r;
		mcu_voice_line_applied(m->voice);
	}
	if (m->video_index >= 0) {
		const McuSdpStream *s = mcu_sdp_agent_stream(m->agent, (size_t)m->video_index);

		r = mcu_line_apply(mcu_video_line_line(m->video), s, reterr);
		if (r < 0 || (r = mcu_video_line_applied(m->video, reterr)) < 0)
			return r;
	}
	if (!m->next_ns) {
		m->next_ns = mcu_now_ns();
		mcu_timer_set(m->timer, m->next_ns);
	}
	return 0;
}

static void add_lines(McuMedia *m)
{
	bool sends = !g_str_equal(m->options->video, "none");

	if (m->options->caps.n_audio)
		m->voice_index = mcu_sdp_agent_add(m->agent, MCU_SDP_AUDIO, MCU_SDP_SENDRECV);
	if (m->options->caps.n_video)
		m->video_index = mcu_sdp_agent_add(m->agent, MCU_SDP_VIDEO,
						   sends ? MCU_SDP_SENDRECV : MCU_SDP_RECVONLY);
}

static int set_locals(McuMedia *m)
{
	int r = 0;

	if (m->voice_index >= 0)
		r = mcu_sdp_agent_set_local(m->agent, (size_t)m->voice_index,
					    mcu_line_local(mcu_voice_line_line(m->voice)));
	if (r == 0 && m->video_index >= 0)
		r = mcu_sdp_agent_set_local(m->agent, (size_t)m->video_index,
					    mcu_line_local(mcu_video_line_line(m->video)));
	return r;
}

static void set_hold(McuMedia *m, bool hold)
{
	mcu_line_set_silent(mcu_voice_line_line(m->voice), hold);
	mcu_line_set_silent(mcu_video_line_line(m->video), hold);
}

int mcu_media_offer(McuMedia *m, bool hold, char **ret, McuDiag *reterr)
{
	McuSdpOfferOptions options = { .hold = hold };
	int r;

	if (mcu_sdp_agent_state(m->agent) == MCU_SDP_IDLE)
		add_lines(m);
	r = set_locals(m);
	if (r < 0)
		return r;
	r = mcu_sdp_agent_make_offer(m->agent, &options, ret, reterr);
	if (r == 0)
		set_hold(m, hold);
	return r;
}

int mcu_media_take_answer(McuMedia *m, const char *sdp, size_t len, McuDiag *reterr)
{
	int r = mcu_sdp_agent_set_answer(m->agent, sdp, len, reterr);

	return r < 0 ? r : apply(m, reterr);
}

/* The first enabled audio and video line are ours; any other is refused. */
static int choose_lines(McuMedia *m)
{
	int voice = -1, video = -1;

	for (size_t i = 0; i < mcu_sdp_agent_n_streams(m->agent); i++) {
		const McuSdpStream *s = mcu_sdp_agent_stream(m->agent, i);
		int r;

		if (!s->enabled)
			continue;
		if (s->kind == MCU_SDP_AUDIO && voice < 0) {
			voice = (int)i;
		} else if (s->kind == MCU_SDP_VIDEO && video < 0) {
			video = (int)i;
		} else {
			r = mcu_sdp_agent_refuse(m->agent, i, "one line of each kind is taken");
			if (r < 0)
				return r;
		}
	}
	if (voice >= 0)
		m->voice_index = voice;
	if (video >= 0)
		m->video_index = video;
	return set_locals(m);
}

int mcu_media_answer(McuMedia *m, const char *sdp, size_t len, char **ret, McuDiag *reterr)
{
	g_autofree char *answer = NULL;
	int r = mcu_sdp_agent_set_offer(m->agent, sdp, len, reterr);

	if (r < 0)
		return r;
	if ((r = choose_lines(m)) < 0 ||
	    (r = mcu_sdp_agent_make_answer(m->agent, &answer, reterr)) < 0) {
		mcu_sdp_agent_rollback(m->agent);
		return r;
	}
	r = apply(m, reterr);
	if (r == 0)
		*ret = g_steal_pointer(&answer);
	return r;
}

void mcu_media_rollback(McuMedia *m)
{
	mcu_sdp_agent_rollback(m->agent);
}

/* --- the rest --- */

void mcu_media_refresh(McuMedia *m)
{
	mcu_video_line_refresh(m->video);
}

bool mcu_media_wants_info(McuMedia *m)
{
	return mcu_video_line_wants_info(m->video);
}

void mcu_media_stop(McuMedia *m, bool bye)
{
	if (m->stopped)
		return;
	m->stopped = true;
	mcu_timer_set(m->timer, INT64_MAX);
	if (!bye)
		return;
	mcu_line_bye(mcu_voice_line_line(m->voice));
	mcu_line_bye(mcu_video_line_line(m->video));
}

bool mcu_media_received(const McuMedia *m)
{
	return mcu_line_received(mcu_voice_line_line(m->voice)) +
		       mcu_line_received(mcu_video_line_line(m->video)) >
	       0;
}

void mcu_media_timeline(McuMedia *m, JsonBuilder *json)
{
	uint64_t sent = mcu_video_line_sent(m->video);

	mcu_json_int(json, "sent_pictures", (gint64)(sent - m->sent_before));
	m->sent_before = sent;
	json_builder_set_member_name(json, "marks");
	mcu_eye_recent(mcu_video_line_eye(m->video), json);
	json_builder_set_member_name(json, "tones");
	mcu_ear_recent(mcu_voice_line_ear(m->voice), json);
}

void mcu_media_report(McuMedia *m, JsonBuilder *json)
{
	json_builder_set_member_name(json, "audio");
	mcu_voice_line_report(m->voice, json);
	json_builder_set_member_name(json, "video");
	mcu_video_line_report(m->video, json);
}

int mcu_media_snapshot(McuMedia *m, const char *path)
{
	return mcu_video_line_snapshot(m->video, path);
}
