/* Offer/answer (RFC 3264) for one leg, both roles. Pure: ports, addresses and random bytes come
 * from the caller. Not here: sockets and keys in use (net/), SIP transactions (sip/).
 *
 *              set_offer                      make_answer
 *   idle/stable ---------> have-remote-offer -------------> stable
 *   idle/stable ---------> have-local-offer  -------------> stable
 *              make_offer                     set_answer
 *   rollback: back to idle or stable, with the streams that were agreed before.
 *
 * Answering: set_offer; for each enabled stream open a transport and set_local (or refuse);
 * make_answer. Offering: add (first offer only); set_local for each; make_offer; set_answer.
 * Afterwards, and after a rollback, map each stream(i) to its transport.
 *
 * RTP over plain UDP with SDES keys is negotiated. ICE, DTLS-SRTP and BUNDLE are parsed and kept
 * in McuSdp, and refused: they need transports of their own (DESIGN.md, section 7, WebRTC).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/codec.h"
#include "base/err.h"
#include "base/suite.h"
#include "sdp/h264.h"
#include "sdp/sdp.h"

#define MCU_SDP_MAX_CODECS 8
#define MCU_SDP_MAX_PTS    32 /* payload types of one stream that we can receive */
#define MCU_SDP_ADDRESS_MAX 64
#define MCU_SDP_MID_MAX    64

/** Random bytes of one stream: a master key for each suite that may be offered. */
#define MCU_SDP_RANDOM_LEN (MCU_SRTP_SUITES * MCU_SRTP_KEY_MAX)

typedef enum McuSdpSrtp {
	MCU_SDP_SRTP_OFF = 1,  /* a=crypto is ignored, RTP/SAVP refused */
	MCU_SDP_SRTP_OPTIONAL, /* taken when offered; offered in RTP/AVP (best effort) */
	MCU_SDP_SRTP_REQUIRED, /* media without keys is refused; offered in RTP/SAVP */
} McuSdpSrtp;

/** "off", "optional", "required". */
const char *mcu_sdp_srtp_name(McuSdpSrtp policy);

/** RTCP feedback (RFC 4585, 5104); bits. */
enum {
	MCU_SDP_FB_NACK = 1 << 0,
	MCU_SDP_FB_PLI = 1 << 1,
	MCU_SDP_FB_FIR = 1 << 2,
	MCU_SDP_FB_TMMBR = 1 << 3,
	MCU_SDP_FB_REMB = 1 << 4,
};

/** What we do. Copied by mcu_sdp_agent_new(); mcu_sdp_caps_init() gives sensible values. */
typedef struct McuSdpCaps {
	const char *user;         /* o= user name; "-" */
	const char *session_name; /* s= */
	uint64_t session_id;      /* o= session id: unique for the leg, from the caller */
	McuCodec audio[MCU_SDP_MAX_CODECS]; /* best first */
	size_t n_audio;
	McuCodec video[MCU_SDP_MAX_CODECS]; /* best first */
	size_t n_video;
	struct {
		bool high;           /* High is sent and received as well as Constrained Baseline */
		bool mode0, mode1;   /* packetization modes */
		uint8_t level_idc;   /* that we receive; 31 = level 3.1 */
		unsigned max_fs, max_mbps, max_br; /* beyond the level; 0 = the level's */
	} h264;
	McuSdpSrtp srtp;
	McuSrtpSuite suites[MCU_SRTP_SUITES]; /* offered in this order; no other is accepted */
	size_t n_suites;
	bool avpf;     /* offer the profile RTP/AVPF; answers follow the offer either way */
	bool rtcp_mux; /* offer and accept a=rtcp-mux */
	bool dtmf;     /* telephone-event */
	unsigned feedback; /* MCU_SDP_FB_… that we do for video */
	unsigned ptime_ms;
	unsigned audio_bps, video_bps; /* that we wish to receive: b=; 0 = not written */
	bool opus_fec, opus_dtx, opus_stereo;
	unsigned opus_max_bps; /* maxaveragebitrate we ask for; 0 = not written */
} McuSdpCaps;

/** Opus, G.722, PCMU, PCMA; H.264 with both modes and High, level 3.1; SRTP optional, all suites;
 * rtcp-mux, telephone-event, ptime 20, in-band FEC. session_id 0: set it.
 */
