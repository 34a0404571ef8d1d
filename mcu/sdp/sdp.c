/* McuSdp: life, building, and looking at attributes. Not here: parse.c, write.c. */
#include "sdp/sdp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sdp/sdp_priv.h"

McuSdp *mcu_sdp_new(void)
{
	return g_new0(McuSdp, 1);
}

void mcu_sdp_free(McuSdp *sdp)
{
	if (!sdp)
		return;
	g_free(sdp->s.attrs);
	for (size_t i = 0; i < sdp->n_media; i++)
		g_free(sdp->media[i].s.attrs);
	if (sdp->made)
		g_string_chunk_free(sdp->made);
	g_free(sdp->text);
	g_free(sdp);
}

const char *mcu_sdp_string(McuSdp *sdp, const char *str)
{
	if (!sdp->made)
		sdp->made = g_string_chunk_new(1024);
	return g_string_chunk_insert(sdp->made, str);
}

McuSdpMedia *mcu_sdp_add_media(McuSdp *sdp, const char *type, unsigned port, const char *proto)
{
	McuSdpMedia *m;

	if (sdp->n_media == MCU_SDP_MAX_MEDIA)
		return NULL;
	m = &sdp->media[sdp->n_media++];
	m->type = mcu_sdp_string(sdp, type);
	m->proto = mcu_sdp_string(sdp, proto);
	m->port = port;
	m->n_ports = 1;
	return m;
}

void mcu_sdp_add_format(McuSdp *sdp, McuSdpMedia *media, const char *format)
{
	if (media->n_formats < MCU_SDP_MAX_FORMATS)
		media->formats[media->n_formats++] = mcu_sdp_string(sdp, format);
}

int mcu_sdp_section_push(McuSdpSection *section, const McuSdpAttr *attr)
{
	if (section->n_attrs == MCU_SDP_MAX_ATTRS)
		return -EOVERFLOW;
	if (section->n_attrs == section->attrs_size) {
		size_t size = section->attrs_size ? section->attrs_size * 2 : 16;
		McuSdpAttr *grown = g_try_renew(McuSdpAttr, section->attrs, size);

		if (!grown)
			return -ENOMEM;
		section->attrs = grown;
		section->attrs_size = size;
	}
	section->attrs[section->n_attrs++] = *attr;
	return 0;
}

void mcu_sdp_add_attr(McuSdp *sdp, McuSdpSection *section, const char *name, const char *value_fmt,
		      ...)
{
	McuSdpAttr attr = { .name = mcu_sdp_string(sdp, name) };

	if (value_fmt) {
		g_autofree char *value = NULL;
		va_list ap;

		va_start(ap, value_fmt);
		value = g_strdup_vprintf(value_fmt, ap);
		va_end(ap);
		attr.value = mcu_sdp_string(sdp, value);
	}
	(void)mcu_sdp_section_push(section, &attr);
}

void mcu_sdp_add_bandwidth(McuSdp *sdp, McuSdpSection *section, const char *type, uint64_t value)
{
	if (section->n_b < MCU_SDP_MAX_BANDWIDTH)
		section->b[section->n_b++] =
			(McuSdpBandwidth){ .type = mcu_sdp_string(sdp, type), .value = value };
}

const McuSdpAttr *mcu_sdp_attr_next(const McuSdpSection *section, const char *name,
				    const McuSdpAttr *after)
{
	for (size_t i = after ? (size_t)(after - section->attrs) + 1 : 0; i < section->n_attrs; i++)
		if (g_ascii_strcasecmp(section->attrs[i].name, name) == 0)
			return &section->attrs[i];
	return NULL;
}

const McuSdpAttr *mcu_sdp_attr(const McuSdpSection *section, const char *name)
{
	return mcu_sdp_attr_next(section, name, NULL);
}

const char *mcu_sdp_value(const McuSdp *sdp, const McuSdpMedia *media, const char *name)
{
	const McuSdpAttr *a = mcu_sdp_attr(&media->s, name);

	if (!a)
		a = mcu_sdp_attr(&sdp->s, name);
	return a ? a->value : NULL;
}

