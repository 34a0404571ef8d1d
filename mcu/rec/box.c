#include "rec/box.h"

#include <string.h>

#include "base/bytes.h"

#define MOVIE_TIMESCALE 1000
/* sample_flags: sample_depends_on, sample_is_non_sync_sample (section 8.8.3.1) */
#define FLAGS_SYNC     0x02000000
#define FLAGS_NON_SYNC 0x01010000

static void u8(GByteArray *out, uint8_t v)
{
	g_byte_array_append(out, &v, 1);
}

void mcu_box_u16(GByteArray *out, uint16_t v)
{
	uint8_t b[2];

	mcu_put_u16(b, v);
	g_byte_array_append(out, b, sizeof(b));
}

void mcu_box_u32(GByteArray *out, uint32_t v)
{
	uint8_t b[4];

	mcu_put_u32(b, v);
	g_byte_array_append(out, b, sizeof(b));
}

void mcu_box_u64(GByteArray *out, uint64_t v)
{
	mcu_box_u32(out, (uint32_t)(v >> 32));
	mcu_box_u32(out, (uint32_t)v);
}

static void zeros(GByteArray *out, unsigned n)
{
	while (n--)
		u8(out, 0);
}

static void bytes(GByteArray *out, const void *p, size_t n)
{
	g_byte_array_append(out, p, (guint)n);
}

size_t mcu_box_begin(GByteArray *out, const char type[4])
{
	size_t at = out->len;

	mcu_box_u32(out, 0);
	bytes(out, type, 4);
	return at;
}

size_t mcu_box_begin_full(GByteArray *out, const char type[4], uint8_t version, uint32_t flags)
{
	size_t at = mcu_box_begin(out, type);

	mcu_box_u32(out, (uint32_t)version << 24 | flags);
	return at;
}

void mcu_box_end(GByteArray *out, size_t at)
{
	mcu_put_u32(out->data + at, (uint32_t)(out->len - at));
}

void mcu_box_ftyp(GByteArray *out)
{
	size_t at = mcu_box_begin(out, "ftyp");

	bytes(out, "isom", 4);
	mcu_box_u32(out, 512);
	bytes(out, "isomiso2iso5avc1mp41", 20);
	mcu_box_end(out, at);
}

static void matrix(GByteArray *out)
{
	static const uint32_t unity[9] = { 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000 };

	for (unsigned i = 0; i < 9; i++)
		mcu_box_u32(out, unity[i]);
}

static void mvhd(GByteArray *out, uint64_t duration, uint32_t next_id)
{
	size_t at = mcu_box_begin_full(out, "mvhd", 1, 0);

	mcu_box_u64(out, 0); /* creation, modification */
	mcu_box_u64(out, 0);
	mcu_box_u32(out, MOVIE_TIMESCALE);
	mcu_box_u64(out, duration);
	mcu_box_u32(out, 0x10000); /* rate */
	mcu_box_u16(out, 0x100);   /* volume */
	zeros(out, 10);
	matrix(out);
	zeros(out, 24);
	mcu_box_u32(out, next_id);
	mcu_box_end(out, at);
}

static uint64_t movie_duration(const McuBoxTrack *t, const McuBoxIndex *index)
{
	return index ? index->duration * MOVIE_TIMESCALE / t->timescale : 0;
}

static void tkhd(GByteArray *out, const McuBoxTrack *t, uint64_t duration)
{
	size_t at = mcu_box_begin_full(out, "tkhd", 1, 3); /* enabled, in movie */

	mcu_box_u64(out, 0);
	mcu_box_u64(out, 0);
	mcu_box_u32(out, t->id);
	mcu_box_u32(out, 0);
	mcu_box_u64(out, duration);
	zeros(out, 12); /* layer, group */
	mcu_box_u16(out, t->video ? 0 : 0x100);
	mcu_box_u16(out, 0);
	matrix(out);
	mcu_box_u32(out, t->width << 16);
	mcu_box_u32(out, t->height << 16);
	mcu_box_end(out, at);
}

static void mdhd(GByteArray *out, const McuBoxTrack *t, uint64_t duration)
{
	size_t at = mcu_box_begin_full(out, "mdhd", 1, 0);

	mcu_box_u64(out, 0);
	mcu_box_u64(out, 0);
	mcu_box_u32(out, t->timescale);
	mcu_box_u64(out, duration);
	mcu_box_u16(out, 0x55c4); /* "und" */
	mcu_box_u16(out, 0);
	mcu_box_end(out, at);
}

static void hdlr(GByteArray *out, const McuBoxTrack *t)
{
	size_t at = mcu_box_begin_full(out, "hdlr", 0, 0);

	mcu_box_u32(out, 0);
	bytes(out, t->video ? "vide" : "soun", 4);
	zeros(out, 12);
	bytes(out, t->video ? "Video" : "Sound", 6);
	mcu_box_end(out, at);
}

static void media_header(GByteArray *out, const McuBoxTrack *t)
{
	size_t at = t->video ? mcu_box_begin_full(out, "vmhd", 0, 1)
			     : mcu_box_begin_full(out, "smhd", 0, 0);

	zeros(out, t->video ? 8 : 4);
	mcu_box_end(out, at);
}

