#include "base/codec.h"

#include <glib.h>

static const struct {
	const char *name;
	uint32_t clock_hz;
	bool audio, video;
} codecs[MCU_CODEC_LAST] = {
	[MCU_CODEC_OPUS] = { "opus", 48000, true, false },
	[MCU_CODEC_G722] = { "G722", 8000, true, false },
	[MCU_CODEC_PCMU] = { "PCMU", 8000, true, false },
	[MCU_CODEC_PCMA] = { "PCMA", 8000, true, false },
	[MCU_CODEC_CN] = { "CN", 8000, false, false },
	[MCU_CODEC_TELEPHONE_EVENT] = { "telephone-event", 8000, false, false },
	[MCU_CODEC_H264] = { "H264", 90000, false, true },
	[MCU_CODEC_VP8] = { "VP8", 90000, false, true },
	[MCU_CODEC_VP9] = { "VP9", 90000, false, true },
	[MCU_CODEC_AV1] = { "AV1", 90000, false, true },
	[MCU_CODEC_RTX] = { "rtx", 90000, false, false },
};

const char *mcu_codec_name(McuCodec codec)
{
	return codec > 0 && codec < MCU_CODEC_LAST ? codecs[codec].name : "unknown";
}

McuCodec mcu_codec_from_name(const char *name)
{
	for (unsigned i = 1; i < MCU_CODEC_LAST; i++)
		if (g_ascii_strcasecmp(codecs[i].name, name) == 0)
			return (McuCodec)i;
	return 0;
}

bool mcu_codec_is_audio(McuCodec codec)
{
	return codec > 0 && codec < MCU_CODEC_LAST && codecs[codec].audio;
}

bool mcu_codec_is_video(McuCodec codec)
{
	return codec > 0 && codec < MCU_CODEC_LAST && codecs[codec].video;
}

uint32_t mcu_codec_clock_hz(McuCodec codec)
{
	return codec > 0 && codec < MCU_CODEC_LAST ? codecs[codec].clock_hz : 0;
}
