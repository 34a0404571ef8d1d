/* Camera-like moving pictures, made, not filmed: a textured room, a person who sways, talks and
 * waves, slow flicker of the light, sensor noise. Deterministic: the same seed, size and number
 * give the same picture. Pure; knows nothing of codecs.
 */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct McuClip McuClip;

/** Sides even, 16 to 4096. Each seed is another person in another room. */
McuClip *mcu_clip_new(int width, int height, uint32_t seed);
void mcu_clip_free(McuClip *clip);

/** Picture number `n` (30 a second look natural).
 * Shape: I420, BT.709 limited range; data and stride of Y, U, V; writes the picture only.
 * Thread: one at a time per clip.
 */
void mcu_clip_render(McuClip *clip, int64_t n, uint8_t *const data[3], const int stride[3]);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuClip, mcu_clip_free)
