/* A bad network: packets lost and overtaken at random.
 * On reception it comes after SRTP, which takes a packet sent again for a replay: what is lost
 * there cannot be repaired by NACK in an encrypted call.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

#include "base/packet.h"

typedef struct McuImpair {
	double loss, reorder; /* per cent */
	GRand *rand;
	McuPacket *held; /* lets the next ones overtake */
	unsigned held_for;
	guint64 lost, reordered;
} McuImpair;

void mcu_impair_init(McuImpair *im, double loss, double reorder);
void mcu_impair_done(McuImpair *im);

/** Pass one packet; `deliver` gets none, one or two of them. Owns: takes a reference; deliver()
 * takes those it gets. */
void mcu_impair_pass(McuImpair *im, McuPacket *pkt, void (*deliver)(void *data, McuPacket *pkt),
		     void *data);
