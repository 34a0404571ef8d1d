#include "video/overload.h"

#define BAD_WINDOWS  2 /* in a row before a step */
#define MIN_PATIENCE 10
#define MAX_PATIENCE 160

McuOverloadLevel mcu_overload_level(const McuOverload *o)
{
	return (McuOverloadLevel)(MCU_OVERLOAD_NONE + o->level);
}

static void rise(McuOverload *o)
{
	o->bad = 0;
	o->good = 0;
	if (mcu_overload_level(o) == MCU_OVERLOAD_FREEZE_IDLE)
		return;
	/* the last step back came too early, if there was one */
	o->patience = o->patience ? MIN(2 * o->patience, MAX_PATIENCE) : MIN_PATIENCE;
	o->level++;
	o->steps++;
}

McuOverloadLevel mcu_overload_window(McuOverload *o, const McuOverloadWindow *w)
{
	if (w->missed * 10 >= w->wanted && w->missed > 0) {
		o->good = 0;
		if (++o->bad >= BAD_WINDOWS)
			rise(o);
	} else {
		o->bad = 0;
		/* a few misses are neither bad nor good */
		o->good = w->missed * 50 <= w->wanted ? o->good + 1 : 0;
		if (o->level > 0 && o->good >= o->patience) {
			o->level--;
			o->good = 0;
		} else if (o->level == 0 && o->good >= 2 * MAX_PATIENCE) {
			o->patience = 0;
		}
	}
	return mcu_overload_level(o);
}
