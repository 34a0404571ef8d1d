#include "rtp/depay_h264.h"

#include <string.h>

#include "base/bytes.h"
#include "rtp/param_sets.h"

/* put() closes the picture before (new timestamp) and may close its own (marker) */
#define MAX_READY 4

/* What is known of the access unit being gathered. */
typedef struct Gathering {
	bool open;
	bool damaged;
	bool idr, recovery, has_slice, all_i;
	bool own_sps, own_pps;
	bool after_gap;
	unsigned pps_id; /* of its first slice */
	unsigned nals;
	uint32_t ts;
	int64_t first_arrival_ns;
} Gathering;

struct McuH264Depay {
	McuH264DepayConfig cfg;
	McuH264DepayStats stats;
	McuParamSets sets;
	GByteArray *buf; /* Annex B of the access unit being gathered */
	Gathering au;
	bool fu_open; /* a fragmented NAL unit is at the end of buf, from fu_start on */
	size_t fu_start;
	bool wait;       /* for a keyframe */
	bool restarted;  /* something was not given out since the last access unit that was */
	bool gap_before; /* packets are missing before the next access unit */
	McuAccessUnit *ready[MAX_READY];
	unsigned n_ready;
};

static const uint8_t start_code[] = { 0, 0, 0, 1 };

McuH264Depay *mcu_h264_depay_new(const McuH264DepayConfig *config)
{
	McuH264Depay *d = g_new0(McuH264Depay, 1);

	if (config)
		d->cfg = *config;
	d->buf = g_byte_array_new();
	d->wait = true;
	return d;
}

void mcu_h264_depay_free(McuH264Depay *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->n_ready; i++)
		mcu_access_unit_free(d->ready[i]);
	mcu_param_sets_done(&d->sets);
	g_byte_array_unref(d->buf);
	g_free(d);
}

int mcu_h264_depay_set_sprop(McuH264Depay *d, const char *sprop)
{
	g_auto(GStrv) parts = g_strsplit(sprop, ",", MCU_H264_MAX_SPS + MCU_H264_MAX_PPS);
	int taken = 0;

	for (char **part = parts; *part; part++) {
		gsize len = 0;
		g_autofree guchar *nal = **part ? g_base64_decode(*part, &len) : NULL;

		if (nal && mcu_param_sets_add(&d->sets, nal, len) == 0)
			taken++;
	}
	return taken > 0 ? taken : -EINVAL;
}

unsigned mcu_h264_depay_set_parameter_sets(McuH264Depay *d, const uint8_t *annexb, size_t len)
{
	McuH264Iter it = mcu_h264_iter(annexb, len);
	const uint8_t *nal;
	size_t nal_len;
	unsigned taken = 0;

	while (mcu_h264_next(&it, &nal, &nal_len))
		if (mcu_param_sets_add(&d->sets, nal, nal_len) == 0)
			taken++;
	return taken;
}

/* --- closing an access unit --- */

/* INTEROP: some room systems answer a refresh request with a picture of I slices only, with its
 * parameter sets, but neither IDR nor recovery point. */
static bool is_keyframe(const Gathering *au)
{
	return au->idr || au->recovery || (au->own_sps && au->has_slice && au->all_i);
}

static bool size_allowed(McuH264Depay *d, const McuH264Sps *sps)
{
	if (!sps)
		return true;
	d->stats.width = sps->width;
	d->stats.height = sps->height;
	return (d->cfg.max_width == 0 || sps->width <= d->cfg.max_width) &&
	       (d->cfg.max_height == 0 || sps->height <= d->cfg.max_height);
}

static void put_nal(GByteArray *out, const uint8_t *nal, size_t len)
{
	g_byte_array_append(out, start_code, sizeof(start_code));
	g_byte_array_append(out, nal, (guint)len);
}

/* Parameter sets that the keyframe needs and does not bring, in front of it. */
static void add_missing_sets(McuH264Depay *d, const McuH264Sps *sps)
{
	const McuParamSet *pps = &d->sets.pps[d->au.pps_id];
	g_autoptr(GByteArray) front = g_byte_array_new();

	put_nal(front, d->sets.sps[sps->id].nal, d->sets.sps[sps->id].len);
	put_nal(front, pps->nal, pps->len);
	g_byte_array_prepend(d->buf, front->data, front->len);
}

static void give_out(McuH264Depay *d, bool keyframe, const McuH264Sps *sps)
{
	McuAccessUnit *au = NULL;

	if (d->n_ready < MAX_READY)
		au = mcu_access_unit_new(d->buf->data, d->buf->len);
	if (!au) {
		d->stats.dropped++;
		d->wait = d->restarted = true;
		return;
	}
	au->rtp_ts = d->au.ts;
	au->first_arrival_ns = d->au.first_arrival_ns;
	au->keyframe = keyframe;
	au->complete = !d->au.damaged;
	au->restarted = d->restarted;
	au->width = sps ? sps->width : 0;
	au->height = sps ? sps->height : 0;
	d->restarted = false;
	d->ready[d->n_ready++] = au;
	d->stats.access_units++;
	d->stats.keyframes += keyframe;
}

