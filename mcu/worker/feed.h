/* Feeds: one rendition of the canvas, encoded and packetised once, and those who take it.
 *
 *   enc thread: HwPacket -> payloads (rtp/pay_h264) --ring + wake--> loop: every sink's on_picture
 *
 * Listeners that can take the same stream share a feed; a feed without sinks does not encode.
 * Thread: loop, for every function here.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "video/engine.h"
#include "worker/options.h"

typedef struct McuFeeds McuFeeds;
typedef struct McuFeed McuFeed;

/* What a listener can take at most. */
typedef struct McuFeedLimits {
	bool high_profile;        /* else constrained baseline */
	unsigned mode;            /* packetization-mode 0 or 1 */
	unsigned max_fs;          /* macroblocks per frame */
	unsigned max_mbps;        /* macroblocks per second */
	unsigned max_bitrate_bps; /* 0 = no limit */
} McuFeedLimits;

/* One encoded picture on its way to the sinks. Borrowed during the callback. */
typedef struct McuFeedPicture {
	GPtrArray *payloads; /* of McuPacket, may be referenced */
	uint8_t *au;         /* Annex B */
	size_t au_len;
	bool keyframe;
	int64_t capture_ns;
	uint32_t media_ts; /* 90 kHz */
} McuFeedPicture;

typedef void (*McuFeedFn)(void *data, const McuFeedPicture *picture);

McuFeeds *mcu_feeds_new(McuVideoEngine *video, const McuWorkerOptions *options);

/** After the engine was stopped; NULL is allowed. Sinks must have left. */
void mcu_feeds_free(McuFeeds *feeds);

/** Take part in the feed that serves `limits` best: the present one or another where it fits, else a
 * new one, else (no room for more) the nearest that the listener can decode. `*feed` is the one that
 * `data` takes now, or NULL; it is left when another was found, and a keyframe of that is asked for.
 * Errors (*feed stays): -EOVERFLOW no room, and nothing that it could decode; -ENOTSUP limits below
 * the smallest rendition; what mcu_video_engine_add_rendition() says.
 */
int mcu_feeds_join(McuFeeds *feeds, const McuFeedLimits *limits, McuFeedFn fn, void *data,
		   McuFeed **feed, McuDiag *reterr) MCU_WARN_UNUSED;

/** Would join() find something? Errors: -EOVERFLOW, -ENOTSUP as there. */
int mcu_feeds_check(McuFeeds *feeds, const McuFeedLimits *limits, McuDiag *reterr) MCU_WARN_UNUSED;

/** `data` is the one given to join. NULL feed is allowed. */
void mcu_feed_leave(McuFeed *feed, void *data);

/** Merged and rate-limited by the rendition. */
void mcu_feed_request_keyframe(McuFeed *feed);

unsigned mcu_feed_fps(const McuFeed *feed);
unsigned mcu_feed_bitrate(const McuFeed *feed);
int mcu_feed_width(const McuFeed *feed);
int mcu_feed_height(const McuFeed *feed);

/** The configured bit rate changed: every feed follows in proportion. */
void mcu_feeds_set_bitrate(McuFeeds *feeds, unsigned bitrate_bps);

/** aa{sv}, floating: one entry per feed. */
GVariant *mcu_feeds_stats(McuFeeds *feeds);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuFeeds, mcu_feeds_free)
