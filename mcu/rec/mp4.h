/* An MP4 file that plays at any moment, and ends up as an ordinary one. Inside rec/ only.
 *
 *   while recording:  ftyp free moov(mvex) moof mdat moof mdat …
 *   finished:         ftyp mdat(………………………………………………………) moov(index)
 *
 * Finishing appends the index, and then turns the 16-byte `free` into the header of one mdat that
 * spans everything up to the index, in a single write: no data is copied, so it takes milliseconds
 * whatever the length, and a crash before that write leaves the fragmented file as it was.
 * Not here: threads, codecs.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MCU_MP4_VIDEO_HZ 90000
#define MCU_MP4_AUDIO_HZ 48000

typedef enum McuMp4TrackId {
	MCU_MP4_VIDEO = 1,
	MCU_MP4_AUDIO = 2,
} McuMp4TrackId;

typedef struct McuMp4 McuMp4;

typedef struct McuMp4Config {
	unsigned width, height;
	const GByteArray *avcc; /* content of the avcC box; copied */
	const GByteArray *asc;  /* AudioSpecificConfig; copied */
	unsigned audio_bitrate_bps;
} McuMp4Config;

/** Create the file; never overwrites. Errors: -EEXIST, -ENOENT, -EACCES, -ENOSPC, -EIO. */
int mcu_mp4_create(const char *path, McuMp4 **ret, McuDiag *reterr) MCU_WARN_UNUSED;

/** Closes; the file stays as it is. NULL is allowed. */
void mcu_mp4_free(McuMp4 *mp4);

/** Write the header. Errors: -ENOSPC, -EIO. */
int mcu_mp4_begin(McuMp4 *mp4, const McuMp4Config *config) MCU_WARN_UNUSED;
bool mcu_mp4_begun(const McuMp4 *mp4);

/** Gather one sample, in memory. dts counts in the track's Hz, from 0, and is made to grow by at
 * least 1. H.264 with 4-byte lengths. */
void mcu_mp4_add(McuMp4 *mp4, McuMp4TrackId track, const uint8_t *data, size_t len, uint64_t dts,
		 bool sync);

/** Write what was gathered as one fragment, but for the newest sample of each track, whose length
 * is not known yet; with `all` that one too.
 * Errors: -ENOSPC, -EIO; the file is cut back to its last whole fragment then, and takes no more.
 */
int mcu_mp4_flush(McuMp4 *mp4, bool all) MCU_WARN_UNUSED;

/** Write the rest, and the index if `index`. The file is complete and playable even when this
 * fails. Errors: -ENOSPC, -EIO. */
int mcu_mp4_finish(McuMp4 *mp4, bool index) MCU_WARN_UNUSED;

uint64_t mcu_mp4_bytes(const McuMp4 *mp4);
const char *mcu_mp4_path(const McuMp4 *mp4);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuMp4, mcu_mp4_free)