static void dinf(GByteArray *out)
{
	size_t at = mcu_box_begin(out, "dinf"), dref = mcu_box_begin_full(out, "dref", 0, 0), url;

	mcu_box_u32(out, 1);
	url = mcu_box_begin_full(out, "url ", 0, 1); /* in this file */
	mcu_box_end(out, url);
	mcu_box_end(out, dref);
	mcu_box_end(out, at);
}

static void avc1(GByteArray *out, const McuBoxTrack *t)
{
	size_t at = mcu_box_begin(out, "avc1"), avcc;

	zeros(out, 6);
	mcu_box_u16(out, 1); /* data reference */
	zeros(out, 16);
	mcu_box_u16(out, (uint16_t)t->width);
	mcu_box_u16(out, (uint16_t)t->height);
	mcu_box_u32(out, 0x480000); /* 72 dpi */
	mcu_box_u32(out, 0x480000);
	mcu_box_u32(out, 0);
	mcu_box_u16(out, 1);
	zeros(out, 32);
	mcu_box_u16(out, 24);
	mcu_box_u16(out, 0xffff);
	avcc = mcu_box_begin(out, "avcC");
	bytes(out, t->config->data, t->config->len);
	mcu_box_end(out, avcc);
	mcu_box_end(out, at);
}

/* ISO/IEC 14496-1 section 7.2.6: descriptors with one-byte lengths. */
static void esds(GByteArray *out, const McuBoxTrack *t)
{
	size_t at = mcu_box_begin_full(out, "esds", 0, 0);
	uint8_t config = (uint8_t)t->config->len;

	u8(out, 3);
	u8(out, (uint8_t)(3 + 2 + 13 + 2 + config + 3));
	mcu_box_u16(out, (uint16_t)t->id);
	u8(out, 0);
	u8(out, 4);
	u8(out, (uint8_t)(13 + 2 + config));
	u8(out, 0x40); /* MPEG-4 audio */
	u8(out, 0x15); /* audio stream */
	zeros(out, 3);
	mcu_box_u32(out, t->bitrate_bps);
	mcu_box_u32(out, t->bitrate_bps);
	u8(out, 5);
	u8(out, config);
	bytes(out, t->config->data, config);
	u8(out, 6);
	u8(out, 1);
	u8(out, 2);
	mcu_box_end(out, at);
}

static void mp4a(GByteArray *out, const McuBoxTrack *t)
{
	size_t at = mcu_box_begin(out, "mp4a");

	zeros(out, 6);
	mcu_box_u16(out, 1);
	zeros(out, 8);
	mcu_box_u16(out, 1); /* channel */
	mcu_box_u16(out, 16);
	mcu_box_u32(out, 0);
	mcu_box_u32(out, t->timescale << 16);
	esds(out, t);
	mcu_box_end(out, at);
}

static void stsd(GByteArray *out, const McuBoxTrack *t)
{
	size_t at = mcu_box_begin_full(out, "stsd", 0, 0);

	mcu_box_u32(out, 1);
	if (t->video)
		avc1(out, t);
	else
		mp4a(out, t);
	mcu_box_end(out, at);
}

static void stts(GByteArray *out, const McuBoxIndex *index)
{
	size_t at = mcu_box_begin_full(out, "stts", 0, 0);
	guint n = index ? index->stts->len : 0;

	mcu_box_u32(out, n);
	for (guint i = 0; i < n; i++) {
		mcu_box_u32(out, g_array_index(index->stts, McuBoxStts, i).count);
		mcu_box_u32(out, g_array_index(index->stts, McuBoxStts, i).delta);
	}
	mcu_box_end(out, at);
}

static void stss(GByteArray *out, const McuBoxIndex *index)
{
	size_t at = mcu_box_begin_full(out, "stss", 0, 0);

	mcu_box_u32(out, index->sync->len);
	for (guint i = 0; i < index->sync->len; i++)
		mcu_box_u32(out, g_array_index(index->sync, uint32_t, i));
	mcu_box_end(out, at);
}

/* A new entry only where the number of samples per chunk changes. */
static void stsc(GByteArray *out, const McuBoxIndex *index)
{
	size_t at = mcu_box_begin_full(out, "stsc", 0, 0), count = out->len;
	uint32_t entries = 0, last = 0;

	mcu_box_u32(out, 0);
	for (guint i = 0; index && i < index->chunks->len; i++) {
		uint32_t samples = g_array_index(index->chunks, McuBoxChunk, i).samples;

		if (samples == last)
			continue;
		mcu_box_u32(out, i + 1);
		mcu_box_u32(out, samples);
		mcu_box_u32(out, 1);
		last = samples;
		entries++;
	}
	mcu_put_u32(out->data + count, entries);
	mcu_box_end(out, at);
}

static void stsz(GByteArray *out, const McuBoxIndex *index)
{
	size_t at = mcu_box_begin_full(out, "stsz", 0, 0);
	guint n = index ? index->sizes->len : 0;

	mcu_box_u32(out, 0);
	mcu_box_u32(out, n);
	for (guint i = 0; i < n; i++)
		mcu_box_u32(out, g_array_index(index->sizes, uint32_t, i));
	mcu_box_end(out, at);
}

