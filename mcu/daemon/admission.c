#include "daemon/admission.h"

#include <gio/gio.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"

#define MILLI_PER_REQUEST 1000 /* tokens are counted in thousandths */

typedef struct Bucket {
	int64_t filled_ns;
	int64_t tokens;
} Bucket;

struct McuAdmission {
	GPtrArray *masks;    /* GInetAddressMask */
	GHashTable *buckets; /* address text -> Bucket */
	Bucket overflow;
};

int mcu_admission_new(char *const *allow, McuAdmission **ret, McuDiag *reterr)
{
	g_autoptr(McuAdmission) a = g_new0(McuAdmission, 1);

	a->masks = g_ptr_array_new_with_free_func(g_object_unref);
	a->buckets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	a->overflow.tokens = MCU_ADMISSION_BURST * MILLI_PER_REQUEST;
	for (size_t i = 0; allow && allow[i]; i++) {
		GInetAddressMask *mask = g_inet_address_mask_new_from_string(allow[i], NULL);

		if (!mask)
			return mcu_diag(reterr, -EINVAL,
					"sip.allow: \"%s\" is no address range like 10.0.0.0/8",
					allow[i]);
		g_ptr_array_add(a->masks, mask);
	}
	*ret = g_steal_pointer(&a);
	return 0;
}

void mcu_admission_free(McuAdmission *a)
{
	if (!a)
		return;
	g_ptr_array_unref(a->masks);
	g_hash_table_unref(a->buckets);
	g_free(a);
}

static GInetAddress *parse_address(const char *text)
{
	static const char mapped[] = "::ffff:";

	if (text && g_ascii_strncasecmp(text, mapped, strlen(mapped)) == 0 && strchr(text, '.'))
		text += strlen(mapped);
	return text ? g_inet_address_new_from_string(text) : NULL;
}

static bool allowed(const McuAdmission *a, GInetAddress *address)
{
	for (unsigned i = 0; i < a->masks->len; i++)
		if (g_inet_address_mask_matches(a->masks->pdata[i], address))
			return true;
	return a->masks->len == 0;
}

static void fill(Bucket *b, int64_t now_ns)
{
	int64_t elapsed_ms = (now_ns - b->filled_ns) / MCU_NS_PER_MS;
	int64_t full = MCU_ADMISSION_BURST * MILLI_PER_REQUEST;

	if (elapsed_ms <= 0)
		return;
	b->filled_ns += elapsed_ms * MCU_NS_PER_MS;
	/* beyond this the bucket is full whatever it held; no overflow */
	elapsed_ms = MIN(elapsed_ms, full);
	b->tokens = MIN(full, b->tokens + elapsed_ms * MCU_ADMISSION_PER_SEC);
}

static gboolean is_full(gpointer key, gpointer value, gpointer now_ns)
{
	Bucket *b = value;

	(void)key;
	fill(b, *(int64_t *)now_ns);
	return b->tokens >= MCU_ADMISSION_BURST * MILLI_PER_REQUEST;
}

static Bucket *bucket_of(McuAdmission *a, const char *address, int64_t now_ns)
{
	Bucket *b = g_hash_table_lookup(a->buckets, address);

	if (b)
		return b;
	if (g_hash_table_size(a->buckets) >= MCU_MAX_ADMISSION_SOURCES)
		g_hash_table_foreach_remove(a->buckets, is_full, &now_ns);
	if (g_hash_table_size(a->buckets) >= MCU_MAX_ADMISSION_SOURCES)
		return &a->overflow;
	b = g_new(Bucket, 1);
	*b = (Bucket){ .filled_ns = now_ns, .tokens = MCU_ADMISSION_BURST * MILLI_PER_REQUEST };
	g_hash_table_insert(a->buckets, g_strdup(address), b);
	return b;
}

int mcu_admission_check(McuAdmission *a, const char *address, int64_t now_ns)
{
	g_autoptr(GInetAddress) parsed = parse_address(address);
	g_autofree char *text = NULL;
	Bucket *b;

	if (!parsed || !allowed(a, parsed))
		return -EACCES;
	text = g_inet_address_to_string(parsed);
	b = bucket_of(a, text, now_ns);
	fill(b, now_ns);
	if (b->tokens < MILLI_PER_REQUEST)
		return -EBUSY;
	b->tokens -= MILLI_PER_REQUEST;
	return 0;
}
