/* McuSdp -> text. */
#include "sdp/sdp.h"

static void write_connection(GString *out, const McuSdpConnection *c)
{
	if (c->address)
		g_string_append_printf(out, "c=IN %s %s\r\n", c->ipv6 ? "IP6" : "IP4", c->address);
}

static void write_other(GString *out, const McuSdpSection *s, const char *types)
{
	for (const char *t = types; *t; t++)
		for (size_t i = 0; i < s->n_other; i++)
			if (s->other[i].type == *t)
				g_string_append_printf(out, "%c=%s\r\n", *t, s->other[i].value);
}

static void write_bandwidth(GString *out, const McuSdpSection *s)
{
	for (size_t i = 0; i < s->n_b; i++)
		g_string_append_printf(out, "b=%s:%" G_GUINT64_FORMAT "\r\n", s->b[i].type,
				       s->b[i].value);
}

static void write_attrs(GString *out, const McuSdpSection *s)
{
	for (size_t i = 0; i < s->n_attrs; i++) {
		g_string_append_printf(out, "a=%s", s->attrs[i].name);
		if (s->attrs[i].value)
			g_string_append_printf(out, ":%s", s->attrs[i].value);
		g_string_append(out, "\r\n");
	}
}

static void write_media(GString *out, const McuSdpMedia *m)
{
	g_string_append_printf(out, "m=%s %u", m->type, m->port);
	if (m->n_ports > 1)
		g_string_append_printf(out, "/%u", m->n_ports);
	g_string_append_printf(out, " %s", m->proto);
	for (size_t i = 0; i < m->n_formats; i++)
		g_string_append_printf(out, " %s", m->formats[i]);
	g_string_append(out, "\r\n");
	write_other(out, &m->s, "i");
	write_connection(out, &m->s.c);
	write_bandwidth(out, &m->s);
	write_other(out, &m->s, "k");
	write_attrs(out, &m->s);
}

char *mcu_sdp_write(const McuSdp *sdp)
{
	GString *out = g_string_sized_new(1024);

	g_string_append(out, "v=0\r\n");
	g_string_append_printf(out, "o=%s %s %s IN %s %s\r\n", sdp->user ? sdp->user : "-",
			       sdp->session_id ? sdp->session_id : "0",
			       sdp->version ? sdp->version : "0", sdp->origin.ipv6 ? "IP6" : "IP4",
			       sdp->origin.address ? sdp->origin.address : "0.0.0.0");
	g_string_append_printf(out, "s=%s\r\n", sdp->name && *sdp->name ? sdp->name : "-");
	write_other(out, &sdp->s, "iuep");
	write_connection(out, &sdp->s.c);
	write_bandwidth(out, &sdp->s);
	g_string_append_printf(out, "t=%s\r\n", sdp->timing ? sdp->timing : "0 0");
	write_other(out, &sdp->s, "rzk");
	write_attrs(out, &sdp->s);
	for (size_t i = 0; i < sdp->n_media; i++)
		write_media(out, &sdp->media[i]);
	return g_string_free(out, FALSE);
}
