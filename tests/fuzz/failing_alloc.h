/* Out-of-memory mode: GLib's allocations that may fail (g_try_*), which are those whose size a peer
 * or a file decides, replaced by ones of which the k-th fails. The definitions here take the place
 * of GLib's for the whole program. Include once.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static unsigned allocations_left; /* until the one that fails; 0 = none fails */
static bool allocation_failed;

static bool fails_now(void)
{
	if (allocations_left == 0 || --allocations_left > 0)
		return false;
	allocation_failed = true;
	return true;
}

gpointer g_try_malloc(gsize n_bytes)
{
	return fails_now() || !n_bytes ? NULL : malloc(n_bytes);
}

gpointer g_try_malloc0(gsize n_bytes)
{
	return fails_now() || !n_bytes ? NULL : calloc(1, n_bytes);
}

gpointer g_try_realloc(gpointer mem, gsize n_bytes)
{
	return fails_now() ? NULL : realloc(mem, n_bytes);
}

gpointer g_try_malloc_n(gsize n_blocks, gsize n_block_bytes)
{
	return fails_now() || !n_blocks ? NULL : reallocarray(NULL, n_blocks, n_block_bytes);
}

gpointer g_try_malloc0_n(gsize n_blocks, gsize n_block_bytes)
{
	return fails_now() || !n_blocks ? NULL : calloc(n_blocks, n_block_bytes);
}

gpointer g_try_realloc_n(gpointer mem, gsize n_blocks, gsize n_block_bytes)
{
	return fails_now() ? NULL : reallocarray(mem, n_blocks, n_block_bytes);
}
