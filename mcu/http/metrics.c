#include "http/metrics.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define G      MCU_METRIC_GAUGE
#define C      MCU_METRIC_COUNTER
#define REND   "renditions@rendition=id/"
#define PART   "participants@participant=id/"
#define STREAM PART "legs@leg=id/streams@stream=kind/"

const McuMetric mcu_metrics[] = {
	{ "mcu_worker_uptime_seconds", G, "Time since the call's worker started.", "uptime-s" },
	{ "mcu_worker_cpu_seconds_total", C, "CPU time used by the worker.", "cpu-s" },
	{ "mcu_worker_resident_bytes", G, "Memory of the worker.", "rss-bytes" },
	/* composing */
	{ "mcu_video_fps", G, "Frame rate of the composed picture.", "video/fps" },
	{ "mcu_video_ticks_total", C, "Ticks of the frame clock.", "video/ticks" },
	{ "mcu_video_ticks_skipped_total", C, "Ticks skipped because the machine was too slow.",
	  "video/ticks-skipped" },
	{ "mcu_video_frames_composed_total", C, "Frames drawn.", "video/frames-composed" },
	{ "mcu_video_frames_unchanged_total", C, "Frames that needed no drawing.",
	  "video/frames-unchanged" },
	{ "mcu_video_frames_failed_total", C, "Frames that could not be drawn.",
	  "video/frames-failed" },
	{ "mcu_video_compose_mean_seconds", G, "Mean time to compose a frame.",
	  "video/compose-us-avg", 1e-6 },
	{ "mcu_video_compose_max_seconds", G, "Longest time to compose a frame.",
	  "video/compose-us-max", 1e-6 },
	{ "mcu_video_overload_level", G, "Step of the overload ladder; 0 = none.",
	  "video/overload-level" },
	{ "mcu_video_overload_steps_total", C, "Steps taken on the overload ladder.",
	  "video/overload-steps" },
	/* mixing */
	{ "mcu_audio_ticks_total", C, "Ticks of the audio mixer.", "audio/ticks" },
	{ "mcu_audio_ticks_late_total", C, "Audio ticks that came late.", "audio/ticks-late" },
	{ "mcu_audio_ticks_skipped_total", C, "Audio ticks skipped.", "audio/ticks-skipped" },
	{ "mcu_audio_encodes_total", C, "Mixes encoded.", "audio/encodes-total" },
	{ "mcu_audio_mixed", G, "Sources that are in the mix now.", "audio/mixed" },
	{ "mcu_audio_tick_mean_seconds", G, "Mean time of an audio tick.", "audio/tick-us-avg",
	  1e-6 },
	{ "mcu_audio_tick_max_seconds", G, "Longest time of an audio tick.", "audio/tick-us-max",
	  1e-6 },
	/* encoding */
	{ "mcu_rendition_listeners", G, "Who is sent the rendition.", REND "listeners" },
	{ "mcu_rendition_bitrate_bps", G, "Bit rate asked of the encoder.", REND "bitrate-bps" },
	{ "mcu_rendition_frames_total", C, "Frames encoded.", REND "frames" },
	{ "mcu_rendition_keyframes_total", C, "Keyframes encoded.", REND "keyframes" },
	{ "mcu_rendition_keyframe_requests_total", C, "Keyframes asked for.",
	  REND "keyframe-requests" },
	{ "mcu_rendition_bytes_total", C, "Bytes encoded.", REND "bytes" },
	{ "mcu_rendition_overwritten_total", C, "Frames the encoder had no time for.",
	  REND "overwritten" },
	{ "mcu_rendition_failures_total", C, "Frames the encoder failed on.", REND "failures" },
	{ "mcu_rendition_encode_mean_seconds", G, "Mean time to encode a frame.",
	  REND "encode-us-avg", 1e-6 },
	/* the recorder */
	{ "mcu_recording_bytes", G, "Size of the recording that is written.", "recording/bytes" },
	{ "mcu_recording_seconds", G, "Length of the recording that is written.",
	  "recording/duration-s" },
	{ "mcu_recording_dropped_pictures", G, "Pictures the recording lost to a slow disk.",
	  "recording/dropped-pictures" },
	/* from a participant */
	{ "mcu_stream_rx_packets_total", C, "RTP packets received.", STREAM "rx-packets" },
	{ "mcu_stream_rx_bytes_total", C, "RTP bytes received.", STREAM "rx-bytes" },
	{ "mcu_stream_rx_lost_total", C, "RTP packets lost on the way to us.", STREAM "rx-lost" },
	{ "mcu_stream_rx_recovered_total", C, "Lost packets that came after all.",
	  STREAM "rx-recovered" },
	{ "mcu_stream_rx_jitter_seconds", G, "Interarrival jitter (RFC 3550).",
	  STREAM "rx-jitter-ms", 1e-3 },
	{ "mcu_stream_rx_auth_failed_total", C, "SRTP packets that did not authenticate.",
	  STREAM "rx-auth-failed" },
	{ "mcu_stream_rx_malformed_total", C, "Packets that could not be parsed.",
	  STREAM "rx-malformed" },
	{ "mcu_stream_rx_foreign_total", C, "Packets from an address that is not the peer's.",
	  STREAM "rx-foreign" },
	{ "mcu_stream_fps", G, "Pictures decoded each second.", STREAM "fps" },
	{ "mcu_stream_width_pixels", G, "Width of the received picture.", STREAM "width" },
	{ "mcu_stream_height_pixels", G, "Height of the received picture.", STREAM "height" },
	{ "mcu_stream_age_seconds", G, "Age of the newest picture.", STREAM "age-ms", 1e-3 },
	{ "mcu_stream_decode_errors_total", C, "Pictures that could not be decoded.",
	  STREAM "decode-errors" },
	{ "mcu_stream_concealed_total", C, "Audio frames that were made up.", STREAM "concealed" },
	{ "mcu_stream_jitter_delay_seconds", G, "Delay of the audio jitter buffer.",
	  STREAM "jitter-delay-ms", 1e-3 },
	{ "mcu_stream_level_dbov", G, "Level of the audio.", STREAM "level-dbov" },
	/* to a participant */
	{ "mcu_stream_tx_packets_total", C, "RTP packets sent.", STREAM "tx-packets" },
	{ "mcu_stream_tx_bytes_total", C, "RTP bytes sent.", STREAM "tx-bytes" },
	{ "mcu_stream_tx_resent_total", C, "Packets sent again because the peer asked.",
	  STREAM "tx-resent" },
	{ "mcu_stream_tx_loss_ratio", G, "Loss the peer reports, 0 to 1.", STREAM "tx-loss-ratio" },
	{ "mcu_stream_tx_jitter_seconds", G, "Jitter the peer reports.", STREAM "tx-jitter-ms",
	  1e-3 },
	{ "mcu_stream_round_trip_seconds", G, "Round trip by RTCP.", STREAM "rtt-ms", 1e-3 },
	{ "mcu_stream_nack_in_total", C, "Generic NACKs received.", STREAM "nack-in" },
	{ "mcu_stream_pli_in_total", C, "Picture loss indications received.", STREAM "pli-in" },
	{ "mcu_stream_fir_in_total", C, "Full intra requests received.", STREAM "fir-in" },
	{ "mcu_stream_nack_out_total", C, "Generic NACKs sent.", STREAM "nack-out" },
	{ "mcu_stream_pli_out_total", C, "Picture loss indications sent.", STREAM "pli-out" },
	{ "mcu_stream_tx_dropped_total", C, "Packets that could not be sent.",
	  STREAM "tx-dropped" },
};
const size_t mcu_n_metrics = G_N_ELEMENTS(mcu_metrics);