static void co64(GByteArray *out, const McuBoxIndex *index)
{
	size_t at = mcu_box_begin_full(out, "co64", 0, 0);
	guint n = index ? index->chunks->len : 0;

	mcu_box_u32(out, n);
	for (guint i = 0; i < n; i++)
		mcu_box_u64(out, g_array_index(index->chunks, McuBoxChunk, i).offset);
	mcu_box_end(out, at);
}

static void stbl(GByteArray *out, const McuBoxTrack *t, const McuBoxIndex *index)
{
	size_t at = mcu_box_begin(out, "stbl");

	stsd(out, t);
	stts(out, index);
	if (index && t->video)
		stss(out, index);
	stsc(out, index);
	stsz(out, index);
	co64(out, index);
	mcu_box_end(out, at);
}

static void trak(GByteArray *out, const McuBoxTrack *t, const McuBoxIndex *index)
{
	size_t at = mcu_box_begin(out, "trak"), mdia, minf;

	tkhd(out, t, movie_duration(t, index));
	mdia = mcu_box_begin(out, "mdia");
	mdhd(out, t, index ? index->duration : 0);
	hdlr(out, t);
	minf = mcu_box_begin(out, "minf");
	media_header(out, t);
	dinf(out);
	stbl(out, t, index);
	mcu_box_end(out, minf);
	mcu_box_end(out, mdia);
	mcu_box_end(out, at);
}

static void mvex(GByteArray *out, const McuBoxTrack *tracks, size_t n)
{
	size_t at = mcu_box_begin(out, "mvex");

	for (size_t i = 0; i < n; i++) {
		size_t trex = mcu_box_begin_full(out, "trex", 0, 0);

		mcu_box_u32(out, tracks[i].id);
		mcu_box_u32(out, 1); /* sample description */
		zeros(out, 12);
		mcu_box_end(out, trex);
	}
	mcu_box_end(out, at);
}

void mcu_box_moov_fragmented(GByteArray *out, const McuBoxTrack *tracks, size_t n)
{
	size_t at = mcu_box_begin(out, "moov");

	mvhd(out, 0, tracks[n - 1].id + 1);
	for (size_t i = 0; i < n; i++)
		trak(out, &tracks[i], NULL);
	mvex(out, tracks, n);
	mcu_box_end(out, at);
}

void mcu_box_moov_indexed(GByteArray *out, const McuBoxTrack *tracks, const McuBoxIndex *index,
			  size_t n)
{
	size_t at = mcu_box_begin(out, "moov");
	uint64_t duration = 0;

	for (size_t i = 0; i < n; i++)
		duration = MAX(duration, movie_duration(&tracks[i], &index[i]));
	mvhd(out, duration, tracks[n - 1].id + 1);
	for (size_t i = 0; i < n; i++)
		trak(out, &tracks[i], &index[i]);
	mcu_box_end(out, at);
}

/* Returns where the data offset is to be filled in. */
static size_t traf(GByteArray *out, const McuBoxRun *run)
{
	size_t at = mcu_box_begin(out, "traf"), box, offset;

	box = mcu_box_begin_full(out, "tfhd", 0, 0x020000); /* default-base-is-moof */
	mcu_box_u32(out, run->track_id);
	mcu_box_end(out, box);
	box = mcu_box_begin_full(out, "tfdt", 1, 0);
	mcu_box_u64(out, run->dts);
	mcu_box_end(out, box);
	box = mcu_box_begin_full(out, "trun", 0, 0x000701); /* offset; duration, size, flags */
	mcu_box_u32(out, (uint32_t)run->n);
	offset = out->len;
	mcu_box_u32(out, 0);
	for (size_t i = 0; i < run->n; i++) {
		mcu_box_u32(out, run->samples[i].duration);
		mcu_box_u32(out, run->samples[i].size);
		mcu_box_u32(out, run->samples[i].sync ? FLAGS_SYNC : FLAGS_NON_SYNC);
	}
	mcu_box_end(out, box);
	mcu_box_end(out, at);
	return offset;
}

void mcu_box_fragment(GByteArray *out, uint32_t number, const McuBoxRun *runs, size_t n)
{
	size_t start = out->len, moof = mcu_box_begin(out, "moof"), mfhd;
	size_t offset_at[4];
	uint64_t offset;

	g_assert(n <= G_N_ELEMENTS(offset_at));
	mfhd = mcu_box_begin_full(out, "mfhd", 0, 0);
	mcu_box_u32(out, number);
	mcu_box_end(out, mfhd);
	for (size_t i = 0; i < n; i++)
		offset_at[i] = traf(out, &runs[i]);
	mcu_box_end(out, moof);
	offset = out->len - start + 8;
	mcu_box_begin(out, "mdat");
	for (size_t i = 0; i < n; i++) {
		mcu_put_u32(out->data + offset_at[i], (uint32_t)offset);
		offset += runs[i].bytes;
	}
	mcu_put_u32(out->data + out->len - 8, (uint32_t)(offset - (out->len - start) + 8));
}
