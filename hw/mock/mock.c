#include "hw/mock/mock.h"

#include <stdlib.h>
#include <string.h>

#include "hw/soft/soft.h"

typedef enum Fault {
	FAULT_DECODE,
	FAULT_RECEIVE,
	FAULT_COMPOSE,
	FAULT_ENCODE,
	FAULT_PACKET,
	FAULT_FRAME,
	FAULT_MAP,
	FAULT_OPEN,
	FAULTS,
} Fault;

static const char *const fault_names[FAULTS] = {
	[FAULT_DECODE] = "decode", [FAULT_RECEIVE] = "receive", [FAULT_COMPOSE] = "compose",
	[FAULT_ENCODE] = "encode", [FAULT_PACKET] = "packet",   [FAULT_FRAME] = "frame",
	[FAULT_MAP] = "map",       [FAULT_OPEN] = "open",
};

typedef struct Trigger {
	unsigned at;
	char mode; /* 0: never; '1': once; '+': from then on; '%': every at+1-th */
	_Atomic unsigned calls;
} Trigger;

typedef struct MockDevice {
	HwDevice base;
	HwDevice *soft;
	Trigger triggers[FAULTS];
} MockDevice;

/* Count the call; does the plan want it to fail? */
static bool fails(MockDevice *m, Fault fault)
{
	Trigger *t = &m->triggers[fault];
	unsigned call = atomic_fetch_add(&t->calls, 1);

	return t->mode == '1'   ? call == t->at
	       : t->mode == '+' ? call >= t->at
	       : t->mode == '%' ? call % (t->at + 1) == t->at
				: false;
}

/* --- frames: a wrapper whose map can fail; the pixels are the inner frame's --- */

typedef struct MockFrame {
	HwFrame base;
	HwFrame *inner;
	MockDevice *device;
} MockFrame;

static void frame_destroy(HwFrame *frame)
{
	MockFrame *f = (MockFrame *)frame;

	hw_frame_unref(f->inner);
	hw_device_unref(&f->device->base);
	g_free(f);
}

static int frame_map(HwFrame *frame, HwMapping *ret)
{
	MockFrame *f = (MockFrame *)frame;

	return fails(f->device, FAULT_MAP) ? -EIO : hw_frame_map(f->inner, ret);
}

static const HwFrameOps frame_ops = { .destroy = frame_destroy, .map = frame_map };

static HwFrame *wrap_frame(MockDevice *m, HwFrame *inner)
{
	MockFrame *f = g_new0(MockFrame, 1);

	hw_frame_init(&f->base, &frame_ops, inner->format, inner->width, inner->height);
	f->base.pts_ns = inner->pts_ns;
	f->inner = inner;
	f->device = m;
	(void)hw_device_ref(&m->base);
	return &f->base;
}

/* --- decoder --- */

typedef struct MockDecoder {
	HwDecoder base;
	HwDecoder *inner;
} MockDecoder;

static void decoder_destroy(HwDecoder *dec)
{
	hw_decoder_free(((MockDecoder *)dec)->inner);
	g_free(dec);
}

static int decoder_send(HwDecoder *dec, const uint8_t *data, size_t len, int64_t pts_ns)
{
	if (fails((MockDevice *)dec->device, FAULT_DECODE))
		return -EIO;
	return hw_decoder_send(((MockDecoder *)dec)->inner, data, len, pts_ns);
}

static int decoder_receive(HwDecoder *dec, HwFrame **ret)
{
	MockDevice *m = (MockDevice *)dec->device;
	HwFrame *inner;
	int r = hw_decoder_receive(((MockDecoder *)dec)->inner, &inner);

	if (r < 0)
		return r;
	r = fails(m, FAULT_RECEIVE) ? -EIO : fails(m, FAULT_FRAME) ? -ENOMEM : 0;
	if (r < 0) {
		hw_frame_unref(inner);
		return r;
	}
	*ret = wrap_frame(m, inner);
	return 0;
}

static void decoder_flush(HwDecoder *dec)
{
	hw_decoder_flush(((MockDecoder *)dec)->inner);
}

static void decoder_set_skip_loop_filter(HwDecoder *dec, bool skip)
{
	hw_decoder_set_skip_loop_filter(((MockDecoder *)dec)->inner, skip);
}

static const char *decoder_name(const HwDecoder *dec)
{
	(void)dec;
	return "mock";
}

static const HwDecoderOps decoder_ops = {
	.destroy = decoder_destroy,
	.send = decoder_send,
	.receive = decoder_receive,
	.flush = decoder_flush,
	.set_skip_loop_filter = decoder_set_skip_loop_filter,
	.name = decoder_name,
};

static int decoder_new(HwDevice *device, const HwDecoderConfig *config, HwDecoder **ret,
		       McuDiag *reterr)
{
	MockDevice *m = (MockDevice *)device;
	HwDecoder *inner;
	MockDecoder *d;
	int r = fails(m, FAULT_OPEN) ? mcu_diag(reterr, -EIO, "the mock device fails as planned")
				     : hw_decoder_new(m->soft, config, &inner, reterr);

	if (r < 0)
		return r;
	d = g_new0(MockDecoder, 1);
	d->base.ops = &decoder_ops;
	d->inner = inner;
	*ret = &d->base;
	return 0;
}

/* --- composer --- */

typedef struct MockComposer {
	HwComposer base;
	HwComposer *inner;
} MockComposer;

static void composer_destroy(HwComposer *comp)
{
	hw_composer_free(((MockComposer *)comp)->inner);
	g_free(comp);
}

