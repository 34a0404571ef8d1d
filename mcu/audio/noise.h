/* Comfort noise: white, or coloured by the reflection coefficients of RFC 3389. Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define MCU_NOISE_MAX_ORDER 12

/* Zero-initialised: silent. */
typedef struct McuNoise {
	uint32_t seed;
	float rms;
	unsigned order;
	float k[MCU_NOISE_MAX_ORDER];
	float state[MCU_NOISE_MAX_ORDER + 1];
} McuNoise;

/** White noise of that level. */
void mcu_noise_set_level(McuNoise *noise, float dbov);

/** Take an RFC 3389 payload: level, then reflection coefficients (more than MCU_NOISE_MAX_ORDER
 * are left out). Result: 0, or -EINVAL when empty.
 */
int mcu_noise_set_cn(McuNoise *noise, const uint8_t *payload, size_t len)
	__attribute__((warn_unused_result));

void mcu_noise_run(McuNoise *noise, float *out, size_t n);
