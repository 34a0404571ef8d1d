#include "impair.h"

/* A held packet is overtaken by one to this many others. */
#define MAX_OVERTAKERS 3
/* The same losses in each run: what fails once can be had again. */
#define SEED 1

void mcu_impair_init(McuImpair *im, double loss, double reorder)
{
	*im = (McuImpair){ .loss = loss, .reorder = reorder, .rand = g_rand_new_with_seed(SEED) };
}

void mcu_impair_done(McuImpair *im)
{
	if (im->rand)
		g_rand_free(im->rand);
	if (im->held)
		mcu_packet_unref(im->held);
	*im = (McuImpair){ 0 };
}

static bool happens(McuImpair *im, double percent)
{
	return percent > 0 && g_rand_double(im->rand) * 100 < percent;
}

void mcu_impair_pass(McuImpair *im, McuPacket *pkt, void (*deliver)(void *data, McuPacket *pkt),
		     void *data)
{
	if (happens(im, im->loss)) {
		im->lost++;
		mcu_packet_unref(pkt);
		return;
	}
	if (!im->held && happens(im, im->reorder)) {
		im->held = pkt;
		im->held_for = (unsigned)g_rand_int_range(im->rand, 1, MAX_OVERTAKERS + 1);
		im->reordered++;
		return;
	}
	deliver(data, pkt);
	if (im->held && --im->held_for == 0)
		deliver(data, g_steal_pointer(&im->held));
}
