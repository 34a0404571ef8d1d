/* Requests to the HTTP API and what comes back. */
#include <libsoup/soup.h>
#include <string.h>

#include "ctl/ctl_priv.h"

#define TIMEOUT_S 30

void mcu_ctl_connect(McuCtl *ctl)
{
	ctl->session = soup_session_new_with_options("timeout", TIMEOUT_S, "user-agent",
						     "mcuctl/" MCU_VERSION, NULL);
}

void mcu_ctl_disconnect(McuCtl *ctl)
{
	if (ctl->session)
		soup_session_abort(ctl->session);
	g_clear_object(&ctl->session);
}

char *mcu_ctl_path(const char *format, const char *a, const char *b)
{
	g_autofree char *first = g_uri_escape_string(a, NULL, FALSE);
	g_autofree char *second = b ? g_uri_escape_string(b, NULL, FALSE) : NULL;
	g_auto(GStrv) parts = g_strsplit(format, "%s", 3);
	GString *path = g_string_new(parts[0]);

	for (unsigned i = 1; parts[i]; i++)
		g_string_append_printf(path, "%s%s", i == 1 ? first : second, parts[i]);
	return g_string_free(path, FALSE);
}

static SoupMessage *message(McuCtl *ctl, const char *method, const char *path)
{
	bool slash = g_str_has_suffix(ctl->url, "/");
	g_autofree char *url = g_strconcat(ctl->url, path + (slash ? 1 : 0), NULL);
	SoupMessage *msg = soup_message_new(method, url);

	if (!msg) {
		fprintf(ctl->err, "mcuctl: \"%s\" is no URL; expected http://HOST:PORT\n",
			ctl->url);
		return NULL;
	}
	if (ctl->token) {
		g_autofree char *bearer = g_strdup_printf("Bearer %s", ctl->token);
		soup_message_headers_replace(soup_message_get_request_headers(msg), "Authorization",
					     bearer);
	}
	return msg;
}

McuCtlExit mcu_ctl_no_connection(McuCtl *ctl, const GError *error)
{
	g_autofree char *why = mcu_ctl_clean(error->message);

	fprintf(ctl->err, "mcuctl: no answer from %s: %s\n", ctl->url, why);
	return MCU_CTL_NOT_CONNECTED;
}

/* The detail of a problem document, or what HTTP itself says. */
static McuCtlExit refused(McuCtl *ctl, SoupMessage *msg, GBytes *bytes)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *text = NULL;
	const char *detail = NULL;
	unsigned status = soup_message_get_status(msg);

	if (bytes && json_parser_load_from_data(parser, g_bytes_get_data(bytes, NULL),
						(gssize)g_bytes_get_size(bytes), NULL)) {
		JsonNode *root = json_parser_get_root(parser);
		if (root && JSON_NODE_HOLDS_OBJECT(root))
			detail = mcu_ctl_str(json_node_get_object(root), "detail");
	}
	text = mcu_ctl_clean(detail && *detail ? detail : soup_status_get_phrase(status));
	fprintf(ctl->err, "mcuctl: %s (%u)\n", text, status);
	return MCU_CTL_REFUSED;
}

McuCtlExit mcu_ctl_request(McuCtl *ctl, const char *method, const char *path, JsonObject *take_body,
			   GBytes **ret)
{
	g_autoptr(SoupMessage) msg = message(ctl, method, path);
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = NULL;

	if (take_body) {
		g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
		json_node_take_object(node, take_body);
		char *text = json_to_string(node, FALSE);
		g_autoptr(GBytes) body = g_bytes_new_take(text, strlen(text));
		if (msg)
			soup_message_set_request_body_from_bytes(msg, "application/json", body);
	}
	if (!msg)
		return MCU_CTL_USAGE;
	bytes = soup_session_send_and_read(ctl->session, msg, NULL, &error);
	if (!bytes)
		return mcu_ctl_no_connection(ctl, error);
	if (!SOUP_STATUS_IS_SUCCESSFUL(soup_message_get_status(msg)))
		return refused(ctl, msg, bytes);
	if (ret)
		*ret = g_steal_pointer(&bytes);
	return MCU_CTL_OK;
}

McuCtlExit mcu_ctl_get(McuCtl *ctl, const char *path, JsonNode **ret)
{
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *text = NULL;
	McuCtlExit r = mcu_ctl_request(ctl, "GET", path, NULL, &bytes);

	if (r != MCU_CTL_OK)
		return r;
	text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	*ret = json_from_string(text, NULL);
	if (*ret)
		return MCU_CTL_OK;
	fprintf(ctl->err, "mcuctl: %s does not speak our language: expected JSON\n", ctl->url);
	return MCU_CTL_REFUSED;
}