/* A picture with the parameter sets to decode it, in a state where it can be decoded? */
static bool decodable(McuH264Depay *d, bool keyframe, const McuH264Sps *sps)
{
	if (d->au.damaged && !d->cfg.keep_incomplete)
		return false;
	if (d->wait && (!keyframe || d->au.damaged || !sps))
		return false;
	return true;
}

static void drop_fragment(McuH264Depay *d)
{
	if (d->fu_open) {
		g_byte_array_set_size(d->buf, (guint)d->fu_start);
		d->fu_open = false;
		d->au.damaged = true;
	}
}

static void finish(McuH264Depay *d)
{
	const McuH264Sps *sps;
	bool keyframe = is_keyframe(&d->au);

	if (!d->au.open)
		return;
	drop_fragment(d);
	sps = d->au.has_slice ? mcu_param_sets_find(&d->sets, d->au.pps_id) : NULL;
	if (d->au.damaged) {
		d->stats.damaged++;
		if (!d->cfg.keep_incomplete)
			d->wait = true;
	}
	if (!d->au.has_slice) {
		/* parameter sets or SEI on their own: remembered above, nothing to decode */
		if (d->au.damaged)
			d->restarted = true;
	} else if (!size_allowed(d, sps)) {
		d->stats.too_big++;
		d->stats.dropped++;
		d->wait = d->restarted = true;
	} else if (!decodable(d, keyframe, sps)) {
		d->stats.dropped++;
		d->wait = d->restarted = true;
	} else {
		if (keyframe && sps && !(d->au.own_sps && d->au.own_pps))
			add_missing_sets(d, sps);
		if (keyframe)
			d->wait = false;
		give_out(d, keyframe, sps);
	}
	d->au = (Gathering){ 0 };
	g_byte_array_set_size(d->buf, 0);
}

/* --- gathering --- */

static void look_at_slice(McuH264Depay *d, const uint8_t *nal, size_t len)
{
	unsigned first_mb, type, pps_id;

	if (mcu_h264_parse_slice(nal, len, &first_mb, &type, &pps_id) < 0) {
		d->au.damaged = true;
		d->stats.malformed++;
		return;
	}
	/* the lost packets may have held its first slices */
	if (!d->au.has_slice && d->au.after_gap && first_mb != 0)
		d->au.damaged = true;
	if (!d->au.has_slice) {
		d->au.pps_id = pps_id;
		d->au.all_i = true;
	}
	d->au.has_slice = true;
	d->au.all_i = d->au.all_i && type % 5 == 2;
}

static void look_at(McuH264Depay *d, const uint8_t *nal, size_t len)
{
	unsigned type = mcu_h264_nal_type(nal);

	if (type == MCU_H264_NAL_SPS || type == MCU_H264_NAL_PPS) {
		if (mcu_param_sets_add(&d->sets, nal, len) == -EINVAL)
			d->stats.malformed++;
		else if (type == MCU_H264_NAL_SPS)
			d->au.own_sps = true;
		else
			d->au.own_pps = true;
	} else if (type == MCU_H264_NAL_SEI) {
		d->au.recovery |= mcu_h264_sei_recovery_point(nal, len);
	} else if (type >= MCU_H264_NAL_SLICE && type <= MCU_H264_NAL_IDR) {
		d->au.idr |= type == MCU_H264_NAL_IDR;
		/* data partitions B and C (3, 4) begin with a slice id, not a slice header */
		if (type <= 2 || type == MCU_H264_NAL_IDR)
			look_at_slice(d, nal, len);
	}
}

/* May `more` bytes be appended to this access unit? */
static bool fits(McuH264Depay *d, size_t more)
{
	if (d->buf->len + more <= MCU_H264_MAX_AU)
		return true;
	if (!d->au.damaged)
		d->stats.too_big++;
	d->au.damaged = true;
	return false;
}

static void take_nal(McuH264Depay *d, const uint8_t *nal, size_t len)
{
	if (len == 0 || mcu_h264_nal_type(nal) == 0 || mcu_h264_nal_type(nal) > 23) {
		d->stats.malformed++;
		return;
	}
	if (mcu_h264_nal_type(nal) == MCU_H264_NAL_FILLER)
		return;
	if (d->au.nals >= MCU_H264_MAX_NALS || !fits(d, len + sizeof(start_code))) {
		d->au.damaged = true;
		return;
	}
	d->au.nals++;
	look_at(d, nal, len);
	put_nal(d->buf, nal, len);
}

