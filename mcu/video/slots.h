/* Who sits in which slot. Pure: participants, arrangement and time in, one id per slot out.
 *
 * - Nobody moves when another one joins or leaves while the slots stay where they are: a newcomer
 *   takes the first free slot, who leaves leaves a free one. When the slots change, everybody keeps
 *   the place in line they had.
 * - The speaker slot shows the focused participant, else the active speaker, who stays for
 *   MCU_SPEAKER_HOLD_NS at least; who is in it has no second tile. On a change the two swap places.
 * - With more participants than slots, who speaks takes the slot of who has been silent longest
 *   (not of one named in `order`).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "video/layout.h"

#define MCU_SPEAKER_HOLD_NS (2 * MCU_NS_PER_SEC)
/** Most participants that are looked at; more are never shown. */
#define MCU_MAX_SLOT_PEOPLE 256

typedef struct McuSlotPerson {
	uint32_t id;      /* not 0; unique */
	bool hidden;      /* never shown */
	int order;        /* place in the explicit order from 1; 0 = not named in it */
	int64_t spoke_ns; /* when this one was last the active speaker; 0 = never */
} McuSlotPerson;

typedef struct McuSlotsInput {
	const McuArrangement *arrangement;
	const McuSlotPerson *people; /* in order of joining */
	size_t n_people;
	uint32_t focus;   /* 0 = none */
	uint32_t speaker; /* active speaker now; 0 = nobody: who is there stays */
	int64_t now_ns;
} McuSlotsInput;

typedef struct McuSlots McuSlots;

McuSlots *mcu_slots_new(void);
void mcu_slots_free(McuSlots *s);

/** Decide. ret_ids[i] is who sits in arrangement->slots[i], 0 = nobody.
 * ret_again_ns: when a held decision may change without new input (call again then), 0 = never.
 * Thread: owner only.
 */
void mcu_slots_assign(McuSlots *s, const McuSlotsInput *in, uint32_t ret_ids[MCU_MAX_SLOTS],
		      int64_t *ret_again_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuSlots, mcu_slots_free)
