/* The RTP payload formats the project knows, by one name in every folder. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef enum McuCodec {
	MCU_CODEC_OPUS = 1,
	MCU_CODEC_G722,
	MCU_CODEC_PCMU,
	MCU_CODEC_PCMA,
	MCU_CODEC_CN,
	MCU_CODEC_TELEPHONE_EVENT,
	MCU_CODEC_H264,
	MCU_CODEC_VP8,
	MCU_CODEC_VP9,
	MCU_CODEC_AV1,
	MCU_CODEC_RTX,
	MCU_CODEC_LAST,
} McuCodec;

/** Encoding name as in SDP's a=rtpmap ("opus", "H264", "telephone-event"). */
const char *mcu_codec_name(McuCodec codec);

/** Case-insensitive reverse of mcu_codec_name(); 0 when unknown. */
McuCodec mcu_codec_from_name(const char *name);

bool mcu_codec_is_audio(McuCodec codec);
bool mcu_codec_is_video(McuCodec codec);

/** RTP clock in Hz. INTEROP: G.722 runs at 16 kHz and counts at 8 kHz (RFC 3551 section 4.5.2). */
uint32_t mcu_codec_clock_hz(McuCodec codec);
