/* Audio codecs behind one interface: Opus, G.722 (64 kbit/s), PCMU, PCMA; comfort noise (RFC 3389).
 * Samples are float mono, -1 to 1. Everything is allocated by _new(): coding allocates nothing.
 *
 * Not here: when to conceal or to use FEC (receiver.h), resampling (resample.h).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/codec.h"
#include "base/err.h"

/* longest frame of any codec: 120 ms at 48 kHz */
#define MCU_AUDIO_MAX_FRAME 5760

typedef struct McuAudioDecoder McuAudioDecoder;
typedef struct McuAudioEncoder McuAudioEncoder;

/** Samples per second the codec is run at: 48000 (Opus), 16000 (G.722), 8000; 0 for no audio codec.
 */
unsigned mcu_audio_codec_rate(McuCodec codec);

/** Length of a payload in samples at mcu_audio_codec_rate(), without decoding it; 0 when malformed
 * or empty. CN: 0.
 */
unsigned mcu_audio_payload_samples(McuCodec codec, const uint8_t *payload, size_t len);

/** NULL for what is not an audio codec. CN: makes noise at 8 kHz by _conceal() after _decode(). */
McuAudioDecoder *mcu_audio_decoder_new(McuCodec codec);
void mcu_audio_decoder_free(McuAudioDecoder *dec);
void mcu_audio_decoder_reset(McuAudioDecoder *dec);
McuCodec mcu_audio_decoder_codec(const McuAudioDecoder *dec);

/** Samples written. `out`: room for MCU_AUDIO_MAX_FRAME, in all functions of a decoder.
 * Errors: -EINVAL malformed payload; the decoder stays usable.
 */
int mcu_audio_decoder_decode(McuAudioDecoder *dec, const uint8_t *payload, size_t len,
			     float *out) MCU_WARN_UNUSED;

/** The frame of `n` samples that was lost before `payload`, from the redundancy in `payload`
 * (Opus in-band FEC). n: samples missing.
 * Errors: -ENOENT no redundancy in it (conceal instead), -EINVAL.
 */
int mcu_audio_decoder_fec(McuAudioDecoder *dec, const uint8_t *payload, size_t len, float *out,
			  unsigned n) MCU_WARN_UNUSED;

/** Make up n samples (n <= MCU_AUDIO_MAX_FRAME): goes on with the last pitch, fades to a faint
 * noise within some 100 ms; the next decoded frame is faded in over it.
 */
void mcu_audio_decoder_conceal(McuAudioDecoder *dec, float *out, unsigned n);

typedef struct McuAudioEncoderParams {
	McuCodec codec;
	unsigned bitrate_bps; /* Opus; 0 = 32000 */
	unsigned complexity;  /* Opus, 0 = 5 */
	bool fec;             /* Opus */
	bool dtx;             /* Opus */
} McuAudioEncoderParams;

/** NULL when the codec has no encoder. */
McuAudioEncoder *mcu_audio_encoder_new(const McuAudioEncoderParams *params);
void mcu_audio_encoder_free(McuAudioEncoder *enc);
void mcu_audio_encoder_reset(McuAudioEncoder *enc);

/** Loss in percent that the receivers report: FEC is spent only when there is any. */
void mcu_audio_encoder_set_loss(McuAudioEncoder *enc, unsigned percent);

/** Make `dst` (of the same codec) go on where `src` is: a decoder that followed src can follow dst
 * without noticing. Bit rate and FEC become those of src.
 */
void mcu_audio_encoder_copy(McuAudioEncoder *dst, const McuAudioEncoder *src);

/** The next frame will lean on nothing before it: for a decoder that joins this encoder now. */
void mcu_audio_encoder_refresh(McuAudioEncoder *enc);

/** Encode n samples at mcu_audio_codec_rate(): 10, 20, 40 or 60 ms of them (30 ms too, except
 * Opus). Result: bytes written; 0 = nothing to send now (DTX). Errors: -EINVAL n, -ENOSPC `size`
 * too small, -EIO.
 */
int mcu_audio_encoder_encode(McuAudioEncoder *enc, const float *pcm, unsigned n, uint8_t *out,
			     size_t size) MCU_WARN_UNUSED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuAudioDecoder, mcu_audio_decoder_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuAudioEncoder, mcu_audio_encoder_free)
