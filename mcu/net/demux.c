#include "net/demux.h"

#define RTP_HEADER  12
#define RTCP_HEADER 8
#define STUN_HEADER 20
#define DTLS_HEADER 13

static McuNetProto at_least(McuNetProto proto, size_t len, size_t header)
{
	return len >= header ? proto : MCU_NET_UNKNOWN;
}

McuNetProto mcu_net_demux(const uint8_t *data, size_t len)
{
	if (len < 2)
		return MCU_NET_UNKNOWN;
	/* RFC 7983 section 7 */
	if (data[0] <= 3)
		return at_least(MCU_NET_STUN, len, STUN_HEADER);
	if (data[0] >= 16 && data[0] <= 19)
		return at_least(MCU_NET_ZRTP, len, RTP_HEADER);
	if (data[0] >= 20 && data[0] <= 63)
		return at_least(MCU_NET_DTLS, len, DTLS_HEADER);
	if (data[0] >= 64 && data[0] <= 79)
		return at_least(MCU_NET_TURN_CHANNEL, len, 4);
	if (data[0] < 128 || data[0] > 191)
		return MCU_NET_UNKNOWN;
	/* RFC 5761 section 4 */
	if (data[1] >= 192 && data[1] <= 223)
		return at_least(MCU_NET_RTCP, len, RTCP_HEADER);
	return at_least(MCU_NET_RTP, len, RTP_HEADER);
}

const char *mcu_net_proto_name(McuNetProto proto)
{
	static const char *const names[] = {
		[MCU_NET_STUN] = "stun", [MCU_NET_ZRTP] = "zrtp", [MCU_NET_DTLS] = "dtls",
		[MCU_NET_TURN_CHANNEL] = "turn-channel", [MCU_NET_RTP] = "rtp",
		[MCU_NET_RTCP] = "rtcp", [MCU_NET_UNKNOWN] = "unknown",
	};

	return proto >= MCU_NET_STUN && proto <= MCU_NET_UNKNOWN ? names[proto] : "unknown";
}
