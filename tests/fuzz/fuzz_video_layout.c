/* Layout files: whatever is accepted arranges without leaving the canvas. */
#include <glib.h>
#include <stdint.h>

#include "video/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int sizes[][2] = { { 1280, 720 }, { 128, 128 }, { 130, 4096 } };
	g_autoptr(McuLayout) layout = NULL;
	McuDiag d;

	if (mcu_layout_parse((const char *)data, size, "fuzz", &layout, &d) < 0)
		return 0;
	for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++)
		for (size_t n = 0; n <= MCU_MAX_SLOTS + 1; n++) {
			McuArrangement a;

			g_assert_cmpint(mcu_layout_arrange(layout, n, sizes[s][0], sizes[s][1], &a),
					==, 0);
			for (size_t i = 0; i < a.n; i++) {
				HwRect r = a.slots[i].rect;

				g_assert_true(r.x >= 0 && r.y >= 0 && r.w >= 2 && r.h >= 2 &&
					      r.x + r.w <= sizes[s][0] && r.y + r.h <= sizes[s][1]);
				g_assert_cmpint((r.x | r.y | r.w | r.h) & 1, ==, 0);
			}
		}
	return 0;
}
