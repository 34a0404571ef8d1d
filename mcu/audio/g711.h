/* G.711: one sample, one byte. Pure. */
#pragma once
#include <stdint.h>

uint8_t mcu_ulaw_encode(int16_t pcm);
int16_t mcu_ulaw_decode(uint8_t code);
uint8_t mcu_alaw_encode(int16_t pcm);
int16_t mcu_alaw_decode(uint8_t code);
