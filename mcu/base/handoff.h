/* Hand-off of immutable snapshots from one thread (usually loop) to one reader (usually a tick).
 *
 *   writer --publish--> [pending] --acquire--> reader uses it until it acquires a newer one
 *   writer <--reap----- [retired] <-----------/   (what the reader left is freed by the writer)
 *
 * The reader neither locks, allocates nor frees. Snapshots not yet acquired are replaced.
 */
#pragma once
#include <glib.h>

typedef struct McuHandoff McuHandoff;

/** `free_fn` frees a snapshot; it only ever runs in the writer's thread (or in _free()). */
McuHandoff *mcu_handoff_new(GDestroyNotify free_fn);

/** Thread: any, once neither side runs any more. Frees every snapshot. NULL is allowed. */
void mcu_handoff_free(McuHandoff *h);

/** Make `snapshot` (not NULL) the newest, and free what the reader has left since the last call.
 * Owns: takes it. Thread: the writer only.
 */
void mcu_handoff_publish(McuHandoff *h, void *snapshot);

/** Free what the reader has left. Thread: the writer only. */
void mcu_handoff_reap(McuHandoff *h);

/** The newest snapshot, valid until the next acquire; NULL before the first publish.
 * Thread: the reader only; no allocation, no lock.
 */
void *mcu_handoff_acquire(McuHandoff *h);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuHandoff, mcu_handoff_free)
