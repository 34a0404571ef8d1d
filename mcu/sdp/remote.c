/* What a remote m= line says besides its formats, and whether it can be used. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sdp/agent_priv.h"
#include "sdp/sdp_priv.h"

void mcu_sdp_line_refuse(Line *line, const char *fmt, ...)
{
	va_list ap;

	line->stream.enabled = false;
	va_start(ap, fmt);
	(void)vsnprintf(line->stream.reason, sizeof(line->stream.reason), fmt, ap);
	va_end(ap);
}

void mcu_sdp_line_key(const Line *line, McuSrtpSuite suite, McuSrtpKey *ret)
{
	ret->suite = suite;
	memcpy(ret->bytes, line->random + (size_t)(suite - 1) * MCU_SRTP_KEY_MAX,
	       MCU_SRTP_KEY_MAX);
}

static void copy_token(char *dst, size_t size, const char *src)
{
	dst[0] = '\0';
	if (src && strlen(src) < size)
		g_strlcpy(dst, src, size);
}

static const char *media_value(const McuSdpMedia *m, const char *name)
{
	const McuSdpAttr *a = mcu_sdp_attr(&m->s, name);

	return a ? a->value : NULL;
}

void mcu_sdp_remote_identity(const McuSdpMedia *m, McuSdpStream *s)
{
	copy_token(s->mid, sizeof(s->mid), media_value(m, "mid"));
	copy_token(s->content, sizeof(s->content), media_value(m, "content"));
	copy_token(s->label, sizeof(s->label), media_value(m, "label"));
	if (g_ascii_strcasecmp(m->type, "audio") == 0)
		s->kind = MCU_SDP_AUDIO;
	else if (g_ascii_strcasecmp(m->type, "video") == 0)
		s->kind = strstr(s->content, "slides") ? MCU_SDP_SLIDES : MCU_SDP_VIDEO;
	else if (g_ascii_strcasecmp(m->type, "application") == 0)
		s->kind = MCU_SDP_APPLICATION;
	else
		s->kind = MCU_SDP_KIND_OTHER;
}

typedef enum AddressUse {
	ADDRESS_OK = 1,
	ADDRESS_UNKNOWN, /* a name or nothing: wait for the peer's packets */
	ADDRESS_HOLD,    /* 0.0.0.0, RFC 2543 */
	ADDRESS_BAD,     /* multicast or broadcast: we do not send there */
} AddressUse;

static AddressUse judge_address(const char *address)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (!address)
		return ADDRESS_UNKNOWN;
	if (inet_pton(AF_INET, address, &v4) == 1) {
		uint32_t host = ntohl(v4.s_addr);

		if (host == INADDR_ANY)
			return ADDRESS_HOLD;
		return host >= 0xe0000000 ? ADDRESS_BAD : ADDRESS_OK;
	}
	if (inet_pton(AF_INET6, address, &v6) != 1)
		return ADDRESS_UNKNOWN;
	if (IN6_IS_ADDR_UNSPECIFIED(&v6))
		return ADDRESS_HOLD;
	return IN6_IS_ADDR_MULTICAST(&v6) || IN6_IS_ADDR_V4MAPPED(&v6) ? ADDRESS_BAD : ADDRESS_OK;
}

static bool read_address(const McuSdp *sdp, const McuSdpMedia *m, Line *line, bool *ret_hold)
{
	McuSdpStream *s = &line->stream;
	const char *address = mcu_sdp_connection(sdp, m)->address;
	AddressUse use = judge_address(address);

	*ret_hold = use == ADDRESS_HOLD;
	s->remote_address[0] = '\0';
	if (use == ADDRESS_BAD) {
		mcu_sdp_line_refuse(line, "the address is not a unicast one");
		return false;
	}
	if (use == ADDRESS_OK)
		g_strlcpy(s->remote_address, address, sizeof(s->remote_address));
	return true;
}

static void read_rtcp_port(const McuSdpCaps *caps, const McuSdpMedia *m, McuSdpStream *s)
{
	const char *rtcp = media_value(m, "rtcp");
	uint64_t port;

	s->rtcp_mux = caps->rtcp_mux && mcu_sdp_attr(&m->s, "rtcp-mux");
	s->remote_rtp_port = (uint16_t)m->port;
	s->remote_rtcp_port = (uint16_t)(m->port < 65535 ? m->port + 1 : 0);
	if (s->rtcp_mux)
		s->remote_rtcp_port = s->remote_rtp_port;
	else if (rtcp && mcu_sdp_read_uint(&rtcp, 65535, &port) && port > 0)
		s->remote_rtcp_port = (uint16_t)port;
}

