#include "audio/inbox.h"

#include <string.h>

#define MASK  (MCU_INBOX_BYTES - 1)
#define GRAIN 64 /* records begin at its multiples, so a header always fits before the end */

_Static_assert((MCU_INBOX_BYTES & MASK) == 0, "a power of two");

typedef struct Record {
	uint32_t total; /* bytes to the next record */
	uint32_t skip;  /* this one only fills the rest of the ring */
	int64_t arrival_ns;
	McuAudioRtp rtp;
} Record;

_Static_assert(sizeof(Record) <= GRAIN, "a header fits in one grain");

static uint32_t record_size(size_t payload_len)
{
	return (uint32_t)((sizeof(Record) + payload_len + GRAIN - 1) / GRAIN * GRAIN);
}

bool mcu_inbox_put(McuInbox *box, const McuAudioRtp *rtp, int64_t arrival_ns)
{
	uint32_t head = atomic_load_explicit(&box->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&box->tail, memory_order_acquire);
	uint32_t size = record_size(rtp->payload_len);
	uint32_t to_end = MCU_INBOX_BYTES - (head & MASK);
	uint32_t pad = to_end < size ? to_end : 0;
	Record *rec;

	if (MCU_INBOX_BYTES - (head - tail) < pad + size)
		return false;
	if (pad) {
		rec = (Record *)(box->bytes + (head & MASK));
		rec->total = pad;
		rec->skip = 1;
		head += pad;
	}
	rec = (Record *)(box->bytes + (head & MASK));
	*rec = (Record){ .total = size, .arrival_ns = arrival_ns, .rtp = *rtp };
	if (rtp->payload_len)
		memcpy(rec + 1, rtp->payload, rtp->payload_len);
	rec->rtp.payload = (const uint8_t *)(rec + 1);
	atomic_store_explicit(&box->head, head + size, memory_order_release);
	return true;
}

static Record *oldest(McuInbox *box)
{
	uint32_t head = atomic_load_explicit(&box->head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&box->tail, memory_order_relaxed);
	Record *rec;

	if (head == tail)
		return NULL;
	rec = (Record *)(box->bytes + (tail & MASK));
	if (!rec->skip)
		return rec;
	/* a filler is always followed by a record */
	atomic_store_explicit(&box->tail, tail + rec->total, memory_order_release);
	return (Record *)box->bytes;
}

bool mcu_inbox_peek(McuInbox *box, McuAudioRtp *ret_rtp, int64_t *ret_arrival_ns)
{
	Record *rec = oldest(box);

	if (!rec)
		return false;
	*ret_rtp = rec->rtp;
	*ret_arrival_ns = rec->arrival_ns;
	return true;
}

void mcu_inbox_drop(McuInbox *box)
{
	Record *rec = oldest(box);

	if (rec)
		atomic_store_explicit(&box->tail,
				      atomic_load_explicit(&box->tail, memory_order_relaxed) +
					      rec->total,
				      memory_order_release);
}
