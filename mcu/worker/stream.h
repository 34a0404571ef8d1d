/* One m= line of a leg: its transport, RTP in and out, RTCP. What is common to audio and video; the
 * two differ in struct McuStreamOps (audio_stream.c, video_stream.c).
 *
 *   transport --on_rtp--> receiver (statistics) --ops.rtp--> audio engine | depay -> video engine
 *   transport --on_rtcp-> reports, NACK, PLI ... --ops.feedback-->
 *   audio engine | feed --> sender --> transport
 *
 * Thread: loop.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "audio/engine.h"
#include "base/err.h"
#include "base/timer.h"
#include "net/transport.h"
#include "rtp/recv.h"
#include "rtp/rtcp.h"
#include "rtp/send.h"
#include "sdp/agent.h"
#include "video/engine.h"
#include "worker/feed.h"
#include "worker/options.h"

typedef struct McuStream McuStream;

/* What a stream needs of its call and leg. Borrowed; outlives the stream. */
typedef struct McuStreamEnv {
	const McuWorkerOptions *options;
	McuAudioEngine *audio;
	McuVideoEngine *video;
	McuFeeds *feeds;
	const char *participant; /* id */
	uint32_t participant_num;
	const char *ctx; /* for logs: call/leg */
	const char *leg; /* id */
	const char *cname;
	McuRtpClockMap *clock_map; /* all sources of a leg share one wall clock */
	/* audio buffered now, for lip sync; set by the audio stream */
	int64_t *audio_delay_ns;

	void *data;
	void (*event)(void *data, const char *leg, const char *event, GVariant *detail);
	/* the audio engine and the video engine name streams by number */
	void (*bind_listener)(void *data, uint32_t listener, McuStream *stream);
	void (*bind_source)(void *data, uint32_t source, McuStream *stream);
	uint32_t (*next_id)(void *data);
} McuStreamEnv;

typedef struct McuStreamOps {
	McuSdpKind kind;
	const char *name;
	/* could apply() do this? NULL = always */
	int (*check)(McuStream *s, const McuSdpStream *neg, McuDiag *reterr);
	/* agreed parameters are in stream->neg; called again after each re-offer */
	int (*apply)(McuStream *s, McuDiag *reterr);
	/* one packet of the current SSRC, valid header */
	void (*rtp)(McuStream *s, McuPacket *pkt, const McuRtpHeader *hdr, int64_t now_ns);
	/* the peer's SSRC changed; s->rx is the new receiver */
	void (*restart)(McuStream *s);
	/* the peer's SSRC said BYE; s->rx is gone. NULL = nothing to do */
	void (*ended)(McuStream *s);
	/* RTCP that is not a report; NULL = nothing to do */
	void (*feedback)(McuStream *s, const McuRtcpItem *item, int64_t now_ns);
	/* once a second */
	void (*tick)(McuStream *s, int64_t now_ns);
	void (*stats)(McuStream *s, GVariantDict *dict);
	void (*free)(McuStream *s);
} McuStreamOps;

/* First member of each kind's struct. */
struct McuStream {
	const McuStreamOps *ops;
	const McuStreamEnv *env;
	McuTransport *transport;
	McuSdpLocal local; /* what the agent is told; address points to local_address */
	char local_address[MCU_NET_ADDRESS_MAX];
	McuSdpStream neg;
	bool open; /* agreed and not refused */

	/* out */
	McuRtpSender *tx;
	unsigned tx_clock_hz;
	uint32_t ssrc;
	McuTimer *rtcp_timer;
	int64_t last_report_ns; /* of the last report block */
	uint64_t fir_in, pli_in, nack_in, tmmbr_in;

	/* in */
	McuRtpReceiver *rx; /* of rx_ssrc; NULL before the first packet */
	uint32_t rx_ssrc;
	unsigned rx_clock_hz;
	uint32_t next_ssrc; /* another SSRC that may take over */
	unsigned next_ssrc_count;
	int64_t last_rtp_ns;
	bool rtp_started; /* RTP time so far, and where it lies on our clock */
	uint32_t rtp_last_ts;
	int64_t rtp_time;
	McuRtpClockMap rtp_map;
	uint64_t rx_invalid;
	uint64_t fir_out, pli_out, nack_out;
	uint8_t fir_seq;
	bool established;
};

McuStream *mcu_audio_stream_new(const McuStreamEnv *env);
McuStream *mcu_video_stream_new(const McuStreamEnv *env);

/** Bind ports on `address` and fill s->local. Errors: -ENOSPC no port free; -EINVAL; -EIO. */
int mcu_stream_bind(McuStream *s, const char *address, bool video, McuDiag *reterr) MCU_WARN_UNUSED;

/** Can this be agreed to? Ask before answering. Errors: what mcu_stream_apply() would say. */
int mcu_stream_check(McuStream *s, const McuSdpStream *neg, McuDiag *reterr) MCU_WARN_UNUSED;

/** Take over what was agreed. The stream sends and receives afterwards. */
int mcu_stream_apply(McuStream *s, const McuSdpStream *neg, McuDiag *reterr) MCU_WARN_UNUSED;

/** RTCP BYE, then everything goes. NULL is allowed. */
void mcu_stream_free(McuStream *s);

bool mcu_stream_sends(const McuStream *s);    /* we may send */
bool mcu_stream_receives(const McuStream *s); /* the peer may send */

/** a{sv}, floating. */
GVariant *mcu_stream_stats(McuStream *s);

/* --- for the two kinds --- */

void mcu_stream_init(McuStream *s, const McuStreamOps *ops, const McuStreamEnv *env);

/** Report a LegEvent; `detail` floating or NULL. */
void mcu_stream_event(McuStream *s, const char *event, GVariant *detail);

/** Header, SRTP, socket. Owns: borrows payload. */
void mcu_stream_send(McuStream *s, McuPacket *payload, uint32_t media_ts, int64_t capture_ns);

/** Send a feedback packet now: compound, beginning with a report. fill adds to the builder. */
void mcu_stream_send_feedback(McuStream *s, void (*fill)(McuStream *s, McuRtcpBuilder *b, void *data),
			      void *data);

/** RTP clock of the sound or picture with this payload type; 0 = it is none (DTMF, noise, unknown). */
unsigned mcu_stream_clock_hz(const McuStream *s, uint8_t pt);

/** Our time of the capture of that RTP time; falls back to `arrival_ns`. */
int64_t mcu_stream_capture_ns(McuStream *s, uint32_t ts, int64_t arrival_ns);

/** (Re)make the sender for the codec and payload type in s->neg. */
void mcu_stream_setup_sender(McuStream *s, bool keep_for_nack);

/** The audio engine made a packet for this stream. */
void mcu_audio_stream_send(McuStream *s, const McuAudioEncoded *enc);

/** The video engine wants a keyframe of this stream's source. */
void mcu_video_stream_want_keyframe(McuStream *s);

/** The source is drawn in a tile of this size now, 0 x 0 = not at all: a small tile asks for a small
 * picture. */
void mcu_video_stream_shown(McuStream *s, int width, int height);

/** Ask for one more keyframe of what is sent, a second from now. */
void mcu_video_stream_repeat_keyframe(McuStream *s);

/** The peer asked for a keyframe by other means than RTCP. */
void mcu_video_stream_keyframe_requested(McuStream *s);