static const struct {
	const char *text;
	unsigned bit;
} feedbacks[] = {
	{ "nack", MCU_SDP_FB_NACK },      { "nack pli", MCU_SDP_FB_PLI },
	{ "ccm fir", MCU_SDP_FB_FIR },    { "ccm tmmbr", MCU_SDP_FB_TMMBR },
	{ "goog-remb", MCU_SDP_FB_REMB },
};

const char *mcu_sdp_feedback_text(unsigned bit)
{
	for (size_t i = 0; i < G_N_ELEMENTS(feedbacks); i++)
		if (feedbacks[i].bit == bit)
			return feedbacks[i].text;
	return "";
}

static unsigned feedback_bit(const char *text)
{
	for (size_t i = 0; i < G_N_ELEMENTS(feedbacks); i++)
		if (g_ascii_strcasecmp(text, feedbacks[i].text) == 0)
			return feedbacks[i].bit;
	return 0;
}

/* INTEROP: "ccm fir tmmbr" on one line is what Polycom writes; parameters ("smaxpr=120") stand
 * where further messages do, and are passed over. */
static unsigned feedback_bits(const char *text)
{
	unsigned bits = 0;

	if (g_ascii_strncasecmp(text, "ccm ", 4) != 0)
		return feedback_bit(text);
	for (const char *p = text + 4; *(p += strspn(p, " \t")); p += strcspn(p, " \t")) {
		char message[32];

		g_snprintf(message, sizeof(message), "ccm %.*s", (int)strcspn(p, " \t"), p);
		bits |= feedback_bit(message);
	}
	return bits;
}

/* INTEROP: a=rtcp-fb counts with RTP/AVP as well; room systems write it there. */
static void read_feedback(const McuSdpCaps *caps, const McuSdpMedia *m, Line *line)
{
	McuSdpStream *s = &line->stream;
	unsigned bits = 0;

	line->fb_wildcard = false;
	for (const McuSdpAttr *a = NULL; (a = mcu_sdp_attr_next(&m->s, "rtcp-fb", a));) {
		const char *p = a->value;
		uint64_t pt;

		if (!p)
			continue;
		if (*p == '*') {
			p++;
			line->fb_wildcard = true;
		} else if (!mcu_sdp_read_uint(&p, 127, &pt) || pt != s->send_pt) {
			continue;
		}
		bits |= feedback_bits(p + strspn(p, " \t"));
	}
	s->feedback = s->kind == MCU_SDP_AUDIO ? 0 : bits & caps->feedback;
}

static void read_timing(const McuSdpCaps *caps, const McuSdpMedia *m, McuSdpStream *s)
{
	const char *ptime = media_value(m, "ptime"), *max = media_value(m, "maxptime");
	const char *rate = media_value(m, "framerate");
	uint64_t v;

	s->ptime_ms = caps->ptime_ms;
	if (ptime && mcu_sdp_read_uint(&ptime, 1000, &v))
		s->ptime_ms = (unsigned)v;
	if (max && mcu_sdp_read_uint(&max, 1000, &v) && v >= 10 && v < s->ptime_ms)
		s->ptime_ms = (unsigned)v;
	s->ptime_ms = CLAMP(s->ptime_ms / 10 * 10, 10, 60);
	/* the next lower Opus frame size */
	if (s->codec == MCU_CODEC_OPUS && (s->ptime_ms == 30 || s->ptime_ms == 50))
		s->ptime_ms -= 10;
	s->max_fps = 0;
	if (rate && mcu_sdp_read_uint(&rate, 1000, &v))
		s->max_fps = (unsigned)v;
}

bool mcu_sdp_remote_flow(const McuSdpCaps *caps, const McuSdp *sdp, const McuSdpMedia *m,
			 Line *line, bool local_hold)
{
	McuSdpStream *s = &line->stream;
	McuSdpDirection d = mcu_sdp_direction_reverse(mcu_sdp_direction(sdp, m));
	bool zero_address;

	if (!read_address(sdp, m, line, &zero_address))
		return false;
	if (zero_address)
		d = mcu_sdp_direction_and(d, MCU_SDP_RECVONLY);
	s->hold = !mcu_sdp_direction_sends(d);
	s->direction = mcu_sdp_direction_and(d, line->wanted);
	if (local_hold)
		s->direction = mcu_sdp_direction_and(s->direction, MCU_SDP_SENDONLY);
	s->local_hold = local_hold;
	read_rtcp_port(caps, m, s);
	read_feedback(caps, m, line);
	read_timing(caps, m, s);
	s->send_limit_bps = mcu_sdp_bandwidth_bps(sdp, m);
	return true;
}

