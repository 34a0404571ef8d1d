#include "rtp/cadence.h"

#include <stdlib.h>

/* A longer pause, or a step back, begins anew. */
#define MAX_STEP_NS INT64_C(400000000)
/* Pictures after which the loop is stiff. */
#define SETTLED 30

static int64_t restart(McuCadence *c, int64_t t_ns)
{
	*c = (McuCadence){ .in_ns = t_ns, .out_ns = t_ns, .n = 1 };
	return t_ns;
}

int64_t mcu_cadence_next(McuCadence *c, int64_t t_ns)
{
	int64_t step = t_ns - c->in_ns;

	if (c->n == 0 || step <= 0 || step > MAX_STEP_NS)
		return restart(c, t_ns);
	c->in_ns = t_ns;
	c->n++;
	if (c->interval_ns == 0) {
		c->interval_ns = step;
		c->out_ns = t_ns;
		return t_ns;
	}
	/* pictures that the sender left out are whole intervals */
	int64_t from_out = t_ns - c->out_ns;
	int64_t passed = (from_out + c->interval_ns / 2) / c->interval_ns;
	if (passed < 1)
		passed = 1;
	int64_t predicted = c->out_ns + passed * c->interval_ns;
	int64_t err = t_ns - predicted;
	if (llabs(err) > c->interval_ns / 2)
		return restart(c, t_ns);
	c->out_ns = predicted + err / (c->n < SETTLED ? 3 : 10);
	c->interval_ns += err / passed / (c->n < SETTLED ? 36 : 400);
	return c->out_ns;
}
