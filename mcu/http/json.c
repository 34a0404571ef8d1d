#include "http/json.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

static JsonNode *node_of(GVariant *v);

static JsonObject *object_of(GVariant *dict)
{
	JsonObject *object = json_object_new();

	for (gsize i = 0; i < g_variant_n_children(dict); i++) {
		g_autoptr(GVariant) entry = g_variant_get_child_value(dict, i);
		g_autoptr(GVariant) key = g_variant_get_child_value(entry, 0);
		g_autoptr(GVariant) value = g_variant_get_child_value(entry, 1);

		if (g_variant_is_of_type(key, G_VARIANT_TYPE_STRING))
			json_object_set_member(object, g_variant_get_string(key, NULL),
					       node_of(value));
	}
	return object;
}

static JsonNode *array_of(GVariant *v)
{
	JsonArray *array = json_array_new();
	JsonNode *node = json_node_new(JSON_NODE_ARRAY);

	for (gsize i = 0; i < g_variant_n_children(v); i++) {
		g_autoptr(GVariant) child = g_variant_get_child_value(v, i);

		json_array_add_element(array, node_of(child));
	}
	json_node_take_array(node, array);
	return node;
}

static JsonNode *container_of(GVariant *v)
{
	JsonNode *node;

	if (!g_variant_is_of_type(v, G_VARIANT_TYPE_DICTIONARY))
		return array_of(v);
	node = json_node_new(JSON_NODE_OBJECT);
	json_node_take_object(node, object_of(v));
	return node;
}

static JsonNode *number(double d)
{
	JsonNode *node = json_node_alloc();

	return isfinite(d) ? json_node_init_double(node, d) : json_node_init_null(node);
}

static JsonNode *integer(gint64 i)
{
	return json_node_init_int(json_node_alloc(), i);
}

static JsonNode *node_of(GVariant *v)
{
	switch (g_variant_classify(v)) {
	case G_VARIANT_CLASS_BOOLEAN:
		return json_node_init_boolean(json_node_alloc(), g_variant_get_boolean(v));
	case G_VARIANT_CLASS_BYTE:
		return integer(g_variant_get_byte(v));
	case G_VARIANT_CLASS_INT16:
		return integer(g_variant_get_int16(v));
	case G_VARIANT_CLASS_UINT16:
		return integer(g_variant_get_uint16(v));
	case G_VARIANT_CLASS_INT32:
		return integer(g_variant_get_int32(v));
	case G_VARIANT_CLASS_UINT32:
		return integer(g_variant_get_uint32(v));
	case G_VARIANT_CLASS_INT64:
		return integer(g_variant_get_int64(v));
	case G_VARIANT_CLASS_UINT64:
		if (g_variant_get_uint64(v) > G_MAXINT64)
			return number((double)g_variant_get_uint64(v));
		return integer((gint64)g_variant_get_uint64(v));
	case G_VARIANT_CLASS_DOUBLE:
		return number(g_variant_get_double(v));
	case G_VARIANT_CLASS_STRING:
	case G_VARIANT_CLASS_OBJECT_PATH:
	case G_VARIANT_CLASS_SIGNATURE:
		return json_node_init_string(json_node_alloc(), g_variant_get_string(v, NULL));
	case G_VARIANT_CLASS_VARIANT: {
		g_autoptr(GVariant) inner = g_variant_get_variant(v);
		return node_of(inner);
	}
	case G_VARIANT_CLASS_ARRAY:
	case G_VARIANT_CLASS_TUPLE:
		return container_of(v);
	default:
		return json_node_init_null(json_node_alloc());
	}
}

char *mcu_json_from_variant(GVariant *v)
{
	g_autoptr(JsonNode) node = v ? node_of(v) : NULL;

	return node ? json_to_string(node, FALSE) : g_strdup("{}");
}

char *mcu_json_time_now(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *seconds = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");

	return g_strdup_printf("%s.%03dZ", seconds, g_date_time_get_microsecond(now) / 1000);
}

static char *object_text(JsonObject *take)
{
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

	json_node_take_object(node, take);
	return json_to_string(node, FALSE);
}

char *mcu_json_event(const char *event, GVariant *detail)
{
	JsonObject *object = json_object_new();
	g_autofree char *now = mcu_json_time_now();
	GVariantIter iter;
	const char *key;
	GVariant *value;

	json_object_set_string_member(object, "type", event);
	json_object_set_string_member(object, "time", now);
	if (!detail || !g_variant_is_of_type(detail, G_VARIANT_TYPE_VARDICT))
		return object_text(object);
	g_variant_iter_init(&iter, detail);
	while (g_variant_iter_loop(&iter, "{&sv}", &key, &value))
		if (strcmp(key, "type") != 0 && strcmp(key, "time") != 0)
			json_object_set_member(object, key, node_of(value));
	return object_text(object);
}

char *mcu_json_problem(unsigned status, const char *title, const char *detail, const char *field)
{
	JsonObject *object = json_object_new();

	json_object_set_string_member(object, "type", "about:blank");
	json_object_set_string_member(object, "title", title);
	json_object_set_int_member(object, "status", status);
	if (detail && *detail)
		json_object_set_string_member(object, "detail", detail);
	if (field && *field)
		json_object_set_string_member(object, "field", field);
	return object_text(object);
}