/* --- text --- */

static void head(GString *out, const char *name, McuMetricType type, const char *help)
{
	g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
			       type == MCU_METRIC_COUNTER ? "counter" : "gauge");
}

static void append_label(GString *labels, const char *name, const char *value)
{
	g_string_append_printf(labels, "%s%s=\"", labels->len ? "," : "", name);
	for (const char *p = value; *p; p++) {
		if (*p == '\\' || *p == '"')
			g_string_append_c(labels, '\\');
		if (*p == '\n')
			g_string_append(labels, "\\n");
		else
			g_string_append_c(labels, *p);
	}
	g_string_append_c(labels, '"');
}

/* One metric while its samples are written. */
typedef struct Series {
	const McuMetric *metric;
	GString *out;
	GHashTable *seen; /* labels: a repeated series would spoil the whole scrape */
} Series;

static bool to_double(GVariant *v, double *ret)
{
	switch (g_variant_classify(v)) {
	case G_VARIANT_CLASS_BOOLEAN:
		*ret = g_variant_get_boolean(v);
		return true;
	case G_VARIANT_CLASS_INT32:
		*ret = g_variant_get_int32(v);
		return true;
	case G_VARIANT_CLASS_UINT32:
		*ret = g_variant_get_uint32(v);
		return true;
	case G_VARIANT_CLASS_INT64:
		*ret = (double)g_variant_get_int64(v);
		return true;
	case G_VARIANT_CLASS_UINT64:
		*ret = (double)g_variant_get_uint64(v);
		return true;
	case G_VARIANT_CLASS_DOUBLE:
		*ret = g_variant_get_double(v);
		return isfinite(*ret);
	default:
		return false;
	}
}

static void sample(Series *s, const char *labels, GVariant *v)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	double d;

	if (!to_double(v, &d) || !g_hash_table_add(s->seen, g_strdup(labels)))
		return;
	if (s->metric->scale != 0)
		d *= s->metric->scale;
	/* counters stay exact up to 2^53 */
	g_ascii_formatd(number, sizeof(number), d == floor(d) ? "%.0f" : "%.9g", d);
	g_string_append_printf(s->out, "%s{%s} %s\n", s->metric->name, labels, number);
}

