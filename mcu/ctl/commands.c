/* The table of commands, and one function per command. */
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_priv.h"

#define CALL      "/api/v1/calls/%s"
#define BIT(name) (1u << MCU_CTL_##name)

static McuCtlExit print_bytes(McuCtl *ctl, GBytes *bytes)
{
	fwrite(g_bytes_get_data(bytes, NULL), 1, g_bytes_get_size(bytes), ctl->out);
	fputc('\n', ctl->out);
	return MCU_CTL_OK;
}

/* GET; with --json print it as it is and leave *ret NULL. */
static McuCtlExit get_or_print(McuCtl *ctl, const char *path, JsonNode **ret)
{
	g_autoptr(GBytes) bytes = NULL;
	McuCtlExit r;

	if (!ctl->opts[MCU_CTL_JSON])
		return mcu_ctl_get(ctl, path, ret);
	r = mcu_ctl_request(ctl, "GET", path, NULL, &bytes);
	return r == MCU_CTL_OK ? print_bytes(ctl, bytes) : r;
}

/* A request whose answer is shown only with --json, or as the one member `show` of it. */
static McuCtlExit change(McuCtl *ctl, const char *method, const char *path, JsonObject *take_body,
			 const char *show)
{
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) node = NULL;
	McuCtlExit r = mcu_ctl_request(ctl, method, path, take_body, &bytes);

	if (r != MCU_CTL_OK || g_bytes_get_size(bytes) == 0)
		return r;
	if (ctl->opts[MCU_CTL_JSON])
		return print_bytes(ctl, bytes);
	text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	node = json_from_string(text, NULL);
	if (show && node && JSON_NODE_HOLDS_OBJECT(node)) {
		g_autofree char *clean =
			mcu_ctl_clean(mcu_ctl_str(json_node_get_object(node), show));
		fprintf(ctl->out, "%s\n", clean);
	}
	return r;
}

static McuCtlExit usage(McuCtl *ctl, const char *what, const char *found)
{
	fprintf(ctl->err, "mcuctl: found \"%s\", expected %s\n", found, what);
	return MCU_CTL_USAGE;
}

/* --- calls --- */

static void add_call(McuCtlTable *t, JsonObject *call)
{
	mcu_ctl_table_add(t, "%s", mcu_ctl_str(call, "id"));
	mcu_ctl_table_add(t, "%s", mcu_ctl_str(call, "state"));
	mcu_ctl_table_add(t, "%.0f", mcu_ctl_num(call, "participants"));
	mcu_ctl_table_add(t, "%s", mcu_ctl_str(call, "layout"));
	mcu_ctl_table_add(t, "%s", mcu_ctl_bool(call, "recording") ? "yes" : "no");
	mcu_ctl_table_add(t, "%s", mcu_ctl_str(call, "created"));
}

static McuCtlExit calls(McuCtl *ctl)
{
	g_autoptr(JsonNode) node = NULL;
	g_autoptr(McuCtlTable) t =
		mcu_ctl_table_new("CALL|STATE|>PARTICIPANTS|LAYOUT|RECORDING|CREATED");
	McuCtlExit r = get_or_print(ctl, "/api/v1/calls", &node);

	if (!node || !JSON_NODE_HOLDS_ARRAY(node))
		return r;
	JsonArray *list = json_node_get_array(node);
	for (unsigned i = 0; i < json_array_get_length(list); i++)
		add_call(t, mcu_ctl_at(list, i));
	mcu_ctl_table_print(t, ctl->out);
	return r;
}

static void add_participant(McuCtlTable *t, JsonObject *p)
{
	GString *marks = g_string_new(NULL);

	if (mcu_ctl_bool(p, "muted"))
		g_string_append(marks, "muted ");
	if (mcu_ctl_bool(p, "camera-off"))
		g_string_append(marks, "camera-off ");
	if (mcu_ctl_bool(p, "hidden"))
		g_string_append(marks, "hidden ");
	mcu_ctl_table_add(t, "%s", mcu_ctl_str(p, "id"));
	mcu_ctl_table_add(t, "%s", mcu_ctl_str(p, "name"));
	mcu_ctl_table_add(t, "%s", mcu_ctl_str(p, "state"));
	mcu_ctl_table_add(t, "%s", mcu_ctl_str(p, "direction"));
	mcu_ctl_table_add(t, "%s", marks->len ? g_strchomp(marks->str) : "-");
	mcu_ctl_table_add(t, "%s", mcu_ctl_str(p, "joined"));
	mcu_ctl_table_add(t, "%s", mcu_ctl_str(p, "uri"));
	g_string_free(marks, TRUE);
}

