/* The agent: life, states, and which m= line of an offer is taken. */
#include "sdp/agent.h"

#include <arpa/inet.h>
#include <string.h>

#include "sdp/agent_priv.h"

static const char *const srtp_names[] = {
	[MCU_SDP_SRTP_OFF] = "off",
	[MCU_SDP_SRTP_OPTIONAL] = "optional",
	[MCU_SDP_SRTP_REQUIRED] = "required",
};
static const char *const kind_names[] = {
	[MCU_SDP_AUDIO] = "audio",
	[MCU_SDP_VIDEO] = "video",
	[MCU_SDP_SLIDES] = "slides",
	[MCU_SDP_APPLICATION] = "application",
	[MCU_SDP_KIND_OTHER] = "other",
};
static const char *const state_names[] = {
	[MCU_SDP_IDLE] = "idle",
	[MCU_SDP_HAVE_REMOTE_OFFER] = "have-remote-offer",
	[MCU_SDP_HAVE_LOCAL_OFFER] = "have-local-offer",
	[MCU_SDP_STABLE] = "stable",
};

const char *mcu_sdp_srtp_name(McuSdpSrtp policy)
{
	return policy >= MCU_SDP_SRTP_OFF && policy <= MCU_SDP_SRTP_REQUIRED ? srtp_names[policy] :
									       "unknown";
}

const char *mcu_sdp_kind_name(McuSdpKind kind)
{
	return kind >= MCU_SDP_AUDIO && kind <= MCU_SDP_KIND_OTHER ? kind_names[kind] : "unknown";
}

const char *mcu_sdp_state_name(McuSdpState state)
{
	return state >= MCU_SDP_IDLE && state <= MCU_SDP_STABLE ? state_names[state] : "unknown";
}

void mcu_sdp_caps_init(McuSdpCaps *caps)
{
	*caps = (McuSdpCaps){
		.user = "-",
		.session_name = "-",
		.audio = { MCU_CODEC_OPUS, MCU_CODEC_G722, MCU_CODEC_PCMU, MCU_CODEC_PCMA },
		.n_audio = 4,
		.video = { MCU_CODEC_H264 },
		.n_video = 1,
		.h264 = { .high = true, .mode0 = true, .mode1 = true, .level_idc = 31 },
		.srtp = MCU_SDP_SRTP_OPTIONAL,
		.suites = { MCU_SRTP_AES_CM_128_HMAC_SHA1_80, MCU_SRTP_AES_CM_128_HMAC_SHA1_32,
			    MCU_SRTP_AES_256_CM_HMAC_SHA1_80, MCU_SRTP_AES_256_CM_HMAC_SHA1_32,
			    MCU_SRTP_AEAD_AES_256_GCM, MCU_SRTP_AEAD_AES_128_GCM },
		.n_suites = MCU_SRTP_SUITES,
		.rtcp_mux = true,
		.dtmf = true,
		.feedback = MCU_SDP_FB_NACK | MCU_SDP_FB_PLI | MCU_SDP_FB_FIR | MCU_SDP_FB_TMMBR,
		.ptime_ms = 20,
		.opus_fec = true,
	};
}

/* --- sessions ---------------------------------------------------------------------------------- */

static void session_done(Session *session)
{
	if (session->lines)
		explicit_bzero(session->lines, session->n * sizeof(Line));
	g_free(session->lines);
	mcu_sdp_free(session->remote);
	*session = (Session){ 0 };
}

static void session_copy_lines(const Session *from, Session *to)
{
	to->n = from->n;
	to->lines = g_memdup2(from->lines, from->n * sizeof(Line));
	to->local_hold = from->local_hold;
}

static Session *active(McuSdpAgent *agent)
{
	return agent->pending.lines ? &agent->pending : &agent->agreed;
}

McuSdpAgent *mcu_sdp_agent_new(const McuSdpCaps *caps)
{
	McuSdpAgent *agent = g_new0(McuSdpAgent, 1);

	agent->caps = *caps;
	agent->user = g_strdup(caps->user ? caps->user : "-");
	agent->session_name = g_strdup(caps->session_name ? caps->session_name : "-");
	agent->caps.user = agent->user;
	agent->caps.session_name = agent->session_name;
	agent->state = MCU_SDP_IDLE;
	agent->version = 1;
	return agent;
}