void mcu_sdp_caps_init(McuSdpCaps *caps);

typedef enum McuSdpKind {
	MCU_SDP_AUDIO = 1,
	MCU_SDP_VIDEO,
	MCU_SDP_SLIDES,      /* a=content:slides, or a second m=video */
	MCU_SDP_APPLICATION, /* BFCP, data channels, … */
	MCU_SDP_KIND_OTHER,
} McuSdpKind;

const char *mcu_sdp_kind_name(McuSdpKind kind);

/** A payload type we can receive. h264 is what we promised to take (H264 only). */
typedef struct McuSdpPt {
	uint8_t pt;
	McuCodec codec;
	uint32_t clock_hz; /* telephone-event and CN follow their audio codec */
	uint8_t channels;
	McuSdpH264 h264;
} McuSdpPt;

/** What the peer's Opus decoder wants (RFC 7587); defaults of the RFC where it says nothing. */
typedef struct McuSdpOpus {
	bool inband_fec, dtx, stereo, cbr;
	unsigned max_playback_hz; /* 8000 … 48000 */
	unsigned max_bps;         /* maxaveragebitrate; 0 = no limit */
} McuSdpOpus;

/** Result for one m= line; the tentative one while an offer or answer is outstanding. */
typedef struct McuSdpStream {
	McuSdpKind kind;
	bool enabled;
	char reason[128]; /* when not enabled: why, for people */
	char mid[MCU_SDP_MID_MAX], content[32], label[32]; /* of the peer; "" = none */

	/* formats */
	McuCodec codec;  /* what we send, and the first we expect */
	uint8_t send_pt; /* number the peer gave the codec */
	uint8_t recv_pt; /* number we gave it */
	McuSdpPt recv_pts[MCU_SDP_MAX_PTS]; /* every format that may come in, dtmf and CN included */
	size_t n_recv_pts;
	int dtmf_send_pt, dtmf_recv_pt; /* telephone-event; -1 = none */
	uint32_t dtmf_clock_hz;
	int cn_send_pt;      /* comfort noise (RFC 3389); -1 = none */
	unsigned ptime_ms;   /* what we send per packet: 10 … 60; Opus 10, 20, 40, 60 */
	McuSdpOpus opus;     /* codec OPUS */
	McuSdpH264 h264;     /* codec H264: the peer's receiver, so our limits in sending */
	unsigned max_fps;    /* a=framerate of the peer; 0 = none */
	uint8_t sprop[MCU_SDP_MAX_SPROP]; /* the peer's parameter sets, Annex B */
	size_t sprop_len;

	/* flow */
	McuSdpDirection direction; /* seen from us: sendonly = we send, the peer only receives */
	bool hold;                 /* the peer does not want to receive from us */
	bool local_hold;           /* we asked the peer to stop sending */
	char remote_address[MCU_SDP_ADDRESS_MAX]; /* numeric; "" = not given: wait for packets */
	uint16_t remote_rtp_port, remote_rtcp_port;
	bool rtcp_mux;
	unsigned feedback;       /* MCU_SDP_FB_…; 0: ask for pictures by SIP INFO */
	uint64_t send_limit_bps; /* b= of the peer; 0 = none */
	bool avpf;

	/* protection */
	bool secure;
	McuSrtpKey send_key, recv_key; /* ours, the peer's; suite 0 when not secure */
} McuSdpStream;

typedef enum McuSdpState {
	MCU_SDP_IDLE = 1,
	MCU_SDP_HAVE_REMOTE_OFFER,
	MCU_SDP_HAVE_LOCAL_OFFER,
	MCU_SDP_STABLE,
} McuSdpState;

const char *mcu_sdp_state_name(McuSdpState state);

typedef struct McuSdpAgent McuSdpAgent;

/** One agent per leg. Owns: caller; `caps` is copied, strings included. */
McuSdpAgent *mcu_sdp_agent_new(const McuSdpCaps *caps);

/** Wipes the keys it holds. NULL is allowed. */
void mcu_sdp_agent_free(McuSdpAgent *agent);

McuSdpState mcu_sdp_agent_state(const McuSdpAgent *agent);

