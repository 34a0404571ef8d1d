/* Members of a JSON object in one line each. */
#pragma once
#include <json-glib/json-glib.h>
#include <math.h>

static inline void mcu_json_int(JsonBuilder *json, const char *name, gint64 value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_int_value(json, value);
}

/** Three digits after the point; what is not finite becomes null. */
static inline void mcu_json_real(JsonBuilder *json, const char *name, double value)
{
	json_builder_set_member_name(json, name);
	if (isfinite(value))
		json_builder_add_double_value(json, round(value * 1000) / 1000);
	else
		json_builder_add_null_value(json);
}

/** NULL becomes null. */
static inline void mcu_json_string(JsonBuilder *json, const char *name, const char *value)
{
	json_builder_set_member_name(json, name);
	if (value)
		json_builder_add_string_value(json, value);
	else
		json_builder_add_null_value(json);
}

static inline void mcu_json_bool(JsonBuilder *json, const char *name, gboolean value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_boolean_value(json, value);
}
