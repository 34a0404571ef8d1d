/* Stands in for libFuzzer: feeds each file named on the command line to the fuzz target, then
 * again cut short, with single bits flipped, and with each of its allocations failing in turn
 * (deterministic). */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"

/* Allocations of one input that are made to fail, one at a time. */
#define MAX_FAILURES 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exact-size heap copy, so that a sanitizer sees a read past the end. */
static void feed(const void *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* Returns how many allocations could be made to fail. */
static unsigned feed_without_memory(const void *data, size_t size)
{
	unsigned k;

	for (k = 1; k <= MAX_FAILURES; k++) {
		allocations_left = k;
		allocation_failed = false;
		feed(data, size);
		if (!allocation_failed)
			break;
	}
	allocations_left = 0;
	return k - 1;
}

int main(int argc, char **argv)
{
	unsigned inputs = 0, failures = 0;

	for (int i = 1; i < argc; i++) {
		g_autofree char *data = NULL;
		gsize size = 0;

		if (!g_file_get_contents(argv[i], &data, &size, NULL)) {
			fprintf(stderr, "cannot read %s\n", argv[i]);
			return 1;
		}
		feed(data, size);
		failures += feed_without_memory(data, size);
		gsize step = size / 256 + 1;
		for (gsize cut = 0; cut < size; cut += step, inputs++)
			feed(data, cut);
		for (gsize at = 0; at < size; at += step, inputs++) {
			char kept = data[at];
			data[at] = (char)(kept ^ (1 << (at % 8)));
			feed(data, size);
			data[at] = kept;
		}
		inputs++;
	}
	printf("%u inputs, %u failed allocations\n", inputs, failures);
	return inputs ? 0 : 1;
}
