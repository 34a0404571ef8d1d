/* The recording as the rec thread makes it: file parts, one time line for picture and sound, when
 * to write. Inside rec/ only. Thread: owner (rec); not here: queues, the thread itself. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "rec/recorder.h"

typedef struct McuRecWriter McuRecWriter;

/** Creates the folder and the first file. Owns: copies.   Errors: as mcu_recorder_new(). */
int mcu_rec_writer_new(const McuRecorderConfig *config, const McuRecorderHandler *handler,
		       void *data, McuRecWriter **ret, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_rec_writer_free(McuRecWriter *w); /* NULL is allowed */

/** The first keyframe was taken: the time line is known. */
bool mcu_rec_writer_begun(const McuRecWriter *w);

/** Pictures before the first keyframe with parameter sets are left out. Errors: -ENOSPC, -EIO,
 * -EEXIST, -EOVERFLOW more than MCU_REC_MAX_PARTS; `reterr` then says what happened. */
int mcu_rec_writer_picture(McuRecWriter *w, const uint8_t *au, size_t len, bool keyframe,
			   int64_t pts_ns, McuDiag *reterr) MCU_WARN_UNUSED;

/** One slot of sound. Errors: as above. */
int mcu_rec_writer_slot(McuRecWriter *w, const float *pcm, int64_t pts_ns,
			McuDiag *reterr) MCU_WARN_UNUSED;

/** Close the current file and report it. Errors: -ENOSPC, -EIO; the file plays nevertheless. */
int mcu_rec_writer_finish(McuRecWriter *w, McuDiag *reterr) MCU_WARN_UNUSED;

/** Fills in what is written; the drop counters are not touched. */
void mcu_rec_writer_stats(const McuRecWriter *w, McuRecorderStats *ret);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuRecWriter, mcu_rec_writer_free)
