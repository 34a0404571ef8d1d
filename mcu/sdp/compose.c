/* Our side of a session -> text. */
#include <stdio.h>
#include <string.h>

#include "sdp/agent_priv.h"

static const Line *first_enabled(const Session *session)
{
	for (size_t i = 0; i < session->n; i++)
		if (session->lines[i].stream.enabled)
			return &session->lines[i];
	return NULL;
}

static McuSdpConnection connection_to(McuSdp *sdp, const char *address)
{
	return (McuSdpConnection){ .address = mcu_sdp_string(sdp, address),
				   .ipv6 = strchr(address, ':') != NULL };
}

/* What a level leaves out is written as max-fs, max-mbps, max-br. */
static void write_h264(const McuSdpH264 *h, GString *out)
{
	unsigned fs, mbps, br;

	mcu_sdp_h264_level(h->profile_idc, h->profile_iop, h->level_idc, &fs, &mbps, &br);
	g_string_append_printf(out, "profile-level-id=%02x%02x%02x;packetization-mode=%u",
			       h->profile_idc, h->profile_iop, h->level_idc,
			       h->packetization_mode);
	if (h->level_asymmetry_allowed)
		g_string_append(out, ";level-asymmetry-allowed=1");
	if (h->max_fs > fs)
		g_string_append_printf(out, ";max-fs=%u", h->max_fs);
	if (h->max_mbps > mbps)
		g_string_append_printf(out, ";max-mbps=%u", h->max_mbps);
	if (h->max_br > br)
		g_string_append_printf(out, ";max-br=%u", h->max_br);
}

static void write_fmtp(const McuSdpCaps *caps, const McuSdpPt *pt, GString *out)
{
	switch (pt->codec) {
	case MCU_CODEC_OPUS:
		g_string_append_printf(out, "minptime=10;useinbandfec=%d", caps->opus_fec);
		if (caps->opus_dtx)
			g_string_append(out, ";usedtx=1");
		if (caps->opus_stereo)
			g_string_append(out, ";stereo=1");
		if (caps->opus_max_bps)
			g_string_append_printf(out, ";maxaveragebitrate=%u", caps->opus_max_bps);
		break;
	case MCU_CODEC_TELEPHONE_EVENT:
		g_string_append(out, "0-15");
		break;
	case MCU_CODEC_H264:
		write_h264(&pt->h264, out);
		break;
	default:
		break;
	}
}

static void add_format(const McuSdpCaps *caps, McuSdp *sdp, McuSdpMedia *m, const McuSdpPt *pt)
{
	g_autoptr(GString) fmtp = g_string_new(NULL);
	char number[4];

	g_snprintf(number, sizeof(number), "%u", pt->pt);
	mcu_sdp_add_format(sdp, m, number);
	mcu_sdp_add_attr(sdp, &m->s, "rtpmap", "%u %s/%u%s", pt->pt, mcu_codec_name(pt->codec),
			 pt->clock_hz, pt->channels == 2 ? "/2" : "");
	write_fmtp(caps, pt, fmtp);
	if (fmtp->len)
		mcu_sdp_add_attr(sdp, &m->s, "fmtp", "%u %s", pt->pt, fmtp->str);
}

/* An answer names what was chosen; an offer everything we can receive. */
static void add_formats(const McuSdpCaps *caps, McuSdp *sdp, McuSdpMedia *m, const Line *line,
			bool offer)
{
	const McuSdpStream *s = &line->stream;

	for (size_t i = 0; i < s->n_recv_pts; i++) {
		const McuSdpPt *pt = &s->recv_pts[i];

		if (offer ? i < line->n_own_pts :
			    pt->pt == s->recv_pt || pt->pt == s->dtmf_recv_pt)
			add_format(caps, sdp, m, pt);
	}
}

static void add_feedback(const McuSdpCaps *caps, McuSdp *sdp, McuSdpMedia *m, const Line *line,
			 bool offer)
{
	const McuSdpStream *s = &line->stream;
	unsigned bits = offer ? caps->feedback : s->feedback;
	char pt[4] = "*";

	if (s->kind == MCU_SDP_AUDIO)
		return;
	if (!offer && !line->fb_wildcard)
		g_snprintf(pt, sizeof(pt), "%u", s->recv_pt);
	for (unsigned bit = MCU_SDP_FB_NACK; bit <= MCU_SDP_FB_REMB; bit <<= 1)
		if (bits & bit)
			mcu_sdp_add_attr(sdp, &m->s, "rtcp-fb", "%s %s", pt,
					 mcu_sdp_feedback_text(bit));
}

static void add_one_crypto(McuSdp *sdp, McuSdpMedia *m, const Line *line, unsigned tag,
			   McuSrtpSuite suite)
{
	McuSdpCrypto c = { .tag = tag };

	mcu_sdp_line_key(line, suite, &c.key);
	char *text = mcu_sdp_crypto_write(&c);
	mcu_sdp_add_attr(sdp, &m->s, "crypto", "%s", text);
	explicit_bzero(text, strlen(text));
	g_free(text);
	explicit_bzero(&c, sizeof(c));
}

