#include "http/body.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define FIELDS(...)                                                                                \
	.fields = (const McuBodyField[]){ __VA_ARGS__ },                                           \
	.n_fields = sizeof((const McuBodyField[]){ __VA_ARGS__ }) / sizeof(McuBodyField)

const McuBodySchema mcu_body_create_call = {
	.name = "CreateCall",
	FIELDS({ "id", MCU_BODY_STRING, MCU_BODY_ID, true, 1, 64 },
	       { "layout", MCU_BODY_STRING, MCU_BODY_LAYOUT, false, 1, 64 },
	       { "recording", MCU_BODY_BOOL }),
};
const McuBodySchema mcu_body_update_call = {
	.name = "UpdateCall",
	.not_empty = true,
	FIELDS({ "layout", MCU_BODY_STRING, MCU_BODY_LAYOUT, false, 1, 64 }),
};
const McuBodySchema mcu_body_update_participant = {
	.name = "UpdateParticipant",
	.not_empty = true,
	FIELDS({ "name", MCU_BODY_STRING, MCU_BODY_TEXT, false, 1, 256 },
	       { "muted", MCU_BODY_BOOL }, { "camera-off", MCU_BODY_BOOL },
	       { "hidden", MCU_BODY_BOOL }, { "held", MCU_BODY_BOOL }),
};
const McuBodySchema mcu_body_dial = {
	.name = "Dial",
	FIELDS({ "uri", MCU_BODY_STRING, MCU_BODY_URI, true, 5, 512 },
	       { "name", MCU_BODY_STRING, MCU_BODY_TEXT, false, 1, 256 }),
};
const McuBodySchema mcu_body_layout = {
	.name = "Layout",
	FIELDS({ "name", MCU_BODY_STRING, MCU_BODY_LAYOUT, true, 1, 64 },
	       { "focus", MCU_BODY_STRING, MCU_BODY_TEXT, false, 0, 64 },
	       { "order", MCU_BODY_STRINGS, MCU_BODY_TEXT, false, 1, 64 }),
};
const McuBodySchema mcu_body_none = { .name = "Nothing", .optional = true };

const McuBodySchema *const mcu_body_schemas[] = {
	&mcu_body_create_call,
	&mcu_body_update_call,
	&mcu_body_update_participant,
	&mcu_body_dial,
	&mcu_body_layout,
	&mcu_body_none,
	NULL,
};

/* --- scan: json-glib 1.6 takes comments, assignments, several roots and any depth; we do not ---
 */

/* After the opening quote; NULL, or what follows the closing one. */
static const char *scan_string(const char *p, const char *end, McuDiag *reterr)
{
	for (; p < end && *p != '"'; p++) {
		if ((unsigned char)*p < 0x20) {
			(void)mcu_diag(reterr, -EINVAL, "a control character stands in a string");
			return NULL;
		}
		if (*p != '\\')
			continue;
		if (end - p < 2)
			break;
		p++;
		if (end - p > 4 && strncmp(p, "u0000", 5) == 0) {
			(void)mcu_diag(reterr, -EINVAL, "a string holds the character 0");
			return NULL;
		}
	}
	if (p >= end || *p != '"') {
		(void)mcu_diag(reterr, -EINVAL, "a string has no end");
		return NULL;
	}
	return p + 1;
}

static int scan(const char *text, size_t len, McuDiag *reterr)
{
	const char *p = text, *end = text + len;
	unsigned depth = 0;
	bool done = false;

	if (!g_utf8_validate_len(text, len, NULL))
		return mcu_diag(reterr, -EINVAL, "the body is not UTF-8 text");
	while (p < end) {
		char c = *p++;

		if (strchr(" \t\r\n", c))
			continue;
		if (done || (depth == 0 && c != '{'))
			return mcu_diag(reterr, -EINVAL, "expected one JSON object");
		if (c == '{' || c == '[') {
			if (++depth > MCU_MAX_HTTP_JSON_DEPTH)
				return mcu_diag(reterr, -EINVAL, "nested deeper than %d",
						MCU_MAX_HTTP_JSON_DEPTH);
		} else if (c == '}' || c == ']') {
			done = --depth == 0;
		} else if (c == '"') {
			p = scan_string(p, end, reterr);
			if (!p)
				return -EINVAL;
		} else if (!g_ascii_isalnum(c) && !strchr(",:+-.", c)) {
			return mcu_diag(reterr, -EINVAL, "not valid JSON at byte %zu",
					(size_t)(p - text));
		}
	}
	return done ? 0 : mcu_diag(reterr, -EINVAL, "the JSON text ends too early");
}