static McuCtlExit show(McuCtl *ctl)
{
	g_autofree char *path = mcu_ctl_path(CALL, ctl->args[0], NULL);
	g_autoptr(McuCtlTable) t = mcu_ctl_table_new("ID|NAME|STATE|DIR|MARKS|JOINED|URI");
	g_autoptr(JsonNode) node = NULL;
	McuCtlExit r = get_or_print(ctl, path, &node);

	if (!node || !JSON_NODE_HOLDS_OBJECT(node))
		return r;
	JsonObject *call = json_node_get_object(node);
	JsonArray *list = mcu_ctl_arr(call, "participants");
	unsigned n = list ? json_array_get_length(list) : 0;
	fprintf(ctl->out, "call %s: %s, layout %s, %s, %u participant%s, since %s\n",
		mcu_ctl_str(call, "id"), mcu_ctl_str(call, "state"), mcu_ctl_str(call, "layout"),
		mcu_ctl_bool(call, "recording") ? "recorded" : "not recorded", n, n == 1 ? "" : "s",
		mcu_ctl_str(call, "created"));
	for (unsigned i = 0; i < n; i++)
		add_participant(t, mcu_ctl_at(list, i));
	if (n)
		mcu_ctl_table_print(t, ctl->out);
	return r;
}

static McuCtlExit create(McuCtl *ctl)
{
	JsonObject *body = json_object_new();

	json_object_set_string_member(body, "id", ctl->args[0]);
	if (ctl->opts[MCU_CTL_LAYOUT])
		json_object_set_string_member(body, "layout", ctl->opts[MCU_CTL_LAYOUT]);
	if (ctl->opts[MCU_CTL_RECORD])
		json_object_set_boolean_member(body, "recording", TRUE);
	return change(ctl, "POST", "/api/v1/calls", body, "id");
}

static McuCtlExit end(McuCtl *ctl)
{
	g_autofree char *path = mcu_ctl_path(CALL, ctl->args[0], NULL);

	return change(ctl, "DELETE", path, NULL, NULL);
}

/* --- participants --- */

static McuCtlExit no_participant(McuCtl *ctl, const char *wanted, const GString *several)
{
	if (several->len)
		fprintf(ctl->err, "mcuctl: several participants are named \"%s\": use one of%s\n",
			wanted, several->str);
	else
		fprintf(ctl->err, "mcuctl: call %s has no participant \"%s\"\n", ctl->args[0],
			wanted);
	return MCU_CTL_REFUSED;
}

/* By id, or by a name that only one has. */
static McuCtlExit resolve(McuCtl *ctl, const char *wanted, char **ret_id)
{
	g_autofree char *path = mcu_ctl_path(CALL "/participants", ctl->args[0], NULL);
	g_autoptr(JsonNode) node = NULL;
	g_autofree char *named = NULL;
	GString *several = g_string_new(NULL);
	unsigned n_named = 0;
	McuCtlExit r = mcu_ctl_get(ctl, path, &node);
	JsonArray *list = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

	for (unsigned i = 0; list && !*ret_id && i < json_array_get_length(list); i++) {
		JsonObject *p = mcu_ctl_at(list, i);
		const char *id = mcu_ctl_str(p, "id");

		if (strcmp(id, wanted) == 0) {
			*ret_id = g_strdup(id);
		} else if (strcmp(mcu_ctl_str(p, "name"), wanted) == 0) {
			g_free(named);
			named = g_strdup(id);
			g_string_append_printf(several, " %s", id);
			n_named++;
		}
	}
	if (!*ret_id && n_named == 1)
		*ret_id = g_steal_pointer(&named);
	if (r == MCU_CTL_OK && !*ret_id)
		r = no_participant(ctl, wanted, several);
	g_string_free(several, TRUE);
	return r;
}

static McuCtlExit update_participant(McuCtl *ctl, JsonObject *take_body)
{
	g_autofree char *id = NULL, *path = NULL;
	McuCtlExit r = resolve(ctl, ctl->args[1], &id);

	if (r != MCU_CTL_OK) {
		json_object_unref(take_body);
		return r;
	}
	path = mcu_ctl_path(CALL "/participants/%s", ctl->args[0], id);
	return change(ctl, "PATCH", path, take_body, NULL);
}

static McuCtlExit set_flag(McuCtl *ctl, const char *name, bool value)
{
	JsonObject *body = json_object_new();

	json_object_set_boolean_member(body, name, value);
	return update_participant(ctl, body);
}