/** The peer's offer. States: idle, stable.
 * INTEROP: a re-offer may drop or change m= lines, as some rooms do on hold.
 * Errors: -EINVAL, -EOVERFLOW as mcu_sdp_parse(); -EBUSY wrong state (glare: 491); -ENOTSUP no
 * stream in common, or SRTP is required and none is offered (488). State and streams stay as they
 * were on error.
 */
int mcu_sdp_agent_set_offer(McuSdpAgent *agent, const char *text, size_t len, McuDiag *reterr)
	MCU_WARN_UNUSED;

/** Number of m= lines: pending ones while an offer is outstanding, else those agreed. */
size_t mcu_sdp_agent_n_streams(const McuSdpAgent *agent);

/** i < n_streams. Valid until the next call that changes the agent. */
const McuSdpStream *mcu_sdp_agent_stream(const McuSdpAgent *agent, size_t i);

/** Where we receive stream i. rtcp_port 0 = none of its own: rtcp-mux or nothing. */
typedef struct McuSdpLocal {
	const char *address; /* numeric, written into c= */
	uint16_t rtp_port, rtcp_port;
	uint8_t random[MCU_SDP_RANDOM_LEN]; /* fresh random bytes; SRTP keys are made of them */
} McuSdpLocal;

/** Set or change it. Kept for later offers and answers. Keys change when `random` does, so keep it
 * for the life of the transport. Any state.  Errors: -ENOENT no such stream; -EINVAL address or
 * port.
 */
int mcu_sdp_agent_set_local(McuSdpAgent *agent, size_t i, const McuSdpLocal *local)
	MCU_WARN_UNUSED;

/** Refuse stream i of the pending offer (port 0 in the answer), for example when no port is left.
 * State: have-remote-offer.  Errors: -ENOENT, -EBUSY wrong state.
 */
int mcu_sdp_agent_refuse(McuSdpAgent *agent, size_t i, const char *reason) MCU_WARN_UNUSED;

/** Our answer; the streams are then agreed. State: have-remote-offer -> stable.
 * Errors: -EBUSY wrong state; -EINVAL an enabled stream without set_local; -ENOTSUP every stream
 * was refused.  Owns: caller frees *ret.
 */
int mcu_sdp_agent_make_answer(McuSdpAgent *agent, char **ret, McuDiag *reterr) MCU_WARN_UNUSED;

/** Add an m= line to the first offer. Returns its index. State: idle, before make_offer.
 * Errors: -EBUSY wrong state; -EOVERFLOW; -ENOTSUP no codec of that kind in the caps.
 */
int mcu_sdp_agent_add(McuSdpAgent *agent, McuSdpKind kind, McuSdpDirection direction)
	MCU_WARN_UNUSED;

typedef struct McuSdpOfferOptions {
	bool hold; /* ask the peer to stop sending; we go on sending (RFC 3264 section 8.4) */
} McuSdpOfferOptions;

/** Our offer: the first one, or again with the same m= lines, payload types and keys. The version
 * in o= grows only when the content changed. States: idle (after add), stable -> have-local-offer.
 * Errors: -EBUSY wrong state; -EINVAL nothing was added, or a stream lacks set_local.
 * Owns: caller frees *ret.  options NULL = defaults.
 */
int mcu_sdp_agent_make_offer(McuSdpAgent *agent, const McuSdpOfferOptions *options, char **ret,
			     McuDiag *reterr) MCU_WARN_UNUSED;

/** The peer's answer. State: have-local-offer -> stable.
 * INTEROP: m= lines missing at the end count as refused.
 * Errors: -EINVAL, -EOVERFLOW as mcu_sdp_parse(); -EBUSY wrong state; -EPROTO more m= lines than
 * offered, or other media; -ENOTSUP nothing in common, or SRTP is required and not answered. On
 * error the offer stays outstanding: call rollback.
 */
int mcu_sdp_agent_set_answer(McuSdpAgent *agent, const char *text, size_t len, McuDiag *reterr)
	MCU_WARN_UNUSED;

/** Forget the outstanding offer of either side, and in idle the m= lines that were added. Any state.
 */
void mcu_sdp_agent_rollback(McuSdpAgent *agent);

/** The peer's last description that was taken, for diagnosis; NULL before. */
const McuSdp *mcu_sdp_agent_remote(const McuSdpAgent *agent);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuSdpAgent, mcu_sdp_agent_free)
