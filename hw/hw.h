/* Video codecs, composition and devices, behind one interface with several back ends. What users
 * of hw/ see; what back ends implement is ops.h. Uses mcu/base only.
 *
 *   access unit -> HwDecoder -> HwFrame -+
 *                                        +-> HwComposer -> HwFrame (canvas) -> HwEncoder -> packets
 *   pixels from the CPU (labels) --------+                        \-> hw_frame_to_jpeg
 *
 * Colour: BT.709 limited range unless a stream says otherwise; 8 bit 4:2:0 throughout.
 * Rectangles: pixels, origin top left of the frame they speak of.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** Largest picture side that is decoded or composed. */
#define HW_MAX_SIZE 4096
/** Most items of one draw list. */
#define HW_MAX_ITEMS 256
/** Largest access unit a decoder takes. */
#define HW_MAX_ACCESS_UNIT (4 * 1024 * 1024)
/** What an encoder takes. */
#define HW_MIN_ENCODE_SIZE 16
#define HW_MAX_FPS         60
#define HW_MIN_BITRATE_BPS 16000
#define HW_MAX_BITRATE_BPS 100000000
#define HW_MIN_SLICE_BYTES 400

typedef enum HwBackend {
	HW_BACKEND_SOFT = 1,
	HW_BACKEND_MOCK,
	HW_BACKEND_VAAPI,
} HwBackend;

typedef enum HwCodec {
	HW_CODEC_H264 = 1,
	HW_CODEC_VP8,
	HW_CODEC_VP9,
	HW_CODEC_HEVC,
	HW_CODEC_AV1,
} HwCodec;

typedef enum HwFormat {
	HW_FORMAT_I420 = 1, /* planes Y, U, V */
	HW_FORMAT_NV12,     /* planes Y, UV */
	HW_FORMAT_BGRA,     /* one plane, premultiplied alpha, bytes B G R A */
} HwFormat;

typedef struct HwRect {
	int x, y, w, h;
} HwRect;

const char *hw_backend_name(HwBackend backend);
const char *hw_codec_name(HwCodec codec);
const char *hw_format_name(HwFormat format);

/* --- frames: reference-counted, pooled; content is immutable once shared --- */

typedef struct HwFrame HwFrame;

/** Planes in CPU memory. Strides in bytes. Valid until the frame's last reference goes. */
typedef struct HwMapping {
	HwFormat format;
	int width, height;
	uint8_t *data[3];
	int stride[3];
} HwMapping;

/** A frame in system memory with undefined content, to be filled through hw_frame_map().
 * Errors: -EINVAL size not in 1..HW_MAX_SIZE; -ENOMEM.   Thread: any.
 */
int hw_frame_new(HwFormat format, int width, int height, HwFrame **ret) MCU_WARN_UNUSED;

HwFrame *hw_frame_ref(HwFrame *frame);
void hw_frame_unref(HwFrame *frame); /* NULL is allowed. Thread: any */

int hw_frame_width(const HwFrame *frame);
int hw_frame_height(const HwFrame *frame);
HwFormat hw_frame_format(const HwFrame *frame);

/** Capture time of the source on mcu_now_ns()'s scale where known; set before sharing. */
int64_t hw_frame_pts_ns(const HwFrame *frame);
void hw_frame_set_pts_ns(HwFrame *frame, int64_t pts_ns);

/** A number no two frames with different content share: changed tiles are found by it. */
uint64_t hw_frame_serial(const HwFrame *frame);

/** CPU view; downloads where the frame lives in a device. Errors: -EIO, -ENOMEM.  Thread: any. */
int hw_frame_map(HwFrame *frame, HwMapping *ret) MCU_WARN_UNUSED;

/** JPEG of the frame, scaled to fit width x height (0, 0 = as it is). quality 1..100.
 * Owns: caller.   Thread: any but the ticks.
 */
int hw_frame_to_jpeg(HwFrame *frame, int width, int height, int quality, GBytes **ret)
	MCU_WARN_UNUSED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HwFrame, hw_frame_unref)

