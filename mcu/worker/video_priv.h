/* The two halves of a video stream: video_in.c (from the peer) and video_out.c (to the peer). What
 * joins them is video_stream.c. Stays inside worker/. Thread: loop.
 */
#pragma once
#include "rtp/cadence.h"
#include "rtp/depay_h264.h"
#include "rtp/keyframe.h"
#include "rtp/pacer.h"
#include "rtp/rate_request.h"
#include "worker/stream.h"

typedef struct McuVideoStream {
	McuStream base;

	/* in */
	uint32_t source; /* id in the engine; 0 = not made */
	McuH264Depay *depay;
	McuKeyframeRequest keyframe;
	McuRateRequest rate;
	uint64_t tmmbr_out;
	McuTimer *in_timer;
	McuCadence cadence;
	int64_t delay_ns; /* from capture to the canvas */
	int64_t last_ask_ns, last_info_ns;
	uint64_t info_out;

	/* out */
	McuFeed *feed;
	McuFeedLimits limits;
	int64_t repeat_key_ns; /* then a keyframe is asked for once more; 0 = no */
	bool wait_key;         /* the peer cannot decode this feed before its next keyframe */
	McuPacer *pacer;
	unsigned pace_bps; /* what the pacer is set to */
	McuTimer *pacer_timer;
	McuRtcpFirSeen fir_seen;
	unsigned tmmbr_bps; /* the peer's bound; 0 = none */
	int64_t last_tmmbr_ns;
} McuVideoStream;

/** Make the engine's source and the depacketiser, once. */
int mcu_video_in_open(McuVideoStream *v, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_video_in_close(McuVideoStream *v);
void mcu_video_in_rtp(McuStream *s, McuPacket *pkt, const McuRtpHeader *hdr, int64_t now);
void mcu_video_in_restart(McuStream *s);
void mcu_video_in_ended(McuStream *s);
/** Packets or keyframes are waited for: v->in_timer. */
void mcu_video_in_on_timer(void *data);
/** TMMBR, when one is due. */
void mcu_video_in_ask_rate(McuVideoStream *v, int64_t now);

/** What the peer takes; tmmbr_bps 0 = it has set no bound. */
McuFeedLimits mcu_video_out_limits(const McuSdpStream *neg, unsigned tmmbr_bps);
/** Take the feed that fits; another one than before, or the same. */
int mcu_video_out_join(McuVideoStream *v, const McuFeedLimits *limits,
		       McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_video_out_leave(McuVideoStream *v);
/** Send what the pacer lets go: v->pacer_timer. */
void mcu_video_out_drain(void *data);
/** The peer set a bound; answered by TMMBN. */
void mcu_video_out_tmmbr(McuVideoStream *v, const McuRtcpItem *item, int64_t now);
/** The latest bound counts; one that comes too soon waits for the next tick. */
void mcu_video_out_follow_tmmbr(McuVideoStream *v, int64_t now);
