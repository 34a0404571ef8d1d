/* Worker1.Stats: numbers of the whole call. Keys: mcu/README.md. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker/call_priv.h"

static uint64_t rss_bytes(void)
{
	g_autofree char *text = NULL;
	unsigned long size, resident;

	if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL) ||
	    sscanf(text, "%lu %lu", &size, &resident) != 2)
		return 0;
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static GVariant *video_stats(McuCall *call)
{
	McuVideoStats s;
	GVariantDict d;

	mcu_video_engine_stats(call->video, &s);
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "layout", "s", mcu_video_engine_layout_name(call->video));
	g_variant_dict_insert(&d, "width", "u", call->options.width);
	g_variant_dict_insert(&d, "height", "u", call->options.height);
	g_variant_dict_insert(&d, "fps", "u", (guint)s.fps);
	g_variant_dict_insert(&d, "ticks", "t", s.ticks);
	g_variant_dict_insert(&d, "ticks-skipped", "t", s.skipped);
	g_variant_dict_insert(&d, "frames-composed", "t", s.composed);
	g_variant_dict_insert(&d, "frames-unchanged", "t", s.unchanged);
	g_variant_dict_insert(&d, "frames-failed", "t", s.failed);
	g_variant_dict_insert(&d, "compose-us-avg", "d",
			      s.ticks ? (double)s.compose_ns / (double)s.ticks / 1e3 : 0.0);
	g_variant_dict_insert(&d, "compose-us-max", "d", (double)s.compose_max_ns / 1e3);
	g_variant_dict_insert(&d, "tiles", "t", s.tiles);
	g_variant_dict_insert(&d, "label-renders", "t", s.label_renders);
	g_variant_dict_insert(&d, "overload", "s", mcu_overload_level_name(s.overload));
	g_variant_dict_insert(&d, "overload-level", "u", (guint)(s.overload - MCU_OVERLOAD_NONE));
	g_variant_dict_insert(&d, "overload-steps", "t", s.overload_steps);
	return g_variant_dict_end(&d);
}

static GVariant *audio_stats(McuCall *call)
{
	McuAudioEngineStats s;
	GVariantDict d;

	mcu_audio_engine_stats(call->audio, &s);
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "sources", "u", s.sources);
	g_variant_dict_insert(&d, "listeners", "u", s.listeners);
	g_variant_dict_insert(&d, "mixed", "u", s.mixed);
	g_variant_dict_insert(&d, "encodes", "u", s.encodes);
	g_variant_dict_insert(&d, "encodes-total", "t", s.encodes_total);
	g_variant_dict_insert(&d, "ticks", "t", s.ticks);
	g_variant_dict_insert(&d, "ticks-late", "t", s.late_ticks);
	g_variant_dict_insert(&d, "ticks-skipped", "t", s.skipped_ticks);
	g_variant_dict_insert(&d, "dropped", "t", s.dropped);
	g_variant_dict_insert(&d, "tick-us-avg", "u", s.tick_avg_us);
	g_variant_dict_insert(&d, "tick-us-max", "u", s.tick_max_us);
	return g_variant_dict_end(&d);
}

static GVariant *participant_stats(McuCall *call, const McuParticipant *p)
{
	GVariantBuilder legs;
	GHashTableIter iter;
	GVariantDict d;
	McuLeg *leg;

	g_variant_builder_init(&legs, G_VARIANT_TYPE("aa{sv}"));
	g_hash_table_iter_init(&iter, call->legs);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&leg))
		if (g_str_equal(mcu_leg_participant(leg), p->id))
			g_variant_builder_add_value(&legs, mcu_leg_stats(leg));
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "id", "s", p->id);
	g_variant_dict_insert(&d, "name", "s", p->name);
	g_variant_dict_insert(&d, "level-dbov", "i", mcu_audio_engine_level(call->audio, p->num));
	g_variant_dict_insert_value(&d, "legs", g_variant_builder_end(&legs));
	return g_variant_dict_end(&d);
}

GVariant *mcu_call_stats(McuCall *call)
{
	GVariantBuilder participants;
	GHashTableIter iter;
	McuParticipant *p;
	GVariantDict d;

	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "uptime-s", "d", (double)(mcu_now_ns() - call->start_ns) / 1e9);
	g_variant_dict_insert(&d, "cpu-s", "d", cpu_s());
	g_variant_dict_insert(&d, "rss-bytes", "t", rss_bytes());
	if (!call->started)
		return g_variant_dict_end(&d);
	g_variant_dict_insert_value(&d, "video", video_stats(call));
	g_variant_dict_insert_value(&d, "audio", audio_stats(call));
	g_variant_dict_insert_value(&d, "renditions", mcu_feeds_stats(call->feeds));
	if (call->recording)
		g_variant_dict_insert_value(&d, "recording", mcu_recording_stats(call->recording));
	g_variant_builder_init(&participants, G_VARIANT_TYPE("aa{sv}"));
	g_hash_table_iter_init(&iter, call->participants);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&p))
		g_variant_builder_add_value(&participants, participant_stats(call, p));
	g_variant_dict_insert_value(&d, "participants", g_variant_builder_end(&participants));
	return g_variant_dict_end(&d);
}
