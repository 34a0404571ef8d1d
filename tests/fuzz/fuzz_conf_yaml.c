/* Configuration files: what is accepted is consistent, what is refused has a sentence. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

#include "conf/conf_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(McuConf) conf = NULL;
	McuDiag diag = { 0 };

	if (mcu_conf_parse((const char *)data, size, "fuzz", &conf, &diag) < 0) {
		require(!conf && diag.text[0] && g_utf8_validate(diag.text, -1, NULL));
		return 0;
	}
	require(conf->sip.listen[0] && conf->video.width % 2 == 0);
	require(conf->media.port_max > conf->media.port_min && conf->media.port_max <= 65535);
	require(conf->media.jitter_min_ms <= conf->media.jitter_max_ms);
	for (size_t i = 0; i < mcu_conf_n_options; i++)
		require(mcu_opt_equal(&mcu_conf_options[i], conf, conf));
	return 0;
}
