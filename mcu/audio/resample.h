/* Streaming sample rate conversion between 48 kHz and 8 or 16 kHz, mono float: polyphase FIR of an
 * exact integer ratio, linear phase, fixed latency. Pure.
 * Not libswresample, as its state cannot be copied, which a listener who moves from one
 * encoder to another needs (sender.h); both cost 2 to 4 us per slot.
 */
#pragma once
#include <glib.h>
#include <stddef.h>

typedef struct McuResampler McuResampler;

/** One of the rates is 48000; the other 8000, 16000 or 48000 (a copy). NULL otherwise. */
McuResampler *mcu_resampler_new(unsigned in_hz, unsigned out_hz);
void mcu_resampler_free(McuResampler *rs);
void mcu_resampler_reset(McuResampler *rs);

/** Make `dst` go on where `src` is; both of the same rates. */
void mcu_resampler_copy(McuResampler *dst, const McuResampler *src);

/** Convert n_in samples. When the rate falls by a factor k, n_in must be a multiple of k (10 ms of
 * any rate is). Output: exactly n_in * out_hz / in_hz samples, which is also the result.
 * in and out must not overlap. No allocation.
 */
size_t mcu_resampler_run(McuResampler *rs, const float *in, size_t n_in, float *out);

/** Delay of the filter in samples of the output. */
unsigned mcu_resampler_delay(const McuResampler *rs);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuResampler, mcu_resampler_free)
