#include "base/packet.h"

#include <stdatomic.h>
#include <string.h>

typedef struct PacketBuf {
	McuPacket pub;
	_Atomic int refs;
	uint8_t bytes[MCU_PACKET_HEADROOM + MCU_PACKET_MAX + MCU_PACKET_TAILROOM];
} PacketBuf;

McuPacket *mcu_packet_new(void)
{
	PacketBuf *buf = g_new(PacketBuf, 1);

	buf->pub = (McuPacket){ .data = buf->bytes + MCU_PACKET_HEADROOM };
	atomic_init(&buf->refs, 1);
	return &buf->pub;
}

McuPacket *mcu_packet_new_copy(const void *bytes, size_t len)
{
	McuPacket *pkt;

	if (len > MCU_PACKET_MAX)
		return NULL;
	pkt = mcu_packet_new();
	memcpy(pkt->data, bytes, len);
	pkt->len = len;
	return pkt;
}

McuPacket *mcu_packet_ref(McuPacket *pkt)
{
	atomic_fetch_add_explicit(&((PacketBuf *)pkt)->refs, 1, memory_order_relaxed);
	return pkt;
}

void mcu_packet_unref(McuPacket *pkt)
{
	PacketBuf *buf = (PacketBuf *)pkt;

	if (buf && atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_acq_rel) == 1)
		g_free(buf);
}

size_t mcu_packet_headroom(const McuPacket *pkt)
{
	return (size_t)(pkt->data - ((const PacketBuf *)pkt)->bytes);
}

size_t mcu_packet_capacity(const McuPacket *pkt)
{
	const PacketBuf *buf = (const PacketBuf *)pkt;

	return (size_t)(buf->bytes + sizeof(buf->bytes) - MCU_PACKET_TAILROOM - pkt->data);
}

uint8_t *mcu_packet_prepend(McuPacket *pkt, size_t n)
{
	g_assert(n <= mcu_packet_headroom(pkt));
	pkt->data -= n;
	pkt->len += n;
	return pkt->data;
}