/* STAP-A, STAP-B (16-bit DON first) and MTAP (DON difference and time offset with each unit). */
static void take_aggregate(McuH264Depay *d, const uint8_t *payload, size_t len, unsigned type)
{
	McuReader r = mcu_reader(payload + 1, len - 1);
	size_t skip = type == MCU_H264_NAL_MTAP16 ? 3 : type == MCU_H264_NAL_MTAP24 ? 4 : 0;

	if (type != MCU_H264_NAL_STAP_A)
		(void)mcu_read_u16(&r);
	while (!r.failed && r.left > 0) {
		uint16_t size = mcu_read_u16(&r);
		const uint8_t *nal;

		(void)mcu_read_bytes(&r, skip);
		nal = mcu_read_bytes(&r, size);
		if (nal && size)
			take_nal(d, nal, size);
	}
	if (r.failed) {
		d->stats.malformed++;
		d->au.damaged = true;
	}
}

static void end_fragment(McuH264Depay *d)
{
	const uint8_t *nal = d->buf->data + d->fu_start + sizeof(start_code);

	d->fu_open = false;
	look_at(d, nal, d->buf->len - d->fu_start - sizeof(start_code));
}

static void begin_fragment(McuH264Depay *d, uint8_t nal_header)
{
	drop_fragment(d);
	if (d->au.nals >= MCU_H264_MAX_NALS || !fits(d, sizeof(start_code) + 1)) {
		d->au.damaged = true;
		return;
	}
	d->au.nals++;
	d->fu_start = d->buf->len;
	d->fu_open = true;
	put_nal(d->buf, &nal_header, 1);
}

/* FU-A, and FU-B whose first fragment carries a DON. */
static void take_fragment(McuH264Depay *d, const uint8_t *payload, size_t len, unsigned type)
{
	McuReader r = mcu_reader(payload, len);
	uint8_t indicator = mcu_read_u8(&r), header = mcu_read_u8(&r);
	uint8_t nal_header = (uint8_t)((indicator & 0xe0) | (header & 0x1f));
	bool start = header & 0x80, end = header & 0x40;

	if (type == MCU_H264_NAL_FU_B)
		(void)mcu_read_u16(&r);
	if (r.failed || (nal_header & 0x1f) == 0 || (nal_header & 0x1f) > 23) {
		d->stats.malformed++;
		d->au.damaged = true;
		return;
	}
	if (start)
		begin_fragment(d, nal_header);
	if (!d->fu_open) {
		d->au.damaged = true;
		return;
	}
	if (!fits(d, r.left)) {
		drop_fragment(d);
		return;
	}
	g_byte_array_append(d->buf, r.p, (guint)r.left);
	if (end)
		end_fragment(d);
}

static void take_payload(McuH264Depay *d, const uint8_t *payload, size_t len)
{
	unsigned type = mcu_h264_nal_type(payload);

	if (type == MCU_H264_NAL_FU_A || type == MCU_H264_NAL_FU_B) {
		take_fragment(d, payload, len, type);
		return;
	}
	drop_fragment(d);
	if (type >= MCU_H264_NAL_STAP_A && type <= MCU_H264_NAL_MTAP24)
		take_aggregate(d, payload, len, type);
	else
		take_nal(d, payload, len);
}

/* Packets are missing before this one. Whatever was open is damaged; if the missing ones may have
 * been a picture of their own, decoding cannot go on either. */
static void note_gap(McuH264Depay *d, uint32_t ts)
{
	if (d->au.open)
		d->au.damaged = true;
	if (d->au.open && d->au.ts != ts)
		finish(d);
	if (!d->au.open)
		d->gap_before = true;
	if (!d->cfg.keep_incomplete)
		d->wait = true;
	d->restarted = true;
}

void mcu_h264_depay_put(McuH264Depay *d, const uint8_t *payload, size_t len, uint32_t ts,
			bool marker, bool gap, int64_t arrival_ns)
{
	if (gap)
		note_gap(d, ts);
	if (len == 0)
		return;
	if (d->au.open && d->au.ts != ts)
		finish(d);
	if (!d->au.open) {
		d->au = (Gathering){ .open = true,
				     .after_gap = d->gap_before,
				     .ts = ts,
				     .first_arrival_ns = arrival_ns };
		d->gap_before = false;
	}
	take_payload(d, payload, len);
	if (marker)
		finish(d);
}

McuAccessUnit *mcu_h264_depay_next(McuH264Depay *d)
{
	McuAccessUnit *au;

	if (d->n_ready == 0)
		return NULL;
	au = d->ready[0];
	memmove(d->ready, d->ready + 1, --d->n_ready * sizeof(d->ready[0]));
	return au;
}

bool mcu_h264_depay_wants_keyframe(const McuH264Depay *d)
{
	return d->wait;
}

void mcu_h264_depay_restart(McuH264Depay *d)
{
	d->wait = d->restarted = true;
}

void mcu_h264_depay_stats(const McuH264Depay *d, McuH264DepayStats *ret)
{
	*ret = d->stats;
}
