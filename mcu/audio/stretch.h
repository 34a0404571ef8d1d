/* Time stretching of 48 kHz mono: takes one period out of a piece of sound, or puts one in, with an
 * overlap-add at the place and lag of the best match, so that a tone or a voice goes on unbroken
 * and without a click. Pure.
 */
#pragma once
#include <stddef.h>

#define MCU_STRETCH_MIN_FRAMES 960 /* shorter pieces are left as they are */
#define MCU_STRETCH_MAX_FRAMES 720 /* most that one call takes out or puts in: 15 ms */

/** Make pcm[0..n) shorter in place. `urgent`: also where the match is poor.
 * Result: the new length; n when nothing matches well.
 */
size_t mcu_stretch_shorten(float *pcm, size_t n, int urgent);

/** Make pcm[0..n) longer in place; there must be room for n + MCU_STRETCH_MAX_FRAMES. */
size_t mcu_stretch_lengthen(float *pcm, size_t n, int urgent);
