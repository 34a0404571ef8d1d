/* Bytes of received packets on their way from loop to atick: a bounded lock-free ring of records,
 * one producer, one consumer, no allocation after _init(). When full, the newest is refused.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/engine.h"

#define MCU_INBOX_BYTES 32768 /* 190 packets of Opus, 64 of 60 ms of G.711 */

typedef struct McuInbox {
	_Atomic uint32_t head; /* producer; counts bytes, wraps */
	_Atomic uint32_t tail; /* consumer */
	_Alignas(8) uint8_t bytes[MCU_INBOX_BYTES];
} McuInbox;

/** Thread: loop. False when there is no room. rtp->payload_len <= MCU_AUDIO_MAX_PAYLOAD. */
bool mcu_inbox_put(McuInbox *box, const McuAudioRtp *rtp, int64_t arrival_ns)
	__attribute__((warn_unused_result));

/** Oldest record, valid until mcu_inbox_drop(). False when empty. Thread: atick. */
bool mcu_inbox_peek(McuInbox *box, McuAudioRtp *ret_rtp, int64_t *ret_arrival_ns);

/** Done with the oldest record. Thread: atick. */
void mcu_inbox_drop(McuInbox *box);