static McuCtlExit mute(McuCtl *ctl)
{
	return set_flag(ctl, "muted", true);
}

static McuCtlExit unmute(McuCtl *ctl)
{
	return set_flag(ctl, "muted", false);
}

static McuCtlExit hold(McuCtl *ctl)
{
	return set_flag(ctl, "held", true);
}

static McuCtlExit resume(McuCtl *ctl)
{
	return set_flag(ctl, "held", false);
}

static McuCtlExit camera(McuCtl *ctl)
{
	bool on = strcmp(ctl->args[2], "on") == 0;

	if (!on && strcmp(ctl->args[2], "off") != 0)
		return usage(ctl, "on or off", ctl->args[2]);
	return set_flag(ctl, "camera-off", !on);
}

static McuCtlExit rename_participant(McuCtl *ctl)
{
	JsonObject *body = json_object_new();

	json_object_set_string_member(body, "name", ctl->args[2]);
	return update_participant(ctl, body);
}

static McuCtlExit kick(McuCtl *ctl)
{
	g_autofree char *id = NULL, *path = NULL;
	McuCtlExit r = resolve(ctl, ctl->args[1], &id);

	if (r != MCU_CTL_OK)
		return r;
	path = mcu_ctl_path(CALL "/participants/%s", ctl->args[0], id);
	return change(ctl, "DELETE", path, NULL, NULL);
}

static McuCtlExit dial(McuCtl *ctl)
{
	g_autofree char *path = mcu_ctl_path(CALL "/dial", ctl->args[0], NULL);
	JsonObject *body = json_object_new();

	json_object_set_string_member(body, "uri", ctl->args[1]);
	if (ctl->opts[MCU_CTL_NAME])
		json_object_set_string_member(body, "name", ctl->opts[MCU_CTL_NAME]);
	return change(ctl, "POST", path, body, "id");
}

/* --- the picture --- */

static McuCtlExit layout(McuCtl *ctl)
{
	g_autofree char *path = mcu_ctl_path(CALL "/layout", ctl->args[0], NULL), *focus = NULL;
	JsonObject *body;

	if (ctl->opts[MCU_CTL_FOCUS] && *ctl->opts[MCU_CTL_FOCUS]) {
		McuCtlExit r = resolve(ctl, ctl->opts[MCU_CTL_FOCUS], &focus);
		if (r != MCU_CTL_OK)
			return r;
	}
	body = json_object_new();
	json_object_set_string_member(body, "name", ctl->args[1]);
	if (focus)
		json_object_set_string_member(body, "focus", focus);
	return change(ctl, "PUT", path, body, NULL);
}

static McuCtlExit record(McuCtl *ctl)
{
	g_autofree char *path = mcu_ctl_path(CALL "/recording", ctl->args[0], NULL);

	if (strcmp(ctl->args[1], "start") == 0)
		return change(ctl, "POST", path, NULL, "path");
	if (strcmp(ctl->args[1], "stop") == 0)
		return change(ctl, "DELETE", path, NULL, NULL);
	return usage(ctl, "start or stop", ctl->args[1]);
}

static McuCtlExit snapshot(McuCtl *ctl)
{
	g_autofree char *base = mcu_ctl_path(CALL "/snapshot.jpg", ctl->args[0], NULL);
	GString *path = g_string_new(base);
	g_autoptr(GBytes) bytes = NULL;
	static const McuCtlOpt sizes[] = { MCU_CTL_WIDTH, MCU_CTL_HEIGHT };
	McuCtlExit r;

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		if (!ctl->opts[sizes[i]])
			continue;
		g_autofree char *value = g_uri_escape_string(ctl->opts[sizes[i]], NULL, FALSE);
		g_string_append_printf(path, "%c%s=%s", strchr(path->str, '?') ? '&' : '?',
				       i == 0 ? "width" : "height", value);
	}
	if (isatty(fileno(ctl->out))) {
		fprintf(ctl->err,
			"mcuctl: a picture is no text; write it to a file with > FILE.jpg\n");
		r = MCU_CTL_USAGE;
	} else {
		r = mcu_ctl_request(ctl, "GET", path->str, NULL, &bytes);
	}
	if (r == MCU_CTL_OK)
		fwrite(g_bytes_get_data(bytes, NULL), 1, g_bytes_get_size(bytes), ctl->out);
	g_string_free(path, TRUE);
	return r;
}

/* --- numbers --- */

static void print_tree(McuCtl *ctl, JsonNode *node, const char *name, int depth);

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

