/* Datagrams: demultiplexing, the latch, and SRTP with fixed keys. First byte = suite and whether
 * the rest is protected first, so that what follows authentication is reached as well. */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "net/demux.h"
#include "net/latch_priv.h"
#include "net/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unprotect(McuSrtp *tx, McuSrtp *rx, McuPacket *pkt, McuNetProto proto, bool protect)
{
	size_t before = pkt->len;

	if (proto == MCU_NET_RTP) {
		if (protect && mcu_srtp_protect(tx, pkt) < 0)
			return;
		if (mcu_srtp_unprotect(rx, pkt) == 0 && pkt->len > before)
			abort();
	} else if (proto == MCU_NET_RTCP) {
		if (protect && mcu_srtp_protect_rtcp(tx, pkt) < 0)
			return;
		if (mcu_srtp_unprotect_rtcp(rx, pkt) == 0 && pkt->len > before)
			abort();
	}
}

static void latch(McuPacket *pkt)
{
	McuPacket *held[MCU_NET_LATCH_PACKETS - 1];
	McuSockAddr from;
	McuLatch l = { 0 };
	unsigned n = 0;

	if (mcu_sock_addr_parse("192.0.2.1", 4, &from) < 0)
		abort();
	for (unsigned i = 0; i < 4; i++)
		(void)mcu_latch_plain(&l, &from, pkt, held, &n);
	for (unsigned i = 0; i < n; i++)
		mcu_packet_unref(held[i]);
	mcu_latch_done(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(McuSrtp) tx = NULL, rx = NULL;
	g_autoptr(McuPacket) pkt = NULL;
	McuSrtpKey key = { 0 };

	if (size < 1 || size - 1 > MCU_PACKET_MAX)
		return 0;
	key.suite = (McuSrtpSuite)(1 + (data[0] & 7) % MCU_SRTP_SUITES);
	memset(key.bytes, 0x5a, sizeof(key.bytes));
	McuNetProto proto = mcu_net_demux(data + 1, size - 1);
	if (proto != MCU_NET_RTP && proto != MCU_NET_RTCP)
		return 0;
	if (mcu_srtp_new(&key, true, &tx) < 0 || mcu_srtp_new(&key, false, &rx) < 0)
		abort();
	pkt = mcu_packet_new_copy(data + 1, size - 1);
	latch(pkt);
	unprotect(tx, rx, pkt, proto, data[0] & 8);
	return 0;
}