/* --- device --- */

typedef struct HwDevice HwDevice;

typedef struct HwDeviceConfig {
	HwBackend backend;   /* 0 = best that opens; soft always opens */
	const char *node;    /* device node for vaapi, NULL = first that works */
	const char *mock;    /* fault plan of the mock back end, see mock/mock.h */
} HwDeviceConfig;

/** Open a back end. Probing is silent.  Owns: caller holds one reference.  Thread: any. */
int hw_device_open(const HwDeviceConfig *config, HwDevice **ret, McuDiag *reterr) MCU_WARN_UNUSED;
HwDevice *hw_device_ref(HwDevice *device);
void hw_device_unref(HwDevice *device);
HwBackend hw_device_backend(const HwDevice *device);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HwDevice, hw_device_unref)

/* --- decoder: one per source --- */

typedef struct HwDecoder HwDecoder;

typedef struct HwDecoderConfig {
	HwCodec codec;
	int max_width, max_height; /* larger pictures are refused with -EOVERFLOW; 0 = HW_MAX_SIZE */
} HwDecoderConfig;

/** Thread: any; afterwards one thread at a time uses the decoder. */
int hw_decoder_new(HwDevice *device, const HwDecoderConfig *config, HwDecoder **ret,
		   McuDiag *reterr) MCU_WARN_UNUSED;
void hw_decoder_free(HwDecoder *dec);

/** Give one access unit (H.264/HEVC: Annex B; VP8/VP9/AV1: one frame/temporal unit).
 * Shape: data[len], borrowed until return.
 * Errors: -EINVAL not decodable, or damaged and therefore not shown: nothing will be shown before
 *         the next keyframe, so ask for one (the decoder stays usable). A sender that never sends
 *         one is shown damaged after 60 pictures;
 *         -EOVERFLOW larger than the maximum; -EIO the back end failed for good; -ENOMEM.
 */
int hw_decoder_send(HwDecoder *dec, const uint8_t *data, size_t len, int64_t pts_ns) MCU_WARN_UNUSED;

/** Next picture, cropped as the stream says. Errors: -EAGAIN none yet; -EIO; -ENOMEM. */
int hw_decoder_receive(HwDecoder *dec, HwFrame **ret) MCU_WARN_UNUSED;

/** Forget references: the next access unit must be a keyframe. */
void hw_decoder_flush(HwDecoder *dec);

/** Overload valve: leave out the loop filter (drifts until the next keyframe). Takes effect at the
 * next access unit. */
void hw_decoder_set_skip_loop_filter(HwDecoder *dec, bool skip);

/** Name of what decodes now ("libavcodec h264"); for stats. */
const char *hw_decoder_name(const HwDecoder *dec);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HwDecoder, hw_decoder_free)

/* --- composer: one per canvas --- */

typedef struct HwComposer HwComposer;

typedef struct HwDrawItem {
	HwFrame *frame;     /* borrowed until compose returns; NULL = fill dst with `color` */
	HwRect crop;        /* part of `frame` shown, cut to even; w == 0: all of it */
	HwRect dst;         /* place on the canvas; clipped to it; edges are rounded to even */
	uint8_t alpha;      /* 255 = opaque, 0 = not drawn; multiplies a BGRA frame's own alpha */
	uint32_t color;     /* 0xRRGGBB, for fills */
} HwDrawItem;

typedef struct HwDrawList {
	const HwDrawItem *items; /* painted in this order, back to front */
	size_t n;                /* <= HW_MAX_ITEMS */
	uint32_t background;     /* 0xRRGGBB, where no item draws */
} HwDrawList;

/** Errors: -EINVAL size not even or out of range.  Thread: afterwards one thread (vtick). */
int hw_composer_new(HwDevice *device, int width, int height, HwComposer **ret, McuDiag *reterr)
	MCU_WARN_UNUSED;
void hw_composer_free(HwComposer *comp);