static void walk(Series *s, GVariant *dict, const char *path, const char *labels);

/* Each entry of a list, told apart by `member`, or by its place where it has none. */
static void walk_list(Series *s, GVariant *list, const char *label, const char *member,
		      const char *rest, const char *labels)
{
	for (gsize i = 0; i < g_variant_n_children(list); i++) {
		g_autoptr(GVariant) entry = g_variant_get_child_value(list, i);
		g_autofree char *place = g_strdup_printf("%" G_GSIZE_FORMAT, i);
		const char *id = place;
		GString *inner = g_string_new(labels);

		if (g_variant_is_of_type(entry, G_VARIANT_TYPE_VARDICT)) {
			guint32 number;

			if (g_variant_lookup(entry, member, "u", &number)) {
				g_free(place);
				id = place = g_strdup_printf("%u", number);
			}
			(void)g_variant_lookup(entry, member, "&s", &id);
			append_label(inner, label, id);
			walk(s, entry, rest, inner->str);
		}
		g_string_free(inner, TRUE);
	}
}

static void walk(Series *s, GVariant *dict, const char *path, const char *labels)
{
	size_t len = strcspn(path, "/");
	g_autofree char *segment = g_strndup(path, len);
	const char *rest = path[len] ? path + len + 1 : NULL;
	char *at = strchr(segment, '@'), *member = at ? strchr(at, '=') : NULL;
	g_autoptr(GVariant) value = NULL;

	if (at)
		*at = '\0';
	if (member)
		*member++ = '\0';
	value = g_variant_lookup_value(dict, segment, NULL);
	if (!value)
		return;
	if (!rest)
		sample(s, labels, value);
	else if (at && g_variant_is_of_type(value, G_VARIANT_TYPE("aa{sv}")))
		walk_list(s, value, at + 1, member, rest, labels);
	else if (!at && g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT))
		walk(s, value, rest, labels);
}

static void of_calls(GString *out, const McuMetric *metric, GHashTable *stats, GList *ids)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Series s = { .metric = metric, .out = out, .seen = seen };

	head(out, metric->name, metric->type, metric->help);
	for (GList *l = ids; l; l = l->next) {
		GVariant *dict = g_hash_table_lookup(stats, l->data);
		GString *labels = g_string_new(NULL);

		append_label(labels, "call", l->data);
		if (g_variant_is_of_type(dict, G_VARIANT_TYPE_VARDICT))
			walk(&s, dict, metric->path, labels->str);
		g_string_free(labels, TRUE);
	}
}

/* --- what the daemon knows itself --- */

static void of_requests(GString *out, const McuHttpCounts *counts)
{
	head(out, "mcu_http_requests_total", C, "HTTP requests answered, by status code.");
	for (unsigned i = 0; i < MCU_HTTP_STATUS_MAX; i++)
		if (counts->by_status[i])
			g_string_append_printf(out,
					       "mcu_http_requests_total{code=\"%u\"} "
					       "%" G_GUINT64_FORMAT "\n",
					       i, counts->by_status[i]);
}

static void of_call_list(GString *out, GVariant *calls)
{
	gsize n = calls ? g_variant_n_children(calls) : 0;

	head(out, "mcu_calls", G, "Calls now.");
	g_string_append_printf(out, "mcu_calls %" G_GSIZE_FORMAT "\n", n);
	head(out, "mcu_participants", G, "Participants of the call.");
	for (gsize i = 0; i < n; i++) {
		g_autoptr(GVariant) call = g_variant_get_child_value(calls, i);
		GString *labels = g_string_new(NULL);
		guint32 participants;
		const char *id;

		if (g_variant_lookup(call, "id", "&s", &id) &&
		    g_variant_lookup(call, "participants", "u", &participants)) {
			append_label(labels, "call", id);
			g_string_append_printf(out, "mcu_participants{%s} %u\n", labels->str,
					       participants);
		}
		g_string_free(labels, TRUE);
	}
}

char *mcu_metrics_text(const McuMetricsInput *in)
{
	GString *out = g_string_new(NULL);
	GList *ids = g_list_sort(g_hash_table_get_keys(in->stats), (GCompareFunc)strcmp);

	head(out, "mcu_info", G, "The version that runs.");
	g_string_append(out, "mcu_info{version=\"" MCU_VERSION "\"} 1\n");
	head(out, "mcu_ready", G, "Whether a further call can be admitted.");
	g_string_append_printf(out, "mcu_ready %d\n", in->ready ? 1 : 0);
	of_requests(out, in->counts);
	head(out, "mcu_http_event_subscribers", G, "Open event WebSockets.");
	g_string_append_printf(out, "mcu_http_event_subscribers %u\n", in->event_subscribers);
	of_call_list(out, in->calls);
	for (size_t i = 0; i < mcu_n_metrics; i++)
		of_calls(out, &mcu_metrics[i], in->stats, ids);
	g_list_free(ids);
	return g_string_free(out, FALSE);
}