/* --- members --- */

static bool form_accepts(McuBodyForm form, const char *s)
{
	for (const char *p = s; *p; p++) {
		unsigned char c = (unsigned char)*p;
		bool name = g_ascii_isalnum(c) || strchr("._-", c);

		if (c < 0x20 || c == 0x7f || (form == MCU_BODY_ID && !name) ||
		    (form == MCU_BODY_LAYOUT && !name && c != '+') ||
		    (form == MCU_BODY_URI && (!g_ascii_isgraph(c) || strchr("<>\"", c))))
			return false;
	}
	return form != MCU_BODY_URI || g_str_has_prefix(s, "sip:") || g_str_has_prefix(s, "sips:");
}

static const char *form_text(McuBodyForm form)
{
	switch (form) {
	case MCU_BODY_ID:
		return "letters, digits and . _ -";
	case MCU_BODY_LAYOUT:
		return "letters, digits and + . _ -";
	case MCU_BODY_URI:
		return "a SIP URI as sip:user@host";
	case MCU_BODY_TEXT:
		break;
	}
	return "text on one line";
}

static int check_string(const McuBodyField *f, const char *s, McuDiag *reterr)
{
	size_t len = strlen(s);

	/* json-glib decodes \ud800 to something that is not UTF-8 */
	if (!g_utf8_validate(s, -1, NULL))
		return mcu_diag(reterr, -EINVAL, "%s: expected valid Unicode text", f->name);
	if (len < f->min_len || len > f->max_len)
		return mcu_diag(reterr, -EINVAL, "%s: found %zu bytes, expected %u to %u", f->name,
				len, f->min_len, f->max_len);
	if (!form_accepts(f->form, s))
		return mcu_diag(reterr, -EINVAL, "%s: found \"%.60s\", expected %s", f->name, s,
				form_text(f->form));
	return 0;
}

static bool is_string(JsonNode *node)
{
	return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
}

static int take_strings(const McuBodyField *f, JsonNode *node, GVariantDict *out, McuDiag *reterr)
{
	JsonArray *array = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
	g_autoptr(GVariantBuilder) list = g_variant_builder_new(G_VARIANT_TYPE_STRING_ARRAY);

	if (!array)
		return mcu_diag(reterr, -EINVAL, "%s: expected a list of strings", f->name);
	unsigned n = json_array_get_length(array);
	if (n > MCU_MAX_HTTP_LIST)
		return mcu_diag(reterr, -EINVAL, "%s: found %u entries, expected at most %d",
				f->name, n, MCU_MAX_HTTP_LIST);
	for (unsigned i = 0; i < n; i++) {
		JsonNode *item = json_array_get_element(array, i);

		if (!is_string(item))
			return mcu_diag(reterr, -EINVAL, "%s: expected a list of strings", f->name);
		int r = check_string(f, json_node_get_string(item), reterr);
		if (r < 0)
			return r;
		g_variant_builder_add(list, "s", json_node_get_string(item));
	}
	g_variant_dict_insert_value(out, f->name, g_variant_builder_end(list));
	return 0;
}