void mcu_sdp_agent_free(McuSdpAgent *agent)
{
	if (!agent)
		return;
	session_done(&agent->agreed);
	session_done(&agent->pending);
	if (agent->last_text)
		explicit_bzero(agent->last_text, strlen(agent->last_text));
	g_free(agent->last_text);
	g_free(agent->user);
	g_free(agent->session_name);
	g_free(agent);
}

McuSdpState mcu_sdp_agent_state(const McuSdpAgent *agent)
{
	return agent->state;
}

size_t mcu_sdp_agent_n_streams(const McuSdpAgent *agent)
{
	return active((McuSdpAgent *)agent)->n;
}

const McuSdpStream *mcu_sdp_agent_stream(const McuSdpAgent *agent, size_t i)
{
	const Session *session = active((McuSdpAgent *)agent);

	g_assert(i < session->n);
	return &session->lines[i].stream;
}

const McuSdp *mcu_sdp_agent_remote(const McuSdpAgent *agent)
{
	return agent->pending.remote ? agent->pending.remote : agent->agreed.remote;
}

static int wrong_state(const McuSdpAgent *agent, const char *what, McuDiag *reterr)
{
	return mcu_diag(reterr, -EBUSY, "%s is not possible in state %s", what,
			mcu_sdp_state_name(agent->state));
}

static bool may_start(const McuSdpAgent *agent)
{
	return agent->state == MCU_SDP_IDLE || agent->state == MCU_SDP_STABLE;
}

static bool any_enabled(const Session *session)
{
	for (size_t i = 0; i < session->n; i++)
		if (session->lines[i].stream.enabled)
			return true;
	return false;
}

/* "audio: no codec in common; video: …" */
static int nothing_in_common(const Session *session, McuDiag *reterr)
{
	g_autoptr(GString) why = g_string_new(NULL);

	for (size_t i = 0; i < session->n; i++)
		g_string_append_printf(why, "%s%s: %s", i ? "; " : "",
				       mcu_sdp_kind_name(session->lines[i].stream.kind),
				       session->lines[i].stream.reason);
	return mcu_diag(reterr, -ENOTSUP, "no media stream can be set up (%s)",
			why->len ? why->str : "there is no m= line");
}

static void agree(McuSdpAgent *agent)
{
	session_done(&agent->agreed);
	agent->agreed = agent->pending;
	agent->pending = (Session){ 0 };
	agent->state = MCU_SDP_STABLE;
}

void mcu_sdp_agent_rollback(McuSdpAgent *agent)
{
	session_done(&agent->pending);
	agent->state = agent->agreed.lines ? MCU_SDP_STABLE : MCU_SDP_IDLE;
}

/* --- the peer offers ----------------------------------------------------------------------------- */

static void remember_formats(const McuSdpMedia *m, Line *line)
{
	line->formats[0] = '\0';
	for (size_t i = 0; i < m->n_formats; i++) {
		/* a refused line needs one format only (RFC 3264 section 6) */
		if (strlen(line->formats) + strlen(m->formats[i]) + 2 > sizeof(line->formats))
			break;
		if (i)
			g_strlcat(line->formats, " ", sizeof(line->formats));
		g_strlcat(line->formats, m->formats[i], sizeof(line->formats));
	}
	if (!line->formats[0])
		g_strlcpy(line->formats, "0", sizeof(line->formats));
}

/* The tentative result for one m= line of an offer. */
static void judge_line(const McuSdpCaps *caps, const McuSdp *sdp, const McuSdpMedia *m, Line *line,
		       bool local_hold)
{
	McuSdpStream *s = &line->stream;

	g_strlcpy(line->type, m->type, sizeof(line->type));
	g_strlcpy(line->proto, m->proto, sizeof(line->proto));
	remember_formats(m, line);
	mcu_sdp_remote_identity(m, s);
	s->dtmf_send_pt = s->dtmf_recv_pt = s->cn_send_pt = -1;
	s->direction = MCU_SDP_INACTIVE;
	if (m->port == 0) {
		mcu_sdp_line_refuse(line, "the peer closed it");
		return;
	}
	if (s->kind != MCU_SDP_AUDIO && s->kind != MCU_SDP_VIDEO) {
		mcu_sdp_line_refuse(line, "this kind of media is not supported");
		return;
	}
	if (!mcu_sdp_remote_protection(caps, m, line))
		return;
	if (!mcu_sdp_formats_from_offer(caps, m, s)) {
		mcu_sdp_line_refuse(line, "no codec in common");
		return;
	}
	line->n_own_pts = s->n_recv_pts;
	s->enabled = mcu_sdp_remote_flow(caps, sdp, m, line, local_hold);
}