/** Paint the list. Only what differs from what the target frame last held is drawn. When nothing
 * differs from the previous canvas, that same frame is returned again (same serial).
 * Pictures and labels drawn at their own size are copied, not scaled: give labels even sides.
 * The canvas has no time of its own: set it with hw_frame_set_pts_ns() where the frame is new.
 * Owns: caller gets a reference; canvas frames are pooled, and hold a few at most (3).
 * Errors: -EINVAL too many items; -EAGAIN all pooled canvases are still held; -EIO; -ENOMEM.
 *         After an error the canvas is whole or not returned at all.
 * Thread: owner only; no allocation once warm, no lock.
 */
int hw_composer_compose(HwComposer *comp, const HwDrawList *list, HwFrame **ret) MCU_WARN_UNUSED;

typedef struct HwComposerStats {
	uint64_t frames, unchanged; /* compose calls; of those, nothing differed */
	uint64_t items_drawn, items_skipped;
	uint64_t pixels_drawn;
} HwComposerStats;
void hw_composer_stats(const HwComposer *comp, HwComposerStats *ret);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HwComposer, hw_composer_free)

/* --- encoder: one per rendition --- */

typedef struct HwEncoder HwEncoder;

typedef enum HwEncoderKind {
	HW_ENCODER_AUTO = 1,
	HW_ENCODER_OPENH264,
	HW_ENCODER_X264,
} HwEncoderKind;

typedef enum HwPreset { /* how much CPU for quality */
	HW_PRESET_FASTEST = 1,
	HW_PRESET_FAST,
	HW_PRESET_MEDIUM,
} HwPreset;

typedef enum HwProfile {
	HW_PROFILE_CONSTRAINED_BASELINE = 1,
	HW_PROFILE_HIGH,
} HwProfile;

const char *hw_encoder_kind_name(HwEncoderKind kind);
const char *hw_preset_name(HwPreset preset);

typedef struct HwEncoderConfig {
	HwCodec codec;      /* HW_CODEC_H264 */
	HwEncoderKind kind; /* 0 = auto */
	HwPreset preset;    /* 0 = fast */
	HwProfile profile;  /* 0 = constrained baseline */
	int level_idc;       /* 31 = level 3.1; 0 = the lowest that fits */
	int width, height;   /* even */
	int fps_num, fps_den;
	int bitrate_bps;
	size_t max_slice_bytes; /* bound on each NAL unit (packetization-mode 0); 0 = one slice */
} HwEncoderConfig;

/** One encoded picture: Annex B, parameter sets before each IDR. */
typedef struct HwPacket {
	const uint8_t *data; /* valid until the next call on this encoder */
	size_t len;
	bool keyframe;
	int64_t pts_ns; /* of the frame it came from */
	int qp;         /* average quantiser where known, else -1 */
} HwPacket;

int hw_encoder_new(HwDevice *device, const HwEncoderConfig *config, HwEncoder **ret,
		   McuDiag *reterr) MCU_WARN_UNUSED;
void hw_encoder_free(HwEncoder *enc);

/** Encode one frame of the configured size (I420 or NV12); `force_keyframe` makes it an IDR. A
 * packet of an earlier frame that was not received is lost: receive after each send.
 * Errors: -EINVAL wrong size or format; -EIO the back end failed for good; -ENOMEM.
 */
int hw_encoder_send(HwEncoder *enc, HwFrame *frame, bool force_keyframe) MCU_WARN_UNUSED;

/** Next encoded picture. Errors: -EAGAIN none (a frame may be skipped by rate control); -EIO. */
int hw_encoder_receive(HwEncoder *enc, HwPacket *ret) MCU_WARN_UNUSED;

/** Change the target while running; takes effect within a second, without a keyframe. More than
 * the H.264 level allows is cut to that. */
int hw_encoder_set_bitrate(HwEncoder *enc, int bitrate_bps) MCU_WARN_UNUSED;
int hw_encoder_set_fps(HwEncoder *enc, int fps_num, int fps_den) MCU_WARN_UNUSED;

const char *hw_encoder_name(const HwEncoder *enc);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HwEncoder, hw_encoder_free)
