/* What back ends implement; users of hw/ include hw.h only. A back-end struct's first member is the
 * base struct below, whose first member is its table of operations; a back end gets its own struct
 * back by a cast after comparing `ops` (x_from_base() in each back end). Slots marked optional may
 * be NULL: the wrapper then does what is written there.
 *
 *   hw_decoder_send() -> checks arguments -> dec->ops->send()
 */
#pragma once
#include <stdatomic.h>

#include "hw/hw.h"

/* --- frames --- */

struct HwFramePool;

typedef struct HwFrameOps {
	/** Last reference went. Frees the struct. Thread: any. */
	void (*destroy)(HwFrame *frame);
	/** Optional: `frame->map` as it is (frames in system memory). */
	int (*map)(HwFrame *frame, HwMapping *ret);
} HwFrameOps;

struct HwFrame {
	const HwFrameOps *ops;
	_Atomic uint32_t refs;
	HwFormat format;
	int width, height;
	int64_t pts_ns;
	uint64_t serial;
	HwMapping map;            /* where the frame lives in system memory */
	struct HwFramePool *pool; /* NULL: not pooled */
	unsigned slot;            /* in the pool */
};

/** One reference, a new serial; the back end fills in `map` where it has one. */
void hw_frame_init(HwFrame *frame, const HwFrameOps *ops, HwFormat format, int width, int height);

/** The next serial; for a frame whose content changes while nobody else holds it. Thread: any. */
uint64_t hw_frame_next_serial(void);

/* --- devices --- */

typedef struct HwDeviceOps {
	HwBackend backend;
	void (*destroy)(HwDevice *device);
	/* Optional, each: the soft back end does that step. */
	int (*decoder_new)(HwDevice *device, const HwDecoderConfig *config, HwDecoder **ret,
			   McuDiag *reterr);
	int (*composer_new)(HwDevice *device, int width, int height, HwComposer **ret,
			    McuDiag *reterr);
	int (*encoder_new)(HwDevice *device, const HwEncoderConfig *config, HwEncoder **ret,
			   McuDiag *reterr);
} HwDeviceOps;

struct HwDevice {
	const HwDeviceOps *ops;
	_Atomic uint32_t refs;
};

void hw_device_init(HwDevice *device, const HwDeviceOps *ops);

/* --- decoder, composer, encoder: the wrapper holds the device for them --- */

typedef struct HwDecoderOps {
	void (*destroy)(HwDecoder *dec);
	int (*send)(HwDecoder *dec, const uint8_t *data, size_t len, int64_t pts_ns);
	int (*receive)(HwDecoder *dec, HwFrame **ret);
	void (*flush)(HwDecoder *dec);
	void (*set_skip_loop_filter)(HwDecoder *dec, bool skip); /* optional: no effect */
	const char *(*name)(const HwDecoder *dec);
} HwDecoderOps;

struct HwDecoder {
	const HwDecoderOps *ops;
	HwDevice *device; /* set by the wrapper */
};

typedef struct HwComposerOps {
	void (*destroy)(HwComposer *comp);
	int (*compose)(HwComposer *comp, const HwDrawList *list, HwFrame **ret);
	void (*stats)(const HwComposer *comp, HwComposerStats *ret); /* optional: all zero */
} HwComposerOps;

struct HwComposer {
	const HwComposerOps *ops;
	HwDevice *device;
	int width, height; /* set by the wrapper */
};

typedef struct HwEncoderOps {
	void (*destroy)(HwEncoder *enc);
	int (*send)(HwEncoder *enc, HwFrame *frame, bool force_keyframe);
	int (*receive)(HwEncoder *enc, HwPacket *ret);
	int (*set_bitrate)(HwEncoder *enc, int bitrate_bps);
	int (*set_fps)(HwEncoder *enc, int fps_num, int fps_den);
	const char *(*name)(const HwEncoder *enc);
} HwEncoderOps;

struct HwEncoder {
	const HwEncoderOps *ops;
	HwDevice *device;
	HwEncoderConfig config; /* as running now; set by the wrapper */
};
