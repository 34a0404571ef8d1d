/* mcuctl top: what each call costs and how well it does, each second. Rates are between two samples
 * of the statistics. */
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_priv.h"

#define INTERVAL_US G_USEC_PER_SEC

typedef struct Sample {
	gint64 at_us;
	unsigned participants;
	char *layout;
	bool recording, complete; /* complete: the statistics came */
	double cpu_s, rss, fps, skipped;
	double in_bytes, out_bytes, received, lost;
} Sample;

static void sample_free(void *data)
{
	Sample *s = data;

	g_free(s->layout);
	g_free(s);
}

static void add_streams(Sample *s, JsonArray *streams)
{
	for (unsigned i = 0; streams && i < json_array_get_length(streams); i++) {
		JsonObject *stream = mcu_ctl_at(streams, i);

		s->in_bytes += mcu_ctl_num(stream, "rx-bytes");
		s->out_bytes += mcu_ctl_num(stream, "tx-bytes");
		s->received += mcu_ctl_num(stream, "rx-packets");
		s->lost += mcu_ctl_num(stream, "rx-lost");
	}
}

static void add_stats(Sample *s, JsonObject *stats)
{
	JsonObject *video = mcu_ctl_obj(stats, "video");
	JsonArray *participants = mcu_ctl_arr(stats, "participants");

	s->complete = true;
	s->cpu_s = mcu_ctl_num(stats, "cpu-s");
	s->rss = mcu_ctl_num(stats, "rss-bytes");
	s->fps = mcu_ctl_num(video, "fps");
	s->skipped = mcu_ctl_num(video, "ticks-skipped");
	for (unsigned i = 0; participants && i < json_array_get_length(participants); i++) {
		JsonArray *legs = mcu_ctl_arr(mcu_ctl_at(participants, i), "legs");

		for (unsigned l = 0; legs && l < json_array_get_length(legs); l++)
			add_streams(s, mcu_ctl_arr(mcu_ctl_at(legs, l), "streams"));
	}
}

/* A call may end between the list and its statistics: that is no error. */
static McuCtlExit ask_stats(McuCtl *ctl, const char *id, Sample *s)
{
	g_autofree char *path = mcu_ctl_path("/api/v1/calls/%s/stats", id, NULL), *said = NULL;
	g_autoptr(JsonNode) node = NULL;
	FILE *err = ctl->err;
	size_t len = 0;
	McuCtlExit r;

	ctl->err = open_memstream(&said, &len);
	r = mcu_ctl_get(ctl, path, &node);
	fclose(ctl->err);
	ctl->err = err;
	if (r == MCU_CTL_NOT_CONNECTED)
		fputs(said, err);
	else if (r == MCU_CTL_OK && JSON_NODE_HOLDS_OBJECT(node))
		add_stats(s, json_node_get_object(node));
	return r == MCU_CTL_REFUSED ? MCU_CTL_OK : r;
}

/* *ret: call id -> Sample */
static McuCtlExit ask_all(McuCtl *ctl, GHashTable **ret)
{
	g_autoptr(GHashTable) all =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, sample_free);
	g_autoptr(JsonNode) node = NULL;
	McuCtlExit r = mcu_ctl_get(ctl, "/api/v1/calls", &node);
	JsonArray *list = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

	for (unsigned i = 0; r == MCU_CTL_OK && list && i < json_array_get_length(list); i++) {
		JsonObject *call = mcu_ctl_at(list, i);
		Sample *s = g_new0(Sample, 1);

		s->participants = (unsigned)mcu_ctl_num(call, "participants");
		s->layout = g_strdup(mcu_ctl_str(call, "layout"));
		s->recording = mcu_ctl_bool(call, "recording");
		g_hash_table_insert(all, g_strdup(mcu_ctl_str(call, "id")), s);
		r = ask_stats(ctl, mcu_ctl_str(call, "id"), s);
		s->at_us = g_get_monotonic_time();
	}
	if (r == MCU_CTL_OK)
		*ret = g_steal_pointer(&all);
	return r;
}