/* Is `b` to be taken rather than `a`? The line in use stays; then protected before plain. */
static bool better(const Line *a, const Line *b)
{
	if (a->have_local != b->have_local)
		return b->have_local;
	return b->stream.secure && !a->stream.secure;
}

/* Of the usable lines of one kind one is taken; offers with RTP/SAVP and RTP/AVP for the same
 * media mean an alternative, and a second video is slides. */
static void select_one(Session *session, McuSdpKind kind)
{
	Line *best = NULL;

	for (size_t i = 0; i < session->n; i++) {
		Line *line = &session->lines[i];

		if (line->stream.enabled && line->stream.kind == kind &&
		    (!best || better(best, line)))
			best = line;
	}
	for (size_t i = 0; i < session->n; i++) {
		Line *line = &session->lines[i];

		if (line == best || !line->stream.enabled || line->stream.kind != kind)
			continue;
		if (kind == MCU_SDP_VIDEO && strcmp(line->proto, best->proto) == 0)
			line->stream.kind = MCU_SDP_SLIDES;
		mcu_sdp_line_refuse(line, "another line of the same media was taken");
		line->stream.secure = false;
	}
}

/* What stays of our side of a line over a re-offer. */
static void inherit(const Line *old, Line *line)
{
	line->wanted = old->wanted;
	line->have_local = old->have_local;
	memcpy(line->address, old->address, sizeof(line->address));
	line->rtp_port = old->rtp_port;
	line->rtcp_port = old->rtcp_port;
	memcpy(line->random, old->random, sizeof(line->random));
}

static bool same_media(const Line *old, const McuSdpMedia *m)
{
	return old->stream.enabled && g_ascii_strcasecmp(old->type, m->type) == 0;
}

static void read_offer(McuSdpAgent *agent, const McuSdp *sdp, Session *ret)
{
	ret->n = sdp->n_media;
	ret->lines = g_new0(Line, sdp->n_media + 1);
	ret->local_hold = agent->agreed.local_hold;
	for (size_t i = 0; i < sdp->n_media; i++) {
		Line *line = &ret->lines[i];

		line->wanted = MCU_SDP_SENDRECV;
		if (i < agent->agreed.n && same_media(&agent->agreed.lines[i], &sdp->media[i]))
			inherit(&agent->agreed.lines[i], line);
		judge_line(&agent->caps, sdp, &sdp->media[i], line, ret->local_hold);
	}
	select_one(ret, MCU_SDP_AUDIO);
	select_one(ret, MCU_SDP_VIDEO);
}

int mcu_sdp_agent_set_offer(McuSdpAgent *agent, const char *text, size_t len, McuDiag *reterr)
{
	g_autoptr(McuSdp) sdp = NULL;
	Session session = { 0 };

	mcu_diag_where(reterr, 0, 0, "offer");
	if (!may_start(agent) || agent->pending.lines)
		return wrong_state(agent, "an offer of the peer", reterr);
	int r = mcu_sdp_parse(text, len, &sdp, reterr);
	if (r < 0)
		return r;
	mcu_diag_where(reterr, 0, 0, "offer");
	read_offer(agent, sdp, &session);
	if (!any_enabled(&session)) {
		r = nothing_in_common(&session, reterr);
		session_done(&session);
		return r;
	}
	session.remote = g_steal_pointer(&sdp);
	agent->pending = session;
	agent->state = MCU_SDP_HAVE_REMOTE_OFFER;
	return 0;
}