static void add_crypto(McuSdp *sdp, McuSdpMedia *m, const Line *line, bool offer)
{
	if (!offer) {
		if (line->stream.secure)
			add_one_crypto(sdp, m, line, line->crypto_tag,
				       line->stream.recv_key.suite);
		return;
	}
	for (unsigned i = 0; i < MCU_SRTP_SUITES && line->offered[i]; i++)
		add_one_crypto(sdp, m, line, line->crypto_tag + i, line->offered[i]);
}

static void add_flow(const McuSdpAgent *agent, McuSdp *sdp, McuSdpMedia *m, const Line *line,
		     bool offer)
{
	const McuSdpStream *s = &line->stream;
	McuSdpDirection d = s->direction;

	if (offer)
		d = agent->pending.local_hold ?
			    mcu_sdp_direction_and(line->wanted, MCU_SDP_SENDONLY) :
			    line->wanted;
	if (offer ? agent->caps.rtcp_mux : s->rtcp_mux)
		mcu_sdp_add_attr(sdp, &m->s, "rtcp-mux", NULL);
	if (line->rtcp_port && line->rtcp_port != line->rtp_port &&
	    line->rtcp_port != line->rtp_port + 1)
		mcu_sdp_add_attr(sdp, &m->s, "rtcp", "%u", line->rtcp_port);
	if (s->mid[0])
		mcu_sdp_add_attr(sdp, &m->s, "mid", "%s", s->mid);
	if (s->kind == MCU_SDP_AUDIO)
		mcu_sdp_add_attr(sdp, &m->s, "ptime", "%u", agent->caps.ptime_ms);
	mcu_sdp_add_attr(sdp, &m->s, mcu_sdp_direction_name(d), NULL);
}

static void add_bandwidth(const McuSdpCaps *caps, McuSdp *sdp, McuSdpMedia *m, McuSdpKind kind)
{
	unsigned bps = kind == MCU_SDP_AUDIO ? caps->audio_bps : caps->video_bps;

	if (!bps)
		return;
	mcu_sdp_add_bandwidth(sdp, &m->s, "AS", (bps + 999) / 1000);
	mcu_sdp_add_bandwidth(sdp, &m->s, "TIAS", bps);
}

static void add_refused(McuSdp *sdp, const Line *line)
{
	McuSdpMedia *m = mcu_sdp_add_media(sdp, line->type, 0, line->proto);
	g_auto(GStrv) formats = g_strsplit(line->formats, " ", MCU_SDP_MAX_FORMATS);

	for (char **f = formats; *f; f++)
		mcu_sdp_add_format(sdp, m, *f);
	if (line->stream.mid[0])
		mcu_sdp_add_attr(sdp, &m->s, "mid", "%s", line->stream.mid);
	mcu_sdp_add_attr(sdp, &m->s, "inactive", NULL);
}

static void add_line(const McuSdpAgent *agent, McuSdp *sdp, const Line *line, bool offer)
{
	const McuSdpCaps *caps = &agent->caps;

	if (!line->stream.enabled) {
		add_refused(sdp, line);
		return;
	}
	McuSdpMedia *m = mcu_sdp_add_media(sdp, line->type, line->rtp_port, line->proto);
	if (strcmp(line->address, sdp->s.c.address) != 0)
		m->s.c = connection_to(sdp, line->address);
	add_bandwidth(caps, sdp, m, line->stream.kind);
	add_formats(caps, sdp, m, line, offer);
	add_feedback(caps, sdp, m, line, offer);
	add_crypto(sdp, m, line, offer);
	add_flow(agent, sdp, m, line, offer);
}

static char *version_text(McuSdp *sdp, uint64_t version)
{
	char number[24];

	g_snprintf(number, sizeof(number), "%" G_GUINT64_FORMAT, version);
	sdp->version = mcu_sdp_string(sdp, number);
	return mcu_sdp_write(sdp);
}

static void wipe_text(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	g_free(text);
}

char *mcu_sdp_compose(McuSdpAgent *agent, const Session *session, bool offer)
{
	g_autoptr(McuSdp) sdp = mcu_sdp_new();
	const Line *first = first_enabled(session);
	char id[24], *text;

	g_snprintf(id, sizeof(id), "%" G_GUINT64_FORMAT, agent->caps.session_id);
	sdp->user = agent->user;
	sdp->name = agent->session_name;
	sdp->session_id = mcu_sdp_string(sdp, id);
	sdp->origin = connection_to(sdp, first ? first->address : "0.0.0.0");
	sdp->s.c = sdp->origin;
	for (size_t i = 0; i < session->n; i++)
		add_line(agent, sdp, &session->lines[i], offer);
	text = version_text(sdp, agent->version);
	if (agent->last_text && strcmp(text, agent->last_text) != 0) {
		wipe_text(text);
		text = version_text(sdp, ++agent->version);
	}
	wipe_text(agent->last_text);
	agent->last_text = g_strdup(text);
	return text;
}
