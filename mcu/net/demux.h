/* Which protocol a datagram belongs to, by its first bytes (RFC 7983, RFC 5761). Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef enum McuNetProto {
	MCU_NET_STUN = 1,
	MCU_NET_ZRTP,
	MCU_NET_DTLS,
	MCU_NET_TURN_CHANNEL,
	MCU_NET_RTP,
	MCU_NET_RTCP,
	MCU_NET_UNKNOWN,
} McuNetProto;

/** Classify a datagram; RTP and RTCP (protected or not) are told apart by the payload type. Too
 * short for the protocol's fixed header, or RTP of another version than 2: unknown.
 */
McuNetProto mcu_net_demux(const uint8_t *data, size_t len);

const char *mcu_net_proto_name(McuNetProto proto);
