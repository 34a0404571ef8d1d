/* text -> McuSdp. The text is copied once and cut into strings in place. */
#include <string.h>

#include "sdp/sdp.h"
#include "sdp/sdp_priv.h"

typedef struct Parser {
	McuSdp *sdp;
	McuSdpSection *section; /* that lines belong to now */
	McuSdpMedia *media;     /* NULL = session */
	McuDiag *diag;
	unsigned line;
} Parser;

/* At most 40 characters of what a peer sent, fit for a message. */
typedef struct Shown {
	char text[48];
} Shown;

static Shown shown(const char *text)
{
	Shown s = { "" };
	size_t n = 0;

	for (; *text && n < 40; text++)
		s.text[n++] = g_ascii_isprint(*text) ? *text : '?';
	if (*text)
		memcpy(s.text + n, "...", 4);
	return s;
}

/* Cut the next blank-separated word off *p; NULL at the end. */
static char *next_word(char **p)
{
	char *word = *p + strspn(*p, " \t");
	char *end = word + strcspn(word, " \t");

	if (!*word)
		return NULL;
	*p = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static int fail(Parser *ps, const char *what, const char *found)
{
	mcu_diag_where(ps->diag, ps->line, 0, "SDP");
	return mcu_diag(ps->diag, -EINVAL, "found \"%s\", expected %s", shown(found).text, what);
}

static int over_limit(Parser *ps, const char *what, unsigned limit)
{
	mcu_diag_where(ps->diag, ps->line, 0, "SDP");
	return mcu_diag(ps->diag, -EOVERFLOW, "more than %u %s", limit, what);
}

/* "IN IP4 192.0.2.1/127": p after "IN ". */
static int read_address(Parser *ps, char *p, const char *whole, McuSdpConnection *ret)
{
	char *net = next_word(&p), *type = next_word(&p), *address = next_word(&p);

	if (!net || !type || !address || g_ascii_strcasecmp(net, "IN") != 0)
		return fail(ps, "\"IN IP4|IP6 address\"", whole);
	if (g_ascii_strcasecmp(type, "IP4") != 0 && g_ascii_strcasecmp(type, "IP6") != 0)
		return fail(ps, "address type IP4 or IP6", type);
	address[strcspn(address, "/")] = '\0';
	if (!*address)
		return fail(ps, "an address", whole);
	ret->address = address;
	ret->ipv6 = g_ascii_strcasecmp(type, "IP6") == 0;
	return 0;
}

static int parse_origin(Parser *ps, char *value)
{
	McuSdp *sdp = ps->sdp;
	McuSdpConnection origin;
	char *user = next_word(&value), *id = next_word(&value), *version = next_word(&value);

	if (!user || !id || !version)
		return fail(ps, "o=user id version IN IP4|IP6 address", user ? user : "");
	int r = read_address(ps, value, user, &origin);
	if (r < 0)
		return r;
	sdp->user = user;
	sdp->session_id = id;
	sdp->version = version;
	sdp->origin = origin;
	return 0;
}

static int parse_bandwidth(Parser *ps, char *value)
{
	McuSdpSection *s = ps->section;
	char *colon = strchr(value, ':');
	uint64_t v;

	if (!colon || colon == value)
		return fail(ps, "b=type:number", value);
	if (s->n_b == MCU_SDP_MAX_BANDWIDTH)
		return over_limit(ps, "b= lines in one section", MCU_SDP_MAX_BANDWIDTH);
	const char *p = colon + 1 + strspn(colon + 1, " \t");
	if (!mcu_sdp_read_uint(&p, MCU_SDP_MAX_BANDWIDTH_VALUE, &v) || *p)
		return fail(ps, "b=type:number", value);
	*colon = '\0';
	s->b[s->n_b++] = (McuSdpBandwidth){ .type = value, .value = v };
	return 0;
}

/* Attributes the agent counts on must name a payload type; the rest is looked at when used. */
static int check_attr(Parser *ps, const McuSdpAttr *a)
{
	bool rtpmap = g_ascii_strcasecmp(a->name, "rtpmap") == 0;
	uint64_t v;

	if (!rtpmap && g_ascii_strcasecmp(a->name, "fmtp") != 0)
		return 0;
	if (!ps->media || mcu_sdp_proto(ps->media) == MCU_SDP_PROTO_OTHER)
		return 0;
	const char *p = a->value ? a->value : "";
	if (!mcu_sdp_read_uint(&p, 127, &v) || (*p && *p != ' ' && *p != '\t'))
		return fail(ps, rtpmap ? "a=rtpmap:0-127 encoding/clock" : "a=fmtp:0-127 parameters",
			    a->value ? a->value : "");
	return 0;
}

static int parse_attr(Parser *ps, char *value)
{
	McuSdpAttr a = { .name = value, .line = ps->line };
	char *colon = strchr(value, ':');

	if (colon) {
		*colon = '\0';
		a.value = colon + 1 + strspn(colon + 1, " \t");
	}
	if (!*value)
		return fail(ps, "an attribute name after a=", colon ? a.value : "");
	int r = check_attr(ps, &a);
	if (r < 0)
		return r;
	r = mcu_sdp_section_push(ps->section, &a);
	if (r == -EOVERFLOW)
		return over_limit(ps, "a= lines in one section", MCU_SDP_MAX_ATTRS);
	return r < 0 ? mcu_diag(ps->diag, r, "out of memory") : 0;
}

static int parse_media_ports(Parser *ps, const char *text, McuSdpMedia *m)
{
	const char *p = text;
	uint64_t port, count = 1;

	if (!mcu_sdp_read_uint(&p, 65535, &port))
		return fail(ps, "a port from 0 to 65535", text);
	if (*p == '/') {
		p++;
		if (!mcu_sdp_read_uint(&p, 65535, &count) || count == 0)
			return fail(ps, "port/number of ports", text);
	}
	if (*p)
		return fail(ps, "a port from 0 to 65535", text);
	m->port = (unsigned)port;
	m->n_ports = (unsigned)count;
	return 0;
}

static int parse_media(Parser *ps, char *value)
{
	McuSdp *sdp = ps->sdp;
	char *type = next_word(&value), *port = next_word(&value), *proto = next_word(&value);
	McuSdpMedia *m;

	if (!type || !port || !proto)
		return fail(ps, "m=media port protocol formats", type ? type : "");
	if (sdp->n_media == MCU_SDP_MAX_MEDIA)
		return over_limit(ps, "m= lines", MCU_SDP_MAX_MEDIA);
	m = &sdp->media[sdp->n_media++];
	m->type = type;
	m->proto = proto;
	m->line = ps->line;
	ps->media = m;
	ps->section = &m->s;
	int r = parse_media_ports(ps, port, m);
	if (r < 0)
		return r;
	for (const char *f; (f = next_word(&value));) {
		if (m->n_formats == MCU_SDP_MAX_FORMATS)
			return over_limit(ps, "formats in one m= line", MCU_SDP_MAX_FORMATS);
		m->formats[m->n_formats++] = f;
		if (mcu_sdp_proto(m) != MCU_SDP_PROTO_OTHER &&
		    mcu_sdp_format_pt(m, m->n_formats - 1) < 0)
			return fail(ps, "payload types from 0 to 127", f);
	}
	return m->n_formats ? 0 : fail(ps, "at least one format", type);
}

static int parse_other(Parser *ps, char type, const char *value)
{
	McuSdpSection *s = ps->section;

	if (s->n_other == MCU_SDP_MAX_OTHER)
		return over_limit(ps, "i=, u=, e=, p=, r=, z=, k= lines in one section",
				  MCU_SDP_MAX_OTHER);
	s->other[s->n_other++] = (McuSdpOther){ .type = type, .value = value };
	return 0;
}

static int parse_line(Parser *ps, char type, char *value)
{
	McuSdp *sdp = ps->sdp;

	switch (type) {
	case 'v':
		return strcmp(value, "0") == 0 ? 0 : fail(ps, "version v=0", value);
	case 'o':
		return ps->media || sdp->session_id ? fail(ps, "one o= line, before m=", value)
						    : parse_origin(ps, value);
	case 's':
		if (!ps->media && !sdp->name)
			sdp->name = value;
		return 0;
	case 't':
		if (!ps->media && !sdp->timing)
			sdp->timing = value;
		return 0;
	case 'c':
		/* the first of several multicast addresses counts */
		return ps->section->c.address ? 0
					      : read_address(ps, value, value, &ps->section->c);
	case 'b':
		return parse_bandwidth(ps, value);
	case 'a':
		return parse_attr(ps, value);
	case 'm':
		return parse_media(ps, value);
	default:
		return parse_other(ps, type, value);
	}
}

/* Ends the line at `p` with NUL, without its blanks, and returns the start of the next one. */
static char *cut_line(char *p, char *end)
{
	char *lf = memchr(p, '\n', (size_t)(end - p));
	char *next = lf ? lf + 1 : end;
	char *tail = lf ? lf : end;

	while (tail > p && (tail[-1] == '\r' || tail[-1] == ' ' || tail[-1] == '\t'))
		tail--;
	*tail = '\0';
	return next;
}

static int parse_text(Parser *ps, char *p, char *end)
{
	while (p < end) {
		char *next = cut_line(p, end);

		ps->line++;
		if (*p) {
			for (const char *c = p; *c; c++)
				if (g_ascii_iscntrl(*c) && *c != '\t')
					return fail(ps, "no control characters", p);
			if (!g_ascii_isalpha(p[0]) || p[1] != '=')
				return fail(ps, "a line \"letter=value\"", p);
			char *value = p + 2;
			value += strspn(value, " \t");
			int r = parse_line(ps, g_ascii_tolower(p[0]), value);
			if (r < 0)
				return r;
		}
		p = next;
	}
	return 0;
}

int mcu_sdp_parse(const char *text, size_t len, McuSdp **ret, McuDiag *reterr)
{
	g_autoptr(McuSdp) sdp = NULL;

	mcu_diag_where(reterr, 0, 0, "SDP");
	if (len > MCU_SDP_MAX_BYTES)
		return mcu_diag(reterr, -EOVERFLOW, "%zu bytes, expected at most %u", len,
				MCU_SDP_MAX_BYTES);
	if (memchr(text, '\0', len))
		return mcu_diag(reterr, -EINVAL, "found a NUL byte, expected text");
	sdp = mcu_sdp_new();
	sdp->text = g_try_malloc(len + 1);
	if (!sdp->text)
		return mcu_diag(reterr, -ENOMEM, "out of memory");
	memcpy(sdp->text, text, len);
	sdp->text[len] = '\0';

	Parser ps = { .sdp = sdp, .section = &sdp->s, .diag = reterr };
	int r = parse_text(&ps, sdp->text, sdp->text + len);
	if (r < 0)
		return r;
	if (!sdp->session_id && !sdp->name && sdp->n_media == 0)
		return mcu_diag(reterr, -EINVAL, "found no o=, s= or m= line, expected SDP");
	*ret = g_steal_pointer(&sdp);
	return 0;
}
