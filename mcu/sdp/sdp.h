/* Session descriptions (RFC 8866): text -> McuSdp -> text. Pure: no sockets, no clock.
 * Not here: what an attribute means for a call (agent.h), H.264 parameters (h264.h), a=crypto
 * (crypto.h).
 *
 * Every a= line is kept, in order, as it came; the mcu_sdp_rtpmap() family looks at them. So
 * what we do not know (ICE, DTLS, extmap, ssrc, msid) survives parse -> write.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MCU_SDP_MAX_BYTES     (32 * 1024)
#define MCU_SDP_MAX_MEDIA     16
#define MCU_SDP_MAX_FORMATS   64  /* formats of one m= line */
#define MCU_SDP_MAX_ATTRS     512 /* a= lines of the session or of one m= line */
#define MCU_SDP_MAX_BANDWIDTH 8   /* b= lines of the session or of one m= line */
#define MCU_SDP_MAX_OTHER     16  /* i= u= e= p= r= z= k= lines of the session or of one m= line */

typedef enum McuSdpDirection {
	MCU_SDP_SENDRECV = 1,
	MCU_SDP_SENDONLY,
	MCU_SDP_RECVONLY,
	MCU_SDP_INACTIVE,
} McuSdpDirection;

typedef enum McuSdpProto {
	MCU_SDP_RTP_AVP = 1,
	MCU_SDP_RTP_AVPF,
	MCU_SDP_RTP_SAVP,
	MCU_SDP_RTP_SAVPF,
	MCU_SDP_DTLS_SAVP,  /* UDP/TLS/RTP/SAVP, TCP/TLS/RTP/SAVP likewise */
	MCU_SDP_DTLS_SAVPF, /* UDP/TLS/RTP/SAVPF */
	MCU_SDP_PROTO_OTHER,
} McuSdpProto;

/** One a= line. value NULL = a property ("a=rtcp-mux"). line: where it stood, 0 = made here. */
typedef struct McuSdpAttr {
	const char *name;
	const char *value;
	unsigned line;
} McuSdpAttr;

typedef struct McuSdpBandwidth {
	const char *type; /* "AS" and "CT" in kbit/s, "TIAS" in bit/s, others as they are */
	uint64_t value;
} McuSdpBandwidth;

/** c= line. address NULL = none; otherwise without TTL ("192.0.2.1", "2001:db8::1", a name). */
typedef struct McuSdpConnection {
	const char *address;
	bool ipv6;
} McuSdpConnection;

/** A line whose meaning is not looked at. */
typedef struct McuSdpOther {
	char type;
	const char *value;
} McuSdpOther;

/** What session and m= sections have in common. */
typedef struct McuSdpSection {
	McuSdpConnection c;
	McuSdpBandwidth b[MCU_SDP_MAX_BANDWIDTH];
	size_t n_b;
	McuSdpOther other[MCU_SDP_MAX_OTHER];
	size_t n_other;
	McuSdpAttr *attrs;
	size_t n_attrs, attrs_size;
} McuSdpSection;

typedef struct McuSdpMedia {
	McuSdpSection s;
	const char *type;  /* "audio", "video", "application", … */
	const char *proto; /* as written */
	unsigned port;     /* 0 = refused */
	unsigned n_ports;  /* "port/n"; 1 when absent */
	const char *formats[MCU_SDP_MAX_FORMATS];
	size_t n_formats;
	unsigned line; /* of the m= line */
} McuSdpMedia;

typedef struct McuSdp {
	const char *user, *session_id, *version; /* of o= */
	McuSdpConnection origin;                 /* of o= */
	const char *name;                        /* s= */
	const char *timing;                      /* first t=; NULL = "0 0" */
	McuSdpSection s;
	McuSdpMedia media[MCU_SDP_MAX_MEDIA];
	size_t n_media;
	char *text;         /* what a parsed McuSdp points into */
	GStringChunk *made; /* strings that were added */
} McuSdp;

/** Empty description, to be filled with the mcu_sdp_add_… functions. Owns: caller. */
McuSdp *mcu_sdp_new(void);
void mcu_sdp_free(McuSdp *sdp);

/** Read a description. `text` need not end in NUL.
 * INTEROP: bare LF, blank lines, trailing blanks, any order of the lines of a section and missing
 * v= o= s= t= lines are accepted; unknown lines and attributes are kept.
 * Errors: -EINVAL malformed (the diag names line, what was found and what was expected),
 * -EOVERFLOW a MCU_SDP_MAX_* limit, -ENOMEM.   Owns: caller frees *ret.   Thread: any.
 */
