#include "report.h"

#include <stdio.h>

#include "base/clock.h"
#include "json.h"

struct McuReport {
	bool events, quiet;
	int64_t start_ns;
	double started_unix;
	GQueue log, timeline; /* of JsonNode */
};

McuReport *mcu_report_new(bool events, bool quiet)
{
	McuReport *r = g_new0(McuReport, 1);

	r->events = events;
	r->quiet = quiet;
	r->start_ns = mcu_now_ns();
	r->started_unix = (double)g_get_real_time() / 1e6;
	return r;
}

void mcu_report_free(McuReport *r)
{
	if (!r)
		return;
	g_queue_clear_full(&r->log, (GDestroyNotify)json_node_unref);
	g_queue_clear_full(&r->timeline, (GDestroyNotify)json_node_unref);
	g_free(r);
}

double mcu_report_time_s(const McuReport *r, int64_t monotonic_ns)
{
	return (double)(monotonic_ns - r->start_ns) / 1e9;
}

double mcu_report_now_s(const McuReport *r)
{
	return mcu_report_time_s(r, mcu_now_ns());
}

static void print_line(JsonNode *node)
{
	g_autofree char *line = json_to_string(node, FALSE);

	printf("%s\n", line);
	fflush(stdout);
}

static void keep(GQueue *queue, JsonNode *node, guint max)
{
	g_queue_push_tail(queue, node);
	if (queue->length > max)
		json_node_unref(g_queue_pop_head(queue));
}

void mcu_report_log(McuReport *r, const char *event, int status, const char *text)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	JsonNode *node;

	json_builder_begin_object(json);
	mcu_json_real(json, "t", mcu_report_now_s(r));
	mcu_json_string(json, "event", event);
	if (status)
		mcu_json_int(json, "status", status);
	if (text)
		mcu_json_string(json, "text", text);
	json_builder_end_object(json);
	node = json_builder_get_root(json);
	if (r->events)
		print_line(node);
	else if (!r->quiet)
		printf("%8.3f %s%s%.0d%s%s\n", mcu_report_now_s(r), event, status ? " " : "",
		       status, text ? " " : "", text ? text : "");
	fflush(stdout);
	keep(&r->log, node, MCU_REPORT_MAX_LOG);
}

JsonBuilder *mcu_report_timeline_begin(McuReport *r)
{
	JsonBuilder *json = json_builder_new();

	json_builder_begin_object(json);
	mcu_json_real(json, "t", mcu_report_now_s(r));
	return json;
}

void mcu_report_timeline_end(McuReport *r, JsonBuilder *json)
{
	JsonNode *node;

	json_builder_end_object(json);
	node = json_builder_get_root(json);
	if (r->events)
		print_line(node);
	keep(&r->timeline, node, MCU_REPORT_MAX_TIMELINE);
	g_object_unref(json);
}

static void write_list(const GQueue *queue, JsonBuilder *json, const char *name)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
	for (GList *l = queue->head; l; l = l->next)
		json_builder_add_value(json, json_node_copy(l->data));
	json_builder_end_array(json);
}

void mcu_report_write_members(const McuReport *r, JsonBuilder *json)
{
	mcu_json_real(json, "started_unix", r->started_unix);
	write_list(&r->log, json, "signalling");
	write_list(&r->timeline, json, "timeline");
}

int mcu_report_save(JsonBuilder *json, const char *path)
{
	g_autoptr(JsonNode) root = json_builder_get_root(json);
	g_autofree char *text = json_to_string(root, TRUE);

	return g_file_set_contents(path, text, -1, NULL) ? 0 : -EIO;
}
