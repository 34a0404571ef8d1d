/* What a worker is told of the configuration, and where recordings go. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/daemon_priv.h"

#define RECORDING_SUFFIX ".mp4"

GVariant *mcu_worker_options(const McuConf *conf, const char *layout, unsigned max_participants)
{
	GVariantDict d;

	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "fps", "u", conf->video.fps);
	g_variant_dict_insert(&d, "width", "u", conf->video.width);
	g_variant_dict_insert(&d, "height", "u", conf->video.height);
	g_variant_dict_insert(&d, "bitrate", "u", conf->video.bitrate_bps);
	g_variant_dict_insert(&d, "encoder", "s", conf->video.encoder);
	g_variant_dict_insert(&d, "preset", "s", conf->video.encoder_preset);
	g_variant_dict_insert(&d, "layout", "s", layout);
	g_variant_dict_insert(&d, "layout-dir", "s", conf->call.layout_dir);
	g_variant_dict_insert(&d, "address", "s", conf->media.address);
	g_variant_dict_insert(&d, "port-min", "u", conf->media.port_min);
	g_variant_dict_insert(&d, "port-max", "u", conf->media.port_max);
	g_variant_dict_insert(&d, "srtp", "s", conf->media.srtp);
	g_variant_dict_insert(&d, "max-participants", "u", max_participants);
	g_variant_dict_insert(&d, "decode-threads", "u", conf->video.decode_threads);
	g_variant_dict_insert(&d, "log-level", "s", mcu_log_level_name(conf->log.level));
	g_variant_dict_insert(&d, "jitter-min", "u", conf->media.jitter_min_ms);
	g_variant_dict_insert(&d, "jitter-max", "u", conf->media.jitter_max_ms);
	g_variant_dict_insert(&d, "media-timeout", "u", conf->media.timeout_s);
	return g_variant_dict_end(&d);
}

char *mcu_time_str(int64_t us)
{
	g_autoptr(GDateTime) t = g_date_time_new_from_unix_utc(us / 1000000);

	return g_date_time_format(t, "%Y-%m-%dT%H:%M:%SZ");
}

char *mcu_recording_path(const McuConf *conf, const char *call)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *date = g_date_time_format(now, "%Y-%m-%d");
	g_autofree char *time = g_date_time_format(now, "%H-%M-%S");
	g_autoptr(GString) name = g_string_new(conf->record.name);
	g_autofree char *path = NULL;

	g_string_replace(name, "{call}", call, 0);
	g_string_replace(name, "{date}", date, 0);
	g_string_replace(name, "{time}", time, 0);
	if (g_str_has_suffix(name->str, RECORDING_SUFFIX))
		g_string_truncate(name, name->len - strlen(RECORDING_SUFFIX));
	path = g_strdup_printf("%s/%s" RECORDING_SUFFIX, conf->record.path, name->str);
	for (unsigned i = 2; g_file_test(path, G_FILE_TEST_EXISTS); i++) {
		g_free(path);
		path = g_strdup_printf("%s/%s-%u" RECORDING_SUFFIX, conf->record.path, name->str,
				       i);
	}
	return g_steal_pointer(&path);
}