static bool in_suites(const McuSrtpSuite *list, size_t n, McuSrtpSuite suite)
{
	for (size_t i = 0; i < n && list[i]; i++)
		if (list[i] == suite)
			return true;
	return false;
}

/* The first a=crypto line we can do; those we cannot are skipped (RFC 4568 section 5.1.2). */
static bool take_crypto(const McuSrtpSuite *allowed, size_t n_allowed, const McuSdpMedia *m,
			Line *line)
{
	for (const McuSdpAttr *a = NULL; (a = mcu_sdp_attr_next(&m->s, "crypto", a));) {
		McuSdpCrypto c;

		if (!a->value || mcu_sdp_crypto_parse(a->value, &c, NULL) < 0 ||
		    !in_suites(allowed, n_allowed, c.key.suite))
			continue;
		line->crypto_tag = c.tag;
		line->stream.recv_key = c.key;
		line->stream.send_key.suite = c.key.suite;
		line->stream.secure = true;
		explicit_bzero(&c, sizeof(c));
		return true;
	}
	return false;
}

static bool judge_proto(const McuSdpMedia *m, Line *line, bool *ret_savp)
{
	switch (mcu_sdp_proto(m)) {
	case MCU_SDP_RTP_AVP:
	case MCU_SDP_RTP_AVPF:
		*ret_savp = false;
		break;
	case MCU_SDP_RTP_SAVP:
	case MCU_SDP_RTP_SAVPF:
		*ret_savp = true;
		break;
	case MCU_SDP_DTLS_SAVP:
	case MCU_SDP_DTLS_SAVPF:
		mcu_sdp_line_refuse(line, "DTLS-SRTP is not supported on this leg");
		return false;
	default:
		mcu_sdp_line_refuse(line, "unknown protocol");
		return false;
	}
	line->stream.avpf = mcu_sdp_proto(m) == MCU_SDP_RTP_AVPF ||
			    mcu_sdp_proto(m) == MCU_SDP_RTP_SAVPF;
	return true;
}

static bool refuse_unprotected(const McuSdpMedia *m, bool savp, Line *line)
{
	mcu_sdp_line_refuse(line, "%s%s", savp ? "" : "SRTP is required here, ",
			    mcu_sdp_attr(&m->s, "crypto") ? "no a=crypto line is usable" :
							    "no a=crypto line is there");
	return false;
}

bool mcu_sdp_remote_protection(const McuSdpCaps *caps, const McuSdpMedia *m, Line *line)
{
	McuSdpStream *s = &line->stream;
	bool savp;

	s->secure = false;
	s->send_key.suite = s->recv_key.suite = 0;
	if (!judge_proto(m, line, &savp))
		return false;
	if (savp && caps->srtp == MCU_SDP_SRTP_OFF) {
		mcu_sdp_line_refuse(line, "SRTP is switched off here");
		return false;
	}
	if (caps->srtp != MCU_SDP_SRTP_OFF && take_crypto(caps->suites, caps->n_suites, m, line))
		return true;
	if (!savp && caps->srtp != MCU_SDP_SRTP_REQUIRED)
		return true;
	return refuse_unprotected(m, savp, line);
}

bool mcu_sdp_remote_protection_answer(const McuSdpCaps *caps, const McuSdpMedia *m, Line *line)
{
	McuSdpStream *s = &line->stream;
	unsigned tag = line->crypto_tag;
	bool savp;

	s->secure = false;
	s->send_key.suite = s->recv_key.suite = 0;
	if (!judge_proto(m, line, &savp))
		return false;
	if (take_crypto(line->offered, G_N_ELEMENTS(line->offered), m, line)) {
		mcu_sdp_line_key(line, s->send_key.suite, &s->send_key);
		return true;
	}
	line->crypto_tag = tag;
	if (!savp && caps->srtp != MCU_SDP_SRTP_REQUIRED)
		return true;
	return refuse_unprotected(m, savp, line);
}
