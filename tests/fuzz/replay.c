/* Stands in for libFuzzer: feeds each file named on the command line to the fuzz target, then
 * again with each byte cut off its end and with single bytes flipped (deterministic). */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(int argc, char **argv)
{
	unsigned inputs = 0;

	for (int i = 1; i < argc; i++) {
		g_autofree char *data = NULL;
		gsize size = 0;

		if (!g_file_get_contents(argv[i], &data, &size, NULL)) {
			fprintf(stderr, "cannot read %s\n", argv[i]);
			return 1;
		}
		feed(data, size);
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
	printf("%u inputs\n", inputs);
	return inputs ? 0 : 1;
}
