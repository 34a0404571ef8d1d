/* INFO in and out: picture fast update (RFC 5168) and digits. */
#include <stdlib.h>
#include <string.h>

#include "sip/sip_priv.h"

#define FAST_UPDATE_TYPE "application/media_control+xml"
#define MAX_INFO_BYTES   4096
#define MAX_DTMF_MS      10000
/** INFOs without an answer; then the peer is left alone. */
#define MAX_OPEN_INFOS 2

static const char fast_update_xml[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"
	"<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder>"
	"</vc_primitive></media_control>\r\n";

void mcu_sip_request_keyframe(McuSipSession *s)
{
	if (!s->established || s->keyframes >= MAX_OPEN_INFOS)
		return;
	s->keyframes++;
	nua_info(s->nh, SIPTAG_CONTENT_TYPE_STR(FAST_UPDATE_TYPE),
		 SIPTAG_PAYLOAD_STR(fast_update_xml), TAG_END());
}

/* "Signal=5\r\nDuration=160" or the bare digit. INTEROP: "Signal= 5" and "10", "11" for * and #. */
bool mcu_sip_parse_dtmf(const char *body, char ret_digit[2], unsigned *ret_duration_ms)
{
	const char *signal = strcasestr(body, "Signal=");
	const char *duration = strcasestr(body, "Duration=");
	const char *p = signal ? signal + strlen("Signal=") : body;

	while (*p == ' ')
		p++;
	if (strncmp(p, "10", 2) == 0)
		p = "*";
	else if (strncmp(p, "11", 2) == 0)
		p = "#";
	ret_digit[0] = g_ascii_toupper(*p);
	ret_digit[1] = '\0';
	*ret_duration_ms =
		duration ? (unsigned)MIN(g_ascii_strtoull(duration + strlen("Duration="), NULL, 10),
					 (guint64)MAX_DTMF_MS)
			 : 0;
	return ret_digit[0] && strchr("0123456789*#ABCD", ret_digit[0]);
}

static int handle_dtmf(McuSipSession *s, const char *body)
{
	unsigned duration_ms;
	char digit[2];

	if (!body || !mcu_sip_parse_dtmf(body, digit, &duration_ms))
		return 400;
	if (s->owner)
		s->agent->sip->events->dtmf(s->owner, digit, duration_ms);
	return 200;
}

void mcu_sip_on_info(McuSipSession *s, const sip_t *sip)
{
	g_autofree char *body = sip ? mcu_sip_body(sip, MAX_INFO_BYTES) : NULL;
	int status = 415;

	if (!body) {
		status = 200; /* RFC 2976: used as a keep-alive */
	} else if (mcu_sip_content_is(sip, FAST_UPDATE_TYPE)) {
		status = 200;
		if (strstr(body, "picture_fast_update") && s->owner)
			s->agent->sip->events->keyframe(s->owner);
	} else if (mcu_sip_content_is(sip, "application/dtmf-relay") ||
		   mcu_sip_content_is(sip, "application/dtmf")) {
		status = handle_dtmf(s, body);
	}
	nua_respond(s->nh, status, sip_status_phrase(status), NUTAG_WITH_THIS(s->agent->nua),
		    TAG_IF(status == 415,
			   SIPTAG_ACCEPT_STR(FAST_UPDATE_TYPE ", application/dtmf-relay")),
		    TAG_END());
}
