/* Bodies of API requests: the first byte picks the schema. What is accepted keeps the schema's
 * promises; what is refused has a sentence. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/body.h"
#include "http/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_string(const McuBodyField *f, const char *s)
{
	require(g_utf8_validate(s, -1, NULL) && !strpbrk(s, "\r\n"));
	require(strlen(s) >= f->min_len && strlen(s) <= f->max_len);
}

static void check_field(const McuBodyField *f, GVariant *v)
{
	switch (f->type) {
	case MCU_BODY_STRING:
		require(g_variant_is_of_type(v, G_VARIANT_TYPE_STRING));
		check_string(f, g_variant_get_string(v, NULL));
		break;
	case MCU_BODY_BOOL:
		require(g_variant_is_of_type(v, G_VARIANT_TYPE_BOOLEAN));
		break;
	case MCU_BODY_STRINGS:
		require(g_variant_is_of_type(v, G_VARIANT_TYPE_STRING_ARRAY));
		require(g_variant_n_children(v) <= MCU_MAX_HTTP_LIST);
		for (gsize i = 0; i < g_variant_n_children(v); i++) {
			g_autoptr(GVariant) s = g_variant_get_child_value(v, i);
			check_string(f, g_variant_get_string(s, NULL));
		}
		break;
	}
}

static void check(const McuBodySchema *schema, GVariant *got)
{
	g_autofree char *json = mcu_json_from_variant(got);
	gsize found = 0;

	require(g_utf8_validate(json, -1, NULL));
	for (size_t i = 0; i < schema->n_fields; i++) {
		const McuBodyField *f = &schema->fields[i];
		g_autoptr(GVariant) v = g_variant_lookup_value(got, f->name, NULL);

		require(v || !f->required);
		if (!v)
			continue;
		found++;
		check_field(f, v);
	}
	require(found == g_variant_n_children(got));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const McuBodySchema *schema = NULL;
	g_autoptr(GVariant) got = NULL;
	char field[MCU_MAX_HTTP_FIELD];
	McuDiag diag = { 0 };
	size_t n = 0;

	if (size == 0)
		return 0;
	while (mcu_body_schemas[n])
		n++;
	schema = mcu_body_schemas[data[0] % n];
	if (mcu_body_parse(schema, (const char *)data + 1, size - 1, &got, field, &diag) < 0) {
		require(!got && diag.text[0] && g_utf8_validate(field, -1, NULL));
		return 0;
	}
	check(schema, got);
	return 0;
}