int mcu_sdp_parse(const char *text, size_t len, McuSdp **ret, McuDiag *reterr) MCU_WARN_UNUSED;

/** Write it, CRLF, in the order of RFC 8866 section 9. Owns: caller frees. */
char *mcu_sdp_write(const McuSdp *sdp) MCU_WARN_UNUSED;

/** Append an m= section. NULL when MCU_SDP_MAX_MEDIA is reached. Strings are copied. */
McuSdpMedia *mcu_sdp_add_media(McuSdp *sdp, const char *type, unsigned port, const char *proto);

/** Append a format to an m= line. Strings are copied; what exceeds the limit is left out. */
void mcu_sdp_add_format(McuSdp *sdp, McuSdpMedia *media, const char *format);

/** Append an a= line to a section (&sdp->s or &media->s); value_fmt NULL = a property. */
void mcu_sdp_add_attr(McuSdp *sdp, McuSdpSection *section, const char *name, const char *value_fmt,
		      ...) MCU_PRINTF(4, 5);

/** Append a b= line to a section. */
void mcu_sdp_add_bandwidth(McuSdp *sdp, McuSdpSection *section, const char *type, uint64_t value);

/** A copy of `str` that lives as long as `sdp`. */
const char *mcu_sdp_string(McuSdp *sdp, const char *str);

/** First attribute of that name (case-insensitive) in the section; NULL when there is none. */
const McuSdpAttr *mcu_sdp_attr(const McuSdpSection *section, const char *name);

/** The next one of that name; after = NULL: the first. */
const McuSdpAttr *mcu_sdp_attr_next(const McuSdpSection *section, const char *name,
				    const McuSdpAttr *after);

/** Value of an attribute of the m= section, else of the session; NULL when absent or a property. */
const char *mcu_sdp_value(const McuSdp *sdp, const McuSdpMedia *media, const char *name);

/** The payload type format i names: 0 to 127, or -1 when it is no number. */
int mcu_sdp_format_pt(const McuSdpMedia *media, size_t i);

typedef struct McuSdpRtpmap {
	char encoding[32];
	uint32_t clock_hz;
	unsigned channels; /* 1 when absent */
} McuSdpRtpmap;

/** a=rtpmap of a payload type, or the static assignment of RFC 3551 for 0, 3, 8, 9, 13, 18, 31,
 * 34. False when there is none.
 */
bool mcu_sdp_rtpmap(const McuSdpMedia *media, int pt, McuSdpRtpmap *ret);

/** Parameters of a=fmtp:PT ("minptime=10;useinbandfec=1"); NULL when absent. */
const char *mcu_sdp_fmtp(const McuSdpMedia *media, int pt);

/** Find `key` (case-insensitive) in fmtp parameters. False when absent; *ret_value (may be empty)
 * is cut to its size.
 */
bool mcu_sdp_fmtp_get(const char *fmtp, const char *key, char *ret_value, size_t size);

/** The same as a number; `fallback` when absent or no number in 0 … 2^31-1. */
unsigned mcu_sdp_fmtp_uint(const char *fmtp, const char *key, unsigned fallback);

/** Direction attribute of the m= section, else of the session, else sendrecv. */
McuSdpDirection mcu_sdp_direction(const McuSdp *sdp, const McuSdpMedia *media);

/** The same relation seen from the other side. */
McuSdpDirection mcu_sdp_direction_reverse(McuSdpDirection d);

/** d1 restricted to what d2 allows as well. */
McuSdpDirection mcu_sdp_direction_and(McuSdpDirection d1, McuSdpDirection d2);

bool mcu_sdp_direction_sends(McuSdpDirection d);
bool mcu_sdp_direction_receives(McuSdpDirection d);

/** Attribute name ("sendrecv"). */
const char *mcu_sdp_direction_name(McuSdpDirection d);

McuSdpProto mcu_sdp_proto(const McuSdpMedia *media);
const char *mcu_sdp_proto_name(McuSdpProto proto);

/** Connection that is in force for an m= section. */
const McuSdpConnection *mcu_sdp_connection(const McuSdp *sdp, const McuSdpMedia *media);

/** Bandwidth in bit/s the m= section asks for (TIAS, else AS), else the session (TIAS, CT, AS);
 * 0 = no limit given. AS and CT count packet headers too; they are taken as they are.
 */
uint64_t mcu_sdp_bandwidth_bps(const McuSdp *sdp, const McuSdpMedia *media);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuSdp, mcu_sdp_free)