static int take_field(const McuBodyField *f, JsonNode *node, GVariantDict *out, McuDiag *reterr)
{
	int r;

	switch (f->type) {
	case MCU_BODY_STRING:
		if (!is_string(node))
			return mcu_diag(reterr, -EINVAL, "%s: expected a string", f->name);
		r = check_string(f, json_node_get_string(node), reterr);
		if (r == 0)
			g_variant_dict_insert(out, f->name, "s", json_node_get_string(node));
		return r;
	case MCU_BODY_BOOL:
		if (!JSON_NODE_HOLDS_VALUE(node) ||
		    json_node_get_value_type(node) != G_TYPE_BOOLEAN)
			return mcu_diag(reterr, -EINVAL, "%s: expected true or false", f->name);
		g_variant_dict_insert(out, f->name, "b", json_node_get_boolean(node));
		return 0;
	case MCU_BODY_STRINGS:
		return take_strings(f, node, out, reterr);
	}
	g_assert_not_reached();
}

static void cut_name(char *to, const char *name)
{
	const char *end;

	g_strlcpy(to, name, MCU_MAX_HTTP_FIELD);
	if (!g_utf8_validate(to, -1, &end))
		to[end - to] = '\0';
}

/* Members of the object `data` that were seen; a repeated one is kept in `repeated`. */
typedef struct Seen {
	GHashTable *names;
	char repeated[MCU_MAX_HTTP_FIELD];
	bool found;
} Seen;

static void on_member(JsonParser *parser, JsonObject *object, const char *name, Seen *seen)
{
	(void)parser;
	(void)object;
	if (!g_hash_table_add(seen->names, g_strdup(name)) && !seen->found) {
		seen->found = true;
		cut_name(seen->repeated, name);
	}
}

static int check_names(const McuBodySchema *schema, JsonObject *object, char *ret_field,
		       McuDiag *reterr)
{
	g_autoptr(GList) names = json_object_get_members(object);

	for (GList *l = names; l; l = l->next) {
		size_t i = 0;

		while (i < schema->n_fields && strcmp(schema->fields[i].name, l->data) != 0)
			i++;
		if (i == schema->n_fields) {
			cut_name(ret_field, l->data);
			return mcu_diag(reterr, -EINVAL, "%s: there is no such member", ret_field);
		}
	}
	return 0;
}

static int take_object(const McuBodySchema *schema, JsonObject *object, GVariantDict *out,
		       char *ret_field, McuDiag *reterr)
{
	int r = check_names(schema, object, ret_field, reterr);

	for (size_t i = 0; r == 0 && i < schema->n_fields; i++) {
		const McuBodyField *f = &schema->fields[i];
		JsonNode *node = json_object_get_member(object, f->name);

		if (node)
			r = take_field(f, node, out, reterr);
		else if (f->required)
			r = mcu_diag(reterr, -EINVAL, "%s: missing", f->name);
		if (r < 0)
			cut_name(ret_field, f->name);
	}
	if (r == 0 && schema->not_empty && json_object_get_size(object) == 0)
		return mcu_diag(reterr, -EINVAL, "expected at least one member");
	return r;
}

int mcu_body_parse(const McuBodySchema *schema, const char *text, size_t len, GVariant **ret,
		   char ret_field[MCU_MAX_HTTP_FIELD], McuDiag *reterr)
{
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Seen seen = { .names = names };
	g_auto(GVariantDict) out;
	int r;

	g_variant_dict_init(&out, NULL);
	ret_field[0] = '\0';
	if (len == 0 && schema->optional) {
		*ret = g_variant_ref_sink(g_variant_dict_end(&out));
		return 0;
	}
	r = scan(text, len, reterr);
	if (r < 0)
		return r;
	g_signal_connect(parser, "object-member", G_CALLBACK(on_member), &seen);
	if (!json_parser_load_from_data(parser, text, (gssize)len, NULL))
		return mcu_diag(reterr, -EINVAL, "not valid JSON");
	JsonNode *root = json_parser_get_root(parser);
	if (!root || !JSON_NODE_HOLDS_OBJECT(root))
		return mcu_diag(reterr, -EINVAL, "expected one JSON object");
	if (seen.found) {
		cut_name(ret_field, seen.repeated);
		return mcu_diag(reterr, -EINVAL, "%s: given twice", ret_field);
	}
	r = take_object(schema, json_node_get_object(root), &out, ret_field, reterr);
	if (r == 0)
		*ret = g_variant_ref_sink(g_variant_dict_end(&out));
	return r;
}