bool mcu_sdp_read_uint(const char **p, uint64_t max, uint64_t *ret)
{
	const char *s = *p;
	uint64_t v = 0;

	if (!g_ascii_isdigit(*s))
		return false;
	for (; g_ascii_isdigit(*s); s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*p = s;
	*ret = v;
	return true;
}

int mcu_sdp_format_pt(const McuSdpMedia *media, size_t i)
{
	const char *p = media->formats[i];
	uint64_t v;

	if (!mcu_sdp_read_uint(&p, 127, &v) || *p)
		return -1;
	return (int)v;
}

/* "96 H264/90000": the rest after the payload type when it is the one asked for. */
static const char *value_for_pt(const char *value, int pt)
{
	uint64_t v;

	if (!value || !mcu_sdp_read_uint(&value, 127, &v) || (int)v != pt)
		return NULL;
	if (*value && *value != ' ' && *value != '\t')
		return NULL;
	return value + strspn(value, " \t");
}

static const struct {
	int pt;
	McuSdpRtpmap map;
} static_pts[] = {
	{ 0, { "PCMU", 8000, 1 } },   { 3, { "GSM", 8000, 1 } },  { 8, { "PCMA", 8000, 1 } },
	{ 9, { "G722", 8000, 1 } },   { 13, { "CN", 8000, 1 } },  { 18, { "G729", 8000, 1 } },
	{ 31, { "H261", 90000, 1 } }, { 34, { "H263", 90000, 1 } },
};

static bool read_rtpmap(const char *text, McuSdpRtpmap *ret)
{
	size_t n = strcspn(text, "/");
	uint64_t clock, channels = 1;

	if (n == 0 || n >= sizeof(ret->encoding) || text[n] != '/')
		return false;
	const char *p = text + n + 1;
	if (!mcu_sdp_read_uint(&p, 1000000, &clock) || clock == 0)
		return false;
	if (*p == '/') {
		p++;
		if (!mcu_sdp_read_uint(&p, 255, &channels))
			channels = 1;
	}
	memcpy(ret->encoding, text, n);
	ret->encoding[n] = '\0';
	ret->clock_hz = (uint32_t)clock;
	ret->channels = (unsigned)channels;
	return true;
}

bool mcu_sdp_rtpmap(const McuSdpMedia *media, int pt, McuSdpRtpmap *ret)
{
	for (const McuSdpAttr *a = NULL; (a = mcu_sdp_attr_next(&media->s, "rtpmap", a));) {
		const char *rest = value_for_pt(a->value, pt);

		if (rest)
			return read_rtpmap(rest, ret);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(static_pts); i++)
		if (static_pts[i].pt == pt) {
			*ret = static_pts[i].map;
			return true;
		}
	return false;
}

const char *mcu_sdp_fmtp(const McuSdpMedia *media, int pt)
{
	for (const McuSdpAttr *a = NULL; (a = mcu_sdp_attr_next(&media->s, "fmtp", a));) {
		const char *rest = value_for_pt(a->value, pt);

		if (rest)
			return rest;
	}
	return NULL;
}

bool mcu_sdp_fmtp_get(const char *fmtp, const char *key, char *ret_value, size_t size)
{
	size_t key_len = strlen(key);

	for (const char *p = fmtp; p && *p;) {
		p += strspn(p, "; \t");
		size_t n = strcspn(p, ";");
		size_t name = strcspn(p, "=; \t");

		if (name == key_len && g_ascii_strncasecmp(p, key, name) == 0) {
			const char *v = p + name + strspn(p + name, " \t");

			v += *v == '=';
			while (v < p + n && (*v == ' ' || *v == '\t'))
				v++;
			size_t len = v < p + n ? (size_t)(p + n - v) : 0;
			while (len && (v[len - 1] == ' ' || v[len - 1] == '\t'))
				len--;
			g_strlcpy(ret_value, v, MIN(len + 1, size));
			return true;
		}
		p += n;
	}
	return false;
}

unsigned mcu_sdp_fmtp_uint(const char *fmtp, const char *key, unsigned fallback)
{
	char text[16];
	const char *p = text;
	uint64_t v;

	if (!mcu_sdp_fmtp_get(fmtp, key, text, sizeof(text)) ||
	    !mcu_sdp_read_uint(&p, G_MAXINT32, &v) || *p)
		return fallback;
	return (unsigned)v;
}

static const char *const direction_names[] = {
	[MCU_SDP_SENDRECV] = "sendrecv",
	[MCU_SDP_SENDONLY] = "sendonly",
	[MCU_SDP_RECVONLY] = "recvonly",
	[MCU_SDP_INACTIVE] = "inactive",
};

const char *mcu_sdp_direction_name(McuSdpDirection d)
{
	return d >= MCU_SDP_SENDRECV && d <= MCU_SDP_INACTIVE ? direction_names[d] : "unknown";
}

static McuSdpDirection section_direction(const McuSdpSection *s)
{
	for (size_t i = 0; i < s->n_attrs; i++)
		for (unsigned d = MCU_SDP_SENDRECV; d <= MCU_SDP_INACTIVE; d++)
			if (g_ascii_strcasecmp(s->attrs[i].name, direction_names[d]) == 0)
				return (McuSdpDirection)d;
	return 0;
}

McuSdpDirection mcu_sdp_direction(const McuSdp *sdp, const McuSdpMedia *media)
{
	McuSdpDirection d = section_direction(&media->s);

	if (!d)
		d = section_direction(&sdp->s);
	return d ? d : MCU_SDP_SENDRECV;
}

bool mcu_sdp_direction_sends(McuSdpDirection d)
{
	return d == MCU_SDP_SENDRECV || d == MCU_SDP_SENDONLY;
}

bool mcu_sdp_direction_receives(McuSdpDirection d)
{
	return d == MCU_SDP_SENDRECV || d == MCU_SDP_RECVONLY;
}

static McuSdpDirection direction_of(bool sends, bool receives)
{
	if (sends)
		return receives ? MCU_SDP_SENDRECV : MCU_SDP_SENDONLY;
	return receives ? MCU_SDP_RECVONLY : MCU_SDP_INACTIVE;
}

McuSdpDirection mcu_sdp_direction_reverse(McuSdpDirection d)
{
	return direction_of(mcu_sdp_direction_receives(d), mcu_sdp_direction_sends(d));
}

McuSdpDirection mcu_sdp_direction_and(McuSdpDirection d1, McuSdpDirection d2)
{
	return direction_of(mcu_sdp_direction_sends(d1) && mcu_sdp_direction_sends(d2),
			    mcu_sdp_direction_receives(d1) && mcu_sdp_direction_receives(d2));
}

static const struct {
	const char *name;
	McuSdpProto proto;
} protos[] = {
	{ "RTP/AVP", MCU_SDP_RTP_AVP },
	{ "RTP/AVPF", MCU_SDP_RTP_AVPF },
	{ "RTP/SAVP", MCU_SDP_RTP_SAVP },
	{ "RTP/SAVPF", MCU_SDP_RTP_SAVPF },
	{ "UDP/TLS/RTP/SAVP", MCU_SDP_DTLS_SAVP },
	{ "TCP/TLS/RTP/SAVP", MCU_SDP_DTLS_SAVP },
	{ "UDP/TLS/RTP/SAVPF", MCU_SDP_DTLS_SAVPF },
	{ "TCP/TLS/RTP/SAVPF", MCU_SDP_DTLS_SAVPF },
};

McuSdpProto mcu_sdp_proto(const McuSdpMedia *media)
{
	for (size_t i = 0; i < G_N_ELEMENTS(protos); i++)
		if (g_ascii_strcasecmp(protos[i].name, media->proto) == 0)
			return protos[i].proto;
	return MCU_SDP_PROTO_OTHER;
}

const char *mcu_sdp_proto_name(McuSdpProto proto)
{
	for (size_t i = 0; i < G_N_ELEMENTS(protos); i++)
		if (protos[i].proto == proto)
			return protos[i].name;
	return "other";
}

const McuSdpConnection *mcu_sdp_connection(const McuSdp *sdp, const McuSdpMedia *media)
{
	return media->s.c.address ? &media->s.c : &sdp->s.c;
}

static uint64_t bandwidth_of(const McuSdpSection *s, const char *type, uint64_t scale)
{
	for (size_t i = 0; i < s->n_b; i++)
		if (g_ascii_strcasecmp(s->b[i].type, type) == 0)
			return s->b[i].value * scale;
	return 0;
}

uint64_t mcu_sdp_bandwidth_bps(const McuSdp *sdp, const McuSdpMedia *media)
{
	const struct {
		const McuSdpSection *section;
		const char *type;
		uint64_t scale;
	} order[] = {
		{ &media->s, "TIAS", 1 }, { &media->s, "AS", 1000 }, { &sdp->s, "TIAS", 1 },
		{ &sdp->s, "CT", 1000 },  { &sdp->s, "AS", 1000 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
		uint64_t v = bandwidth_of(order[i].section, order[i].type, order[i].scale);

		if (v)
			return v;
	}
	return 0;
}
