/* SDP text: never crashes, and what is written again reads as the same. */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "sdp/crypto.h"
#include "sdp/h264.h"
#include "sdp/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const McuSdp *sdp)
{
	uint8_t sprop[MCU_SDP_MAX_SPROP];
	McuSdpRtpmap map;
	McuSdpCrypto crypto;
	McuSdpH264 h264;
	McuSdpVideoSize size = { 1280, 720, 30, 2000000 };

	for (size_t i = 0; i < sdp->n_media; i++) {
		const McuSdpMedia *m = &sdp->media[i];

		for (size_t k = 0; k < m->n_formats; k++) {
			int pt = mcu_sdp_format_pt(m, k);
			const char *fmtp = mcu_sdp_fmtp(m, pt);

			(void)mcu_sdp_rtpmap(m, pt, &map);
			mcu_sdp_h264_parse(fmtp, &h264);
			mcu_sdp_h264_limit(&h264, &size, &size);
			(void)mcu_sdp_h264_sprop(fmtp, sprop, sizeof(sprop));
		}
		for (const McuSdpAttr *a = NULL; (a = mcu_sdp_attr_next(&m->s, "crypto", a));)
			if (a->value && mcu_sdp_crypto_parse(a->value, &crypto, NULL) == 0 &&
			    !crypto.key.suite)
				abort();
		(void)mcu_sdp_direction(sdp, m);
		(void)mcu_sdp_bandwidth_bps(sdp, m);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(McuSdp) first = NULL, second = NULL;
	g_autofree char *once = NULL, *twice = NULL;
	McuDiag diag = { 0 };

	if (mcu_sdp_parse((const char *)data, size, &first, &diag) < 0) {
		if (!diag.text[0])
			abort();
		return 0;
	}
	look_at(first);
	once = mcu_sdp_write(first);
	int r = mcu_sdp_parse(once, strlen(once), &second, &diag);
	/* CR LF made it longer than the limit; or the replay let an allocation fail */
	if (r == -EOVERFLOW || r == -ENOMEM)
		return 0;
	if (r < 0)
		g_error("%s in\n%s", diag.text, once);
	twice = mcu_sdp_write(second);
	if (strcmp(once, twice) != 0)
		g_error("differs:\n%s\n--\n%s", once, twice);
	return 0;
}