/* --- events --- */

typedef struct Follow {
	McuCtl *ctl;
	GMainLoop *loop;
	SoupMessage *msg;
	SoupWebsocketConnection *ws;
	unsigned left; /* 0 = for ever */
	McuCtlExit result;
} Follow;

static void print_event(McuCtl *ctl, JsonObject *event)
{
	g_autoptr(GList) names = json_object_get_members(event);

	fprintf(ctl->out, "%s  %-20s", mcu_ctl_str(event, "time"), mcu_ctl_str(event, "type"));
	for (GList *l = names; l; l = l->next) {
		if (strcmp(l->data, "time") == 0 || strcmp(l->data, "type") == 0)
			continue;
		g_autofree char *value =
			json_to_string(json_object_get_member(event, l->data), FALSE);
		g_autofree char *clean = mcu_ctl_clean(value);
		fprintf(ctl->out, " %s=%s", (const char *)l->data, clean);
	}
	fputc('\n', ctl->out);
}

static void on_event(SoupWebsocketConnection *ws, int type, GBytes *bytes, gpointer data)
{
	Follow *f = data;
	g_autofree char *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	g_autoptr(JsonNode) node = json_from_string(text, NULL);

	(void)ws;
	(void)type;
	if (f->ctl->opts[MCU_CTL_JSON])
		fprintf(f->ctl->out, "%s\n", text);
	else if (node && JSON_NODE_HOLDS_OBJECT(node))
		print_event(f->ctl, json_node_get_object(node));
	fflush(f->ctl->out);
	if (f->left && --f->left == 0)
		g_main_loop_quit(f->loop);
}

static void on_closed(SoupWebsocketConnection *ws, gpointer data)
{
	Follow *f = data;

	(void)ws;
	fprintf(f->ctl->err, "mcuctl: the server closed the connection\n");
	f->result = MCU_CTL_NOT_CONNECTED;
	g_main_loop_quit(f->loop);
}

static void on_connected(GObject *session, GAsyncResult *result, gpointer data)
{
	Follow *f = data;
	g_autoptr(GError) error = NULL;
	unsigned status;

	f->ws = soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &error);
	status = soup_message_get_status(f->msg);
	if (f->ws) {
		g_signal_connect(f->ws, "message", G_CALLBACK(on_event), f);
		g_signal_connect(f->ws, "closed", G_CALLBACK(on_closed), f);
		return;
	}
	f->result = status >= 400 ? refused(f->ctl, f->msg, NULL)
				  : mcu_ctl_no_connection(f->ctl, error);
	g_main_loop_quit(f->loop);
}

McuCtlExit mcu_ctl_follow(McuCtl *ctl, unsigned count)
{
	g_autoptr(SoupMessage) msg = message(ctl, "GET", "/api/v1/events");
	g_autoptr(GMainLoop) loop = g_main_loop_new(g_main_context_get_thread_default(), FALSE);
	Follow f = { .ctl = ctl, .loop = loop, .msg = msg, .left = count };

	if (!msg)
		return MCU_CTL_USAGE;
	soup_session_websocket_connect_async(ctl->session, msg, NULL, NULL, G_PRIORITY_DEFAULT,
					     NULL, on_connected, &f);
	g_main_loop_run(loop);
	if (f.ws)
		g_signal_handlers_disconnect_by_data(f.ws, &f);
	g_clear_object(&f.ws);
	return f.result;
}

/* --- JSON helpers --- */

static JsonNode *value_of(JsonObject *o, const char *name)
{
	JsonNode *node = o ? json_object_get_member(o, name) : NULL;

	return node && JSON_NODE_HOLDS_VALUE(node) ? node : NULL;
}

const char *mcu_ctl_str(JsonObject *o, const char *name)
{
	JsonNode *node = value_of(o, name);
	const char *text = node ? json_node_get_string(node) : NULL;

	return text ? text : "";
}

double mcu_ctl_num(JsonObject *o, const char *name)
{
	JsonNode *node = value_of(o, name);

	return node ? json_node_get_double(node) : 0;
}

bool mcu_ctl_bool(JsonObject *o, const char *name)
{
	JsonNode *node = value_of(o, name);

	return node && json_node_get_boolean(node);
}

JsonObject *mcu_ctl_obj(JsonObject *o, const char *name)
{
	JsonNode *node = o ? json_object_get_member(o, name) : NULL;

	return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

JsonArray *mcu_ctl_arr(JsonObject *o, const char *name)
{
	JsonNode *node = o ? json_object_get_member(o, name) : NULL;

	return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

JsonObject *mcu_ctl_at(JsonArray *a, unsigned i)
{
	JsonNode *node = json_array_get_element(a, i);

	return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}