static double per_second(double now, double before, double seconds)
{
	return now > before && seconds > 0 ? (now - before) / seconds : 0;
}

static double add_row(McuCtlTable *t, const char *id, const Sample *s, const Sample *before)
{
	double seconds = (double)(s->at_us - before->at_us) / G_USEC_PER_SEC;
	double cpu = per_second(s->cpu_s, before->cpu_s, seconds) * 100;
	double lost = s->lost - before->lost, received = s->received - before->received;

	mcu_ctl_table_add(t, "%s", id);
	mcu_ctl_table_add(t, "%u", s->participants);
	mcu_ctl_table_add(t, "%s", s->layout);
	mcu_ctl_table_add(t, "%s", s->recording ? "yes" : "no");
	mcu_ctl_table_add(t, "%.0f", cpu);
	mcu_ctl_table_add(t, "%.0f", s->rss / 1e6);
	mcu_ctl_table_add(t, "%.0f", s->fps);
	mcu_ctl_table_add(t, "%.0f", s->skipped);
	mcu_ctl_table_add(t, "%.0f", per_second(s->in_bytes, before->in_bytes, seconds) * 8 / 1000);
	mcu_ctl_table_add(t, "%.0f",
			  per_second(s->out_bytes, before->out_bytes, seconds) * 8 / 1000);
	mcu_ctl_table_add(t, "%.1f", lost > 0 ? lost / (lost + MAX(received, 0)) * 100 : 0);
	return cpu;
}

static void add_row_without_numbers(McuCtlTable *t, const char *id, const Sample *s)
{
	mcu_ctl_table_add(t, "%s", id);
	mcu_ctl_table_add(t, "%u", s->participants);
	mcu_ctl_table_add(t, "%s", s->layout);
	mcu_ctl_table_add(t, "%s", s->recording ? "yes" : "no");
	for (int i = 0; i < 7; i++)
		mcu_ctl_table_add(t, "-");
}

static void print(McuCtl *ctl, GHashTable *now, GHashTable *before)
{
	g_autoptr(McuCtlTable) t = mcu_ctl_table_new(
		"CALL|>PART|LAYOUT|REC|>CPU%|>MB|>FPS|>SKIPPED|>IN kbit/s|>OUT kbit/s|>LOSS%");
	GList *ids = g_list_sort(g_hash_table_get_keys(now), (GCompareFunc)strcmp);
	unsigned participants = 0;
	double cpu = 0;

	for (GList *l = ids; l; l = l->next) {
		const Sample *s = g_hash_table_lookup(now, l->data);
		const Sample *b = g_hash_table_lookup(before, l->data);

		participants += s->participants;
		if (s->complete && b && b->complete)
			cpu += add_row(t, l->data, s, b);
		else
			add_row_without_numbers(t, l->data, s);
	}
	fprintf(ctl->out, "%u calls, %u participants, %.0f %% of a core\n", g_hash_table_size(now),
		participants, cpu);
	mcu_ctl_table_print(t, ctl->out);
	fflush(ctl->out);
	g_list_free(ids);
}

McuCtlExit mcu_ctl_top(McuCtl *ctl)
{
	g_autoptr(GHashTable) before = NULL;
	bool once = ctl->opts[MCU_CTL_ONCE], terminal = isatty(fileno(ctl->out));
	McuCtlExit r = ask_all(ctl, &before);

	while (r == MCU_CTL_OK) {
		g_autoptr(GHashTable) now = NULL;

		g_usleep(INTERVAL_US);
		r = ask_all(ctl, &now);
		if (r != MCU_CTL_OK)
			break;
		if (terminal && !once)
			fputs("\033[H\033[2J", ctl->out);
		print(ctl, now, before);
		if (once)
			break;
		g_hash_table_unref(before);
		before = g_steal_pointer(&now);
	}
	return r;
}
