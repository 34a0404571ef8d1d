/* Numbers on the wire shared by rtcp.c and rtcp_build.c. */
#pragma once
#include <stdint.h>

enum {
	RTCP_PT_SR = 200,
	RTCP_PT_RR = 201,
	RTCP_PT_SDES = 202,
	RTCP_PT_BYE = 203,
	RTCP_PT_RTPFB = 205,
	RTCP_PT_PSFB = 206,
	RTCP_RTPFB_NACK = 1,
	RTCP_RTPFB_TMMBR = 3,
	RTCP_RTPFB_TMMBN = 4,
	RTCP_PSFB_PLI = 1,
	RTCP_PSFB_FIR = 4,
	RTCP_PSFB_AFB = 15,
	RTCP_SDES_CNAME = 1,
};

/* mantissa * 2^exp, as TMMBR and REMB carry rates; saturates. exp: 6 bits, mantissa: 18 bits. */
static inline uint64_t rtcp_scaled(unsigned exp, uint32_t mantissa)
{
	return exp > 45 && mantissa ? UINT64_MAX : (uint64_t)mantissa << (exp & 63);
}
