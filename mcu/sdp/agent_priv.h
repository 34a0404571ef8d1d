/* Inside of the agent, shared by agent.c, remote.c, formats.c and compose.c. */
#pragma once
#include "sdp/agent.h"
#include "sdp/crypto.h"

/* One m= line: the negotiated stream and what our side of it is made of. */
typedef struct Line {
	McuSdpStream stream;
	McuSdpDirection wanted; /* before hold */
	bool have_local;
	char address[MCU_SDP_ADDRESS_MAX];
	uint16_t rtp_port, rtcp_port;
	uint8_t random[MCU_SDP_RANDOM_LEN];
	char type[64], proto[64];
	char formats[128]; /* of a refused line: echoed */
	unsigned crypto_tag;
	McuSrtpSuite offered[MCU_SRTP_SUITES]; /* by us; 0 ends; tags count up from crypto_tag */
	size_t n_own_pts; /* of recv_pts, those with our numbers */
	bool fb_wildcard;
} Line;

/* A set of m= lines; `remote` is the description they come from. */
typedef struct Session {
	Line *lines;
	size_t n;
	McuSdp *remote;
	bool local_hold;
} Session;

struct McuSdpAgent {
	McuSdpCaps caps;
	char *user, *session_name;
	McuSdpState state;
	Session agreed;
	Session pending;
	uint64_t version;
	char *last_text; /* sent last: the version grows when the next differs */
};

/* formats.c: which payload types of a remote m= line we can use */

/** Fill recv_pts from the peer's formats and choose what we send. False: nothing in common. */
bool mcu_sdp_formats_from_offer(const McuSdpCaps *caps, const McuSdpMedia *m, McuSdpStream *s);

/** Choose what we send from the answer to recv_pts. False: nothing in common. */
bool mcu_sdp_formats_from_answer(const McuSdpCaps *caps, const McuSdpMedia *m, McuSdpStream *s);

/** recv_pts of a first offer. False: the caps have no codec of that kind. */
bool mcu_sdp_formats_ours(const McuSdpCaps *caps, McuSdpStream *s);

/* remote.c: everything but the formats */

/** Kind, mid, content, label of a remote m= line. */
void mcu_sdp_remote_identity(const McuSdpMedia *m, McuSdpStream *s);

/** Address, ports, direction, bandwidth, feedback. False: the line cannot be used (reason set). */
bool mcu_sdp_remote_flow(const McuSdpCaps *caps, const McuSdp *sdp, const McuSdpMedia *m,
			 Line *line, bool local_hold);

/** Judge proto and a=crypto of an offer. False: the line cannot be used (reason set). */
bool mcu_sdp_remote_protection(const McuSdpCaps *caps, const McuSdpMedia *m, Line *line);

/** The same for an answer to the suites the line offered. */
bool mcu_sdp_remote_protection_answer(const McuSdpCaps *caps, const McuSdpMedia *m, Line *line);

/** Mark the line as refused. */
void mcu_sdp_line_refuse(Line *line, const char *fmt, ...) MCU_PRINTF(2, 3);

/** Our key of that suite, from the line's random bytes. */
void mcu_sdp_line_key(const Line *line, McuSrtpSuite suite, McuSrtpKey *ret);

/* compose.c */

/** The agent's side of `session` as text; the version is brought up to date. */
char *mcu_sdp_compose(McuSdpAgent *agent, const Session *session, bool offer);

/** Name of a feedback bit in a=rtcp-fb ("nack pli"). */
const char *mcu_sdp_feedback_text(unsigned bit);
