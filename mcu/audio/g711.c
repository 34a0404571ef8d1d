#include "audio/g711.h"

#define ULAW_BIAS 0x84
#define ULAW_CLIP (32767 - ULAW_BIAS)
#define ALAW_EVEN 0x55 /* even bits are inverted on the wire */

/* number of the highest bit set; v > 0 */
static int top_bit(unsigned v)
{
	return 31 - __builtin_clz(v);
}

uint8_t mcu_ulaw_encode(int16_t pcm)
{
	unsigned sign = pcm < 0 ? 0x80 : 0;
	int magnitude = pcm < 0 ? -(int)pcm : pcm;
	int segment;

	if (magnitude > ULAW_CLIP)
		magnitude = ULAW_CLIP;
	magnitude += ULAW_BIAS;
	segment = top_bit((unsigned)magnitude) - 7;
	return (uint8_t) ~(sign | (unsigned)segment << 4 | (magnitude >> (segment + 3) & 0xf));
}

int16_t mcu_ulaw_decode(uint8_t code)
{
	unsigned c = (uint8_t)~code;
	int magnitude = (int)((((c & 0xf) << 3) + ULAW_BIAS) << (c >> 4 & 7)) - ULAW_BIAS;

	return (int16_t)(c & 0x80 ? -magnitude : magnitude);
}

uint8_t mcu_alaw_encode(int16_t pcm)
{
	unsigned sign = pcm < 0 ? 0 : 0x80;
	/* 13 bits; -1 maps to 0 so that both signs have the same steps */
	int magnitude = (pcm < 0 ? ~(int)pcm : pcm) >> 3;
	int segment = magnitude > 31 ? top_bit((unsigned)magnitude) - 4 : 0;
	unsigned mantissa = (unsigned)magnitude >> (segment ? segment : 1) & 0xf;

	return (uint8_t)((sign | (unsigned)segment << 4 | mantissa) ^ ALAW_EVEN);
}

int16_t mcu_alaw_decode(uint8_t code)
{
	unsigned c = code ^ ALAW_EVEN;
	unsigned segment = c >> 4 & 7;
	int magnitude = (int)((c & 0xf) << 4) + 8;

	if (segment)
		magnitude = (magnitude + 0x100) << (segment - 1);
	return (int16_t)(c & 0x80 ? magnitude : -magnitude);
}