int mcu_sdp_agent_set_local(McuSdpAgent *agent, size_t i, const McuSdpLocal *local)
{
	Session *session = active(agent);
	uint8_t binary[sizeof(struct in6_addr)];

	if (i >= session->n)
		return -ENOENT;
	if (!local->address || local->rtp_port == 0 ||
	    strlen(local->address) >= MCU_SDP_ADDRESS_MAX ||
	    (inet_pton(AF_INET, local->address, binary) != 1 &&
	     inet_pton(AF_INET6, local->address, binary) != 1))
		return -EINVAL;
	Line *line = &session->lines[i];
	g_strlcpy(line->address, local->address, sizeof(line->address));
	line->rtp_port = local->rtp_port;
	line->rtcp_port = local->rtcp_port;
	memcpy(line->random, local->random, sizeof(line->random));
	line->have_local = true;
	return 0;
}

int mcu_sdp_agent_refuse(McuSdpAgent *agent, size_t i, const char *reason)
{
	if (agent->state != MCU_SDP_HAVE_REMOTE_OFFER)
		return -EBUSY;
	if (i >= agent->pending.n)
		return -ENOENT;
	mcu_sdp_line_refuse(&agent->pending.lines[i], "%s", reason);
	return 0;
}

static int check_locals(const Session *session, McuDiag *reterr)
{
	for (size_t i = 0; i < session->n; i++)
		if (session->lines[i].stream.enabled && !session->lines[i].have_local)
			return mcu_diag(reterr, -EINVAL, "stream %zu has no local address", i);
	return 0;
}

int mcu_sdp_agent_make_answer(McuSdpAgent *agent, char **ret, McuDiag *reterr)
{
	Session *session = &agent->pending;

	mcu_diag_where(reterr, 0, 0, "answer");
	if (agent->state != MCU_SDP_HAVE_REMOTE_OFFER)
		return wrong_state(agent, "an answer", reterr);
	if (!any_enabled(session))
		return nothing_in_common(session, reterr);
	int r = check_locals(session, reterr);
	if (r < 0)
		return r;
	for (size_t i = 0; i < session->n; i++) {
		Line *line = &session->lines[i];

		if (line->stream.enabled && line->stream.secure)
			mcu_sdp_line_key(line, line->stream.recv_key.suite,
					 &line->stream.send_key);
	}
	*ret = mcu_sdp_compose(agent, session, false);
	agree(agent);
	return 0;
}

/* --- we offer ------------------------------------------------------------------------------------ */

static const char *our_proto(const McuSdpCaps *caps)
{
	bool savp = caps->srtp == MCU_SDP_SRTP_REQUIRED;

	if (caps->avpf)
		return mcu_sdp_proto_name(savp ? MCU_SDP_RTP_SAVPF : MCU_SDP_RTP_AVPF);
	return mcu_sdp_proto_name(savp ? MCU_SDP_RTP_SAVP : MCU_SDP_RTP_AVP);
}

int mcu_sdp_agent_add(McuSdpAgent *agent, McuSdpKind kind, McuSdpDirection direction)
{
	Session *session = &agent->pending;
	Line line = { .wanted = direction, .crypto_tag = 1 };

	if (agent->state != MCU_SDP_IDLE)
		return -EBUSY;
	if (session->n == MCU_SDP_MAX_MEDIA)
		return -EOVERFLOW;
	if (kind != MCU_SDP_AUDIO && kind != MCU_SDP_VIDEO)
		return -ENOTSUP;
	line.stream.kind = kind;
	line.stream.enabled = true;
	line.stream.direction = direction;
	line.stream.ptime_ms = agent->caps.ptime_ms;
	if (!mcu_sdp_formats_ours(&agent->caps, &line.stream))
		return -ENOTSUP;
	g_strlcpy(line.type, mcu_sdp_kind_name(kind), sizeof(line.type));
	g_strlcpy(line.proto, our_proto(&agent->caps), sizeof(line.proto));
	g_snprintf(line.formats, sizeof(line.formats), "%u", line.stream.recv_pt);
	if (agent->caps.srtp != MCU_SDP_SRTP_OFF)
		for (size_t i = 0; i < agent->caps.n_suites; i++)
			line.offered[i] = agent->caps.suites[i];
	line.n_own_pts = line.stream.n_recv_pts;
	session->lines = g_renew(Line, session->lines, session->n + 1);
	session->lines[session->n++] = line;
	return (int)session->n - 1;
}

