/* Packet buffers: reference-counted bytes with headroom, what flows between net/, rtp/ and worker/. */
#pragma once
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/** Largest datagram that is handled; longer ones are dropped by the receiver. */
#define MCU_PACKET_MAX 2048
/** Bytes free before `data` in a new packet: room to prepend RTP header and extensions. */
#define MCU_PACKET_HEADROOM 64
/** Bytes always kept free after the payload for an SRTP trailer (SRTP_MAX_TRAILER_LEN). */
#define MCU_PACKET_TAILROOM 148

typedef struct McuPacket {
	uint8_t *data;      /* first byte of content */
	size_t len;         /* bytes of content */
	int64_t arrival_ns; /* mcu_now_ns() at reception; 0 for packets made here */
	int64_t pts_ns;     /* capture or presentation time where known, else 0 */
	uint32_t flags;     /* meaning belongs to whoever fills it */
} McuPacket;

/** Empty packet: len 0, MCU_PACKET_HEADROOM before `data`. One reference. Thread: any. */
McuPacket *mcu_packet_new(void);

/** Packet holding a copy of `len` bytes. NULL when len > MCU_PACKET_MAX. */
McuPacket *mcu_packet_new_copy(const void *bytes, size_t len);

/** Thread: any; the content must no longer change once it is shared. */
McuPacket *mcu_packet_ref(McuPacket *pkt);
void mcu_packet_unref(McuPacket *pkt);

/** Bytes that may be written before `data`, and the most `len` may become. */
size_t mcu_packet_headroom(const McuPacket *pkt);
size_t mcu_packet_capacity(const McuPacket *pkt);

/** Move `data` back by n bytes (n <= headroom) and return the new start. */
uint8_t *mcu_packet_prepend(McuPacket *pkt, size_t n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuPacket, mcu_packet_unref)