/* Numbers first, then what is nested. */
static void print_object(McuCtl *ctl, JsonObject *o, int depth)
{
	g_autoptr(GList) names = g_list_sort(json_object_get_members(o), by_name);

	for (int nested = 0; nested < 2; nested++)
		for (GList *l = names; l; l = l->next) {
			JsonNode *node = json_object_get_member(o, l->data);

			if (nested == (JSON_NODE_HOLDS_OBJECT(node) || JSON_NODE_HOLDS_ARRAY(node)))
				print_tree(ctl, node, l->data, depth);
		}
}

static void print_tree(McuCtl *ctl, JsonNode *node, const char *name, int depth)
{
	g_autofree char *clean = mcu_ctl_clean(name);

	if (JSON_NODE_HOLDS_OBJECT(node)) {
		fprintf(ctl->out, "%*s%s:\n", depth * 2, "", clean);
		print_object(ctl, json_node_get_object(node), depth + 1);
	} else if (JSON_NODE_HOLDS_ARRAY(node)) {
		JsonArray *list = json_node_get_array(node);

		for (unsigned i = 0; i < json_array_get_length(list); i++) {
			g_autofree char *nth = g_strdup_printf("%s %u", name, i + 1);
			print_tree(ctl, json_array_get_element(list, i), nth, depth);
		}
	} else if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_DOUBLE) {
		fprintf(ctl->out, "%*s%s: %.6g\n", depth * 2, "", clean,
			json_node_get_double(node));
	} else {
		g_autofree char *value = json_to_string(node, FALSE);
		g_autofree char *shown = mcu_ctl_clean(value);
		fprintf(ctl->out, "%*s%s: %s\n", depth * 2, "", clean, shown);
	}
}

static McuCtlExit stats(McuCtl *ctl)
{
	g_autofree char *path = mcu_ctl_path(CALL "/stats", ctl->args[0], NULL);
	g_autoptr(JsonNode) node = NULL;
	McuCtlExit r = get_or_print(ctl, path, &node);

	if (node && JSON_NODE_HOLDS_OBJECT(node))
		print_object(ctl, json_node_get_object(node), 0);
	return r;
}

static McuCtlExit events(McuCtl *ctl)
{
	const char *text = ctl->opts[MCU_CTL_COUNT];
	guint64 count = 0;

	if (text && !g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT, &count, NULL))
		return usage(ctl, "a number of events", text);
	return mcu_ctl_follow(ctl, (unsigned)count);
}

/* --- the table --- */

const McuCtlCommand mcu_ctl_commands[] = {
	{ "calls", "", "list the calls", 0, 0, 0, calls },
	{ "show", "CALL", "a call and its participants", 1, 1, 0, show },
	{ "create", "CALL [--layout L] [--record]", "create a call", 1, 1,
	  BIT(LAYOUT) | BIT(RECORD), create },
	{ "end", "CALL", "hang up on everybody", 1, 1, 0, end },
	{ "layout", "CALL NAME [--focus PARTICIPANT]", "choose the layout", 2, 2, BIT(FOCUS),
	  layout },
	{ "mute", "CALL PARTICIPANT", "the participant is not heard", 2, 2, 0, mute },
	{ "unmute", "CALL PARTICIPANT", "the participant is heard again", 2, 2, 0, unmute },
	{ "camera", "CALL PARTICIPANT on|off", "whether the participant's video is shown", 3, 3, 0,
	  camera },
	{ "hold", "CALL PARTICIPANT", "put the participant on hold", 2, 2, 0, hold },
	{ "resume", "CALL PARTICIPANT", "take the participant off hold", 2, 2, 0, resume },
	{ "rename", "CALL PARTICIPANT NAME", "change the label", 3, 3, 0, rename_participant },
	{ "kick", "CALL PARTICIPANT", "hang up on the participant", 2, 2, 0, kick },
	{ "dial", "CALL URI [--name N]", "call somebody into the call", 2, 2, BIT(NAME), dial },
	{ "record", "CALL start|stop", "record the call", 2, 2, 0, record },
	{ "snapshot", "CALL [--width W] [--height H]",
	  "the picture now, as JPEG on standard output", 1, 1, BIT(WIDTH) | BIT(HEIGHT), snapshot },
	{ "stats", "CALL", "numbers of the call's worker", 1, 1, 0, stats },
	{ "events", "[--count N]", "follow what happens, one line each", 0, 0, BIT(COUNT), events },
	{ "top", "[--once]", "live table of the calls", 0, 0, BIT(ONCE), mcu_ctl_top },
};
const size_t mcu_ctl_n_commands = G_N_ELEMENTS(mcu_ctl_commands);