static int composer_compose(HwComposer *comp, const HwDrawList *list, HwFrame **ret)
{
	MockDevice *m = (MockDevice *)comp->device;
	HwFrame *canvas;
	int r;

	if (fails(m, FAULT_COMPOSE))
		return -EIO;
	r = hw_composer_compose(((MockComposer *)comp)->inner, list, &canvas);
	if (r < 0)
		return r;
	if (fails(m, FAULT_FRAME)) {
		hw_frame_unref(canvas);
		return -ENOMEM;
	}
	*ret = canvas;
	return 0;
}

static void composer_stats(const HwComposer *comp, HwComposerStats *ret)
{
	hw_composer_stats(((const MockComposer *)comp)->inner, ret);
}

static const HwComposerOps composer_ops = {
	.destroy = composer_destroy,
	.compose = composer_compose,
	.stats = composer_stats,
};

static int composer_new(HwDevice *device, int width, int height, HwComposer **ret, McuDiag *reterr)
{
	MockDevice *m = (MockDevice *)device;
	HwComposer *inner;
	MockComposer *c;
	int r = fails(m, FAULT_OPEN) ? mcu_diag(reterr, -EIO, "the mock device fails as planned")
				     : hw_composer_new(m->soft, width, height, &inner, reterr);

	if (r < 0)
		return r;
	c = g_new0(MockComposer, 1);
	c->base.ops = &composer_ops;
	c->inner = inner;
	*ret = &c->base;
	return 0;
}

/* --- encoder --- */

typedef struct MockEncoder {
	HwEncoder base;
	HwEncoder *inner;
} MockEncoder;

static void encoder_destroy(HwEncoder *enc)
{
	hw_encoder_free(((MockEncoder *)enc)->inner);
	g_free(enc);
}

static int encoder_send(HwEncoder *enc, HwFrame *frame, bool force_keyframe)
{
	if (fails((MockDevice *)enc->device, FAULT_ENCODE))
		return -EIO;
	return hw_encoder_send(((MockEncoder *)enc)->inner, frame, force_keyframe);
}

static int encoder_receive(HwEncoder *enc, HwPacket *ret)
{
	int r = hw_encoder_receive(((MockEncoder *)enc)->inner, ret);

	return r >= 0 && fails((MockDevice *)enc->device, FAULT_PACKET) ? -EIO : r;
}

static int encoder_set_bitrate(HwEncoder *enc, int bitrate_bps)
{
	return hw_encoder_set_bitrate(((MockEncoder *)enc)->inner, bitrate_bps);
}

static int encoder_set_fps(HwEncoder *enc, int fps_num, int fps_den)
{
	return hw_encoder_set_fps(((MockEncoder *)enc)->inner, fps_num, fps_den);
}

static const char *encoder_name(const HwEncoder *enc)
{
	(void)enc;
	return "mock";
}

static const HwEncoderOps encoder_ops = {
	.destroy = encoder_destroy,
	.send = encoder_send,
	.receive = encoder_receive,
	.set_bitrate = encoder_set_bitrate,
	.set_fps = encoder_set_fps,
	.name = encoder_name,
};

static int encoder_new(HwDevice *device, const HwEncoderConfig *config, HwEncoder **ret,
		       McuDiag *reterr)
{
	MockDevice *m = (MockDevice *)device;
	HwEncoder *inner;
	MockEncoder *e;
	int r = fails(m, FAULT_OPEN) ? mcu_diag(reterr, -EIO, "the mock device fails as planned")
				     : hw_encoder_new(m->soft, config, &inner, reterr);

	if (r < 0)
		return r;
	e = g_new0(MockEncoder, 1);
	e->base.ops = &encoder_ops;
	e->inner = inner;
	*ret = &e->base;
	return 0;
}

/* --- device --- */

static void mock_destroy(HwDevice *device)
{
	hw_device_unref(((MockDevice *)device)->soft);
	g_free(device);
}

static const HwDeviceOps mock_ops = {
	.backend = HW_BACKEND_MOCK,
	.destroy = mock_destroy,
	.decoder_new = decoder_new,
	.composer_new = composer_new,
	.encoder_new = encoder_new,
};

static int parse_entry(MockDevice *m, const char *entry, McuDiag *reterr)
{
	const char *colon = strchr(entry, ':');
	unsigned long at = 0;
	char *end = NULL;

	if (colon && colon[1] >= '0' && colon[1] <= '9')
		at = strtoul(colon + 1, &end, 10);
	if (!end || at > G_MAXINT || (*end && (!strchr("+%", *end) || end[1])))
		return mcu_diag(reterr, -EINVAL,
				"fault \"%s\": expected KIND:K, KIND:K+ or KIND:K%%", entry);
	for (int i = 0; i < FAULTS; i++) {
		if (strlen(fault_names[i]) != (size_t)(colon - entry) ||
		    strncmp(entry, fault_names[i], (size_t)(colon - entry)) != 0)
			continue;
		if (m->triggers[i].mode)
			return mcu_diag(reterr, -EINVAL, "fault \"%s\": named twice", entry);
		m->triggers[i].at = (unsigned)at;
		m->triggers[i].mode = *end ? *end : '1';
		return 0;
	}
	return mcu_diag(reterr, -EINVAL, "fault \"%s\": unknown kind", entry);
}

int hw_mock_open(const char *plan, HwDevice **ret, McuDiag *reterr)
{
	MockDevice *m = g_new0(MockDevice, 1);
	g_auto(GStrv) entries = g_strsplit(plan ? plan : "", ",", -1);
	int r = 0;

	hw_device_init(&m->base, &mock_ops);
	for (char **e = entries; r >= 0 && *e; e++)
		r = parse_entry(m, *e, reterr);
	if (r >= 0)
		r = hw_soft_open(&m->soft);
	if (r < 0) {
		hw_device_unref(&m->base);
		return r;
	}
	*ret = &m->base;
	return 0;
}
