/* SRTP for one direction of one flow (libsrtp2). Not here: key negotiation (sdp/crypto.h). */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/packet.h"
#include "base/suite.h"

/** Distinct SSRCs kept per inbound session; beyond it the one unused for longest is forgotten. */
#define MCU_NET_MAX_SSRC 32

typedef struct McuSrtp McuSrtp;

typedef struct McuSrtpStats {
	uint64_t packets;
	uint64_t auth_failed, replayed, malformed, failed;
} McuSrtpStats;

/** A session for sending (outbound) or receiving; any SSRC.
 * Errors: -EINVAL unknown suite; -EIO the library refuses.   Owns: caller.   Thread: owner only.
 */
int mcu_srtp_new(const McuSrtpKey *key, bool outbound, McuSrtp **ret) MCU_WARN_UNUSED;
void mcu_srtp_free(McuSrtp *srtp);

/** Encrypt in place; grows pkt->len by at most MCU_PACKET_TAILROOM. The same packet may be
 * protected again for retransmission only from its clear bytes.
 * Errors: -EINVAL not RTP (RTCP); -EIO.
 */
int mcu_srtp_protect(McuSrtp *srtp, McuPacket *pkt) MCU_WARN_UNUSED;
int mcu_srtp_protect_rtcp(McuSrtp *srtp, McuPacket *pkt) MCU_WARN_UNUSED;

/** Check and decrypt in place. On error the content is undefined.
 * Errors: -EACCES authentication failed; -EEXIST replayed or too old; -EINVAL malformed; -EIO.
 */
int mcu_srtp_unprotect(McuSrtp *srtp, McuPacket *pkt) MCU_WARN_UNUSED;
int mcu_srtp_unprotect_rtcp(McuSrtp *srtp, McuPacket *pkt) MCU_WARN_UNUSED;

const McuSrtpStats *mcu_srtp_stats(const McuSrtp *srtp);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuSrtp, mcu_srtp_free)
