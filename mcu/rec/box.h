/* Boxes of ISO base media files (ISO/IEC 14496-12), written into memory. Inside rec/ only. Pure. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/** What a track is; bytes are borrowed. */
typedef struct McuBoxTrack {
	uint32_t id;
	uint32_t timescale;
	bool video;
	unsigned width, height;   /* video */
	unsigned bitrate_bps;     /* audio */
	const GByteArray *config; /* avcC content; AudioSpecificConfig */
} McuBoxTrack;

typedef struct McuBoxStts {
	uint32_t count, delta;
} McuBoxStts;

typedef struct McuBoxChunk {
	uint64_t offset; /* in the file */
	uint32_t samples;
} McuBoxChunk;

/** Sample table of a finished track. */
typedef struct McuBoxIndex {
	GArray *stts;      /* McuBoxStts */
	GArray *sizes;     /* uint32_t */
	GArray *sync;      /* uint32_t, sample numbers from 1; video */
	GArray *chunks;    /* McuBoxChunk */
	uint64_t duration; /* in the track's timescale */
} McuBoxIndex;

/** A sample of a fragment. */
typedef struct McuBoxSample {
	uint32_t size, duration;
	bool sync;
} McuBoxSample;

/** One track's part of a fragment. */
typedef struct McuBoxRun {
	uint32_t track_id;
	uint64_t dts;
	const McuBoxSample *samples;
	size_t n;
	uint64_t bytes; /* of the samples */
} McuBoxRun;

void mcu_box_u16(GByteArray *out, uint16_t v);
void mcu_box_u32(GByteArray *out, uint32_t v);
void mcu_box_u64(GByteArray *out, uint64_t v);

/** Begin a box; give what it returns to mcu_box_end(). */
size_t mcu_box_begin(GByteArray *out, const char type[4]);
size_t mcu_box_begin_full(GByteArray *out, const char type[4], uint8_t version, uint32_t flags);
void mcu_box_end(GByteArray *out, size_t at);

void mcu_box_ftyp(GByteArray *out);

/** moov of a fragmented file: no samples, mvex. */
void mcu_box_moov_fragmented(GByteArray *out, const McuBoxTrack *tracks, size_t n);

/** moov of a finished file. */
void mcu_box_moov_indexed(GByteArray *out, const McuBoxTrack *tracks, const McuBoxIndex *index,
			  size_t n);

/** moof, and the header of the mdat that holds the runs' samples, in order. */
void mcu_box_fragment(GByteArray *out, uint32_t number, const McuBoxRun *runs, size_t n);
