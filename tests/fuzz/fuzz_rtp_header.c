/* RTP headers: parse anything; what parses is written and parsed again to the same. */
#include <glib.h>
#include <string.h>

#include "rtp/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	McuRtpHeader in, out;
	g_autoptr(McuPacket) pkt = NULL;

	(void)mcu_rtp_is_rtcp(data, size);
	if (mcu_rtp_header_parse(data, size, &in) < 0)
		return 0;
	g_assert(in.payload >= data && in.payload + in.payload_len <= data + size);
	pkt = mcu_packet_new_copy(in.payload, in.payload_len);
	if (!pkt || mcu_rtp_header_prepend(pkt, &in) < 0)
		return 0;
	g_assert(mcu_rtp_header_parse(pkt->data, pkt->len, &out) == 0);
	g_assert(out.seq == in.seq && out.ts == in.ts && out.n_ext == in.n_ext &&
		 out.n_csrc == in.n_csrc && out.payload_len == in.payload_len);
	for (unsigned i = 0; i < in.n_ext; i++)
		g_assert(out.ext[i].id == in.ext[i].id && out.ext[i].len == in.ext[i].len &&
			 memcmp(out.ext[i].data, in.ext[i].data, in.ext[i].len) == 0);
	return 0;
}