/* A re-offer repeats what is in use: payload types, protocol, suite. */
static void prepare_reoffer(McuSdpAgent *agent)
{
	Session *session = &agent->pending;

	session_copy_lines(&agent->agreed, session);
	for (size_t i = 0; i < session->n; i++) {
		Line *line = &session->lines[i];

		memset(line->offered, 0, sizeof(line->offered));
		if (line->stream.secure)
			line->offered[0] = line->stream.send_key.suite;
	}
}

int mcu_sdp_agent_make_offer(McuSdpAgent *agent, const McuSdpOfferOptions *options, char **ret,
			     McuDiag *reterr)
{
	mcu_diag_where(reterr, 0, 0, "offer");
	if (!may_start(agent))
		return wrong_state(agent, "an offer", reterr);
	if (agent->state == MCU_SDP_STABLE)
		prepare_reoffer(agent);
	else if (!agent->pending.lines)
		return mcu_diag(reterr, -EINVAL, "no stream was added");
	int r = check_locals(&agent->pending, reterr);
	if (r < 0)
		return r;
	agent->pending.local_hold = options && options->hold;
	*ret = mcu_sdp_compose(agent, &agent->pending, true);
	agent->state = MCU_SDP_HAVE_LOCAL_OFFER;
	return 0;
}

/* One m= line of the answer against the one we offered. */
static void judge_answer(const McuSdpCaps *caps, const McuSdp *sdp, const McuSdpMedia *m,
			 Line *line, bool local_hold)
{
	McuSdpStream *s = &line->stream;

	if (!s->enabled)
		return;
	if (m->port == 0) {
		remember_formats(m, line);
		mcu_sdp_line_refuse(line, "the peer refused it");
		return;
	}
	s->n_recv_pts = line->n_own_pts;
	if (!mcu_sdp_remote_protection_answer(caps, m, line))
		return;
	if (!mcu_sdp_formats_from_answer(caps, m, s)) {
		mcu_sdp_line_refuse(line, "the answer names no codec that was offered");
		return;
	}
	s->enabled = mcu_sdp_remote_flow(caps, sdp, m, line, local_hold);
}

static int check_answer(const Session *session, const McuSdp *sdp, McuDiag *reterr)
{
	if (sdp->n_media > session->n)
		return mcu_diag(reterr, -EPROTO, "the answer has %zu m= lines, expected %zu",
				sdp->n_media, session->n);
	for (size_t i = 0; i < sdp->n_media; i++)
		if (g_ascii_strcasecmp(sdp->media[i].type, session->lines[i].type) != 0) {
			mcu_diag_where(reterr, sdp->media[i].line, 0, "answer");
			return mcu_diag(reterr, -EPROTO, "found m=%.20s, expected m=%s",
					sdp->media[i].type, session->lines[i].type);
		}
	return 0;
}

int mcu_sdp_agent_set_answer(McuSdpAgent *agent, const char *text, size_t len, McuDiag *reterr)
{
	g_autoptr(McuSdp) sdp = NULL;
	Session session = { 0 };

	mcu_diag_where(reterr, 0, 0, "answer");
	if (agent->state != MCU_SDP_HAVE_LOCAL_OFFER)
		return wrong_state(agent, "an answer of the peer", reterr);
	int r = mcu_sdp_parse(text, len, &sdp, reterr);
	if (r < 0)
		return r;
	mcu_diag_where(reterr, 0, 0, "answer");
	r = check_answer(&agent->pending, sdp, reterr);
	if (r < 0)
		return r;
	session_copy_lines(&agent->pending, &session);
	for (size_t i = 0; i < session.n; i++) {
		if (i < sdp->n_media)
			judge_answer(&agent->caps, sdp, &sdp->media[i], &session.lines[i],
				     session.local_hold);
		else
			mcu_sdp_line_refuse(&session.lines[i], "the answer leaves it out");
	}
	if (!any_enabled(&session)) {
		r = nothing_in_common(&session, reterr);
		session_done(&session);
		return r;
	}
	session.remote = g_steal_pointer(&sdp);
	session_done(&agent->pending);
	agent->pending = session;
	agree(agent);
	return 0;
}
