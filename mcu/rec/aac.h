/* AAC-LC of one mono track at 48 kHz (libavcodec). Inside rec/ only. Thread: owner. */
#pragma once
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MCU_AAC_FRAME 1024

typedef struct McuAac McuAac;

/** `index` is the position of the packet's first sample; the encoder's delay is taken off already.
 * `data` is valid during the call. */
typedef void (*McuAacPacket)(void *data, const uint8_t *bytes, size_t len, uint64_t index);

/** Errors: -ENOTSUP no encoder. */
int mcu_aac_new(unsigned bitrate_bps, McuAac **ret) MCU_WARN_UNUSED;
void mcu_aac_free(McuAac *aac); /* NULL is allowed */

/** AudioSpecificConfig, for as long as the encoder lives. */
const uint8_t *mcu_aac_config(const McuAac *aac, size_t *ret_len);

/** Any number of samples; NULL pcm = silence. Errors: -EIO. */
int mcu_aac_encode(McuAac *aac, const float *pcm, size_t n, McuAacPacket fn,
		   void *data) MCU_WARN_UNUSED;

/** What is left, filled up with silence. Errors: -EIO. */
int mcu_aac_finish(McuAac *aac, McuAacPacket fn, void *data) MCU_WARN_UNUSED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuAac, mcu_aac_free)
