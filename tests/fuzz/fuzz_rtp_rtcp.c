/* Compound RTCP: anything is read within its bounds; lists never exceed their maximum. */
#include <glib.h>

#include "rtp/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	McuRtcpIter it = mcu_rtcp_iter(data, size);
	McuRtcpItem item;

	(void)mcu_rtcp_valid(data, size, true);
	while (mcu_rtcp_next(&it, &item) == 0) {
		unsigned max = item.type == MCU_RTCP_NACK ? MCU_RTCP_MAX_NACK : MCU_RTCP_MAX_COUNT;

		g_assert(item.n <= max);
		g_assert(mcu_rtcp_type_name(item.type)[0] != 'u');
		if (item.type == MCU_RTCP_SDES)
			for (unsigned i = 0; i < item.n; i++)
				for (unsigned k = 0; k < item.chunks[i].cname_len; k++)
					sum += (unsigned char)item.chunks[i].cname[k];
	}
	return 0;
}
