#include "worker/options.h"

#include <string.h>

typedef enum Kind {
	KIND_UINT = 1,
	KIND_STRING,
	KIND_SRTP,
	KIND_LOG_LEVEL,
} Kind;

static const struct Option {
	const char *key;
	Kind kind;
	size_t offset;
	unsigned min, max; /* KIND_UINT */
} table[] = {
#define FIELD(name) offsetof(McuWorkerOptions, name)
	{ "width", KIND_UINT, FIELD(width), 160, 3840 },
	{ "height", KIND_UINT, FIELD(height), 90, 2160 },
	{ "fps", KIND_UINT, FIELD(fps), 1, 60 },
	{ "bitrate", KIND_UINT, FIELD(bitrate_bps), 64000, 50000000 },
	{ "encoder", KIND_STRING, FIELD(encoder), 0, 0 },
	{ "preset", KIND_STRING, FIELD(preset), 0, 0 },
	{ "device", KIND_STRING, FIELD(device), 0, 0 },
	{ "layout", KIND_STRING, FIELD(layout), 0, 0 },
	{ "layout-dir", KIND_STRING, FIELD(layout_dir), 0, 0 },
	{ "address", KIND_STRING, FIELD(address), 0, 0 },
	{ "port-min", KIND_UINT, FIELD(port_min), 1024, 65535 },
	{ "port-max", KIND_UINT, FIELD(port_max), 1024, 65535 },
	{ "srtp", KIND_SRTP, FIELD(srtp), 0, 0 },
	{ "max-participants", KIND_UINT, FIELD(max_participants), 1, 1000 },
	{ "decode-threads", KIND_UINT, FIELD(decode_threads), 0, 256 },
	{ "jitter-min", KIND_UINT, FIELD(jitter_min_ms), 0, 1000 },
	{ "jitter-max", KIND_UINT, FIELD(jitter_max_ms), 20, 2000 },
	{ "media-timeout", KIND_UINT, FIELD(media_timeout_s), 0, 86400 },
	{ "log-level", KIND_LOG_LEVEL, FIELD(log_level), 0, 0 },
#undef FIELD
};

void mcu_worker_options_init(McuWorkerOptions *o)
{
	*o = (McuWorkerOptions){
		.width = 1280,
		.height = 720,
		.fps = 30,
		.bitrate_bps = 1500000,
		.encoder = g_strdup("auto"),
		.preset = g_strdup("fast"),
		.device = g_strdup("soft"),
		.layout = g_strdup("auto"),
		.layout_dir = g_strdup(""),
		.address = g_strdup(""),
		.port_min = 20000,
		.port_max = 29999,
		.srtp = MCU_SDP_SRTP_OPTIONAL,
		.max_participants = 25,
		.jitter_min_ms = 20,
		.jitter_max_ms = 200,
		.media_timeout_s = 30,
		.log_level = MCU_LOG_INFO,
	};
}

void mcu_worker_options_done(McuWorkerOptions *o)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (table[i].kind == KIND_STRING)
			g_clear_pointer((char **)((char *)o + table[i].offset), g_free);
}

static int parse_srtp(const char *name, McuSdpSrtp *ret)
{
	for (unsigned i = MCU_SDP_SRTP_OFF; i <= MCU_SDP_SRTP_REQUIRED; i++) {
		if (strcmp(mcu_sdp_srtp_name((McuSdpSrtp)i), name) == 0) {
			*ret = (McuSdpSrtp)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_uint(const struct Option *opt, void *field, GVariant *value, McuDiag *reterr)
{
	unsigned v;

	if (!g_variant_is_of_type(value, G_VARIANT_TYPE_UINT32))
		return mcu_diag(reterr, -EINVAL, "option %s has type %s, expected u", opt->key,
				g_variant_get_type_string(value));
	v = g_variant_get_uint32(value);
	if (v < opt->min || v > opt->max)
		return mcu_diag(reterr, -EINVAL, "option %s is %u, expected %u to %u", opt->key, v,
				opt->min, opt->max);
	*(unsigned *)field = v;
	return 0;
}

static int set_text(const struct Option *opt, void *field, GVariant *value, McuDiag *reterr)
{
	const char *text;
	int r = 0;

	if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
		return mcu_diag(reterr, -EINVAL, "option %s has type %s, expected s", opt->key,
				g_variant_get_type_string(value));
	text = g_variant_get_string(value, NULL);
	if (opt->kind == KIND_STRING) {
		g_free(*(char **)field);
		*(char **)field = g_strdup(text);
	} else if (opt->kind == KIND_SRTP) {
		r = parse_srtp(text, field);
	} else {
		r = mcu_log_level_parse(text, field);
	}
	return r < 0 ? mcu_diag(reterr, r, "option %s does not know \"%s\"", opt->key, text) : 0;
}

static const struct Option *find(const char *key)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (strcmp(table[i].key, key) == 0)
			return &table[i];
	return NULL;
}

static void copy_strings(McuWorkerOptions *o)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		char **field = (char **)((char *)o + table[i].offset);
		if (table[i].kind == KIND_STRING)
			*field = g_strdup(*field);
	}
}

int mcu_worker_options_update(McuWorkerOptions *o, GVariant *dict, McuDiag *reterr)
{
	g_auto(McuWorkerOptions) next = *o;
	GVariantIter iter;
	const char *key;
	GVariant *value;
	int r = 0;

	copy_strings(&next);
	g_variant_iter_init(&iter, dict);
	while (r >= 0 && g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
		const struct Option *opt = find(key);
		void *field = opt ? (char *)&next + opt->offset : NULL;

		if (!opt)
			r = mcu_diag(reterr, -EINVAL, "unknown option %s", key);
		else if (opt->kind == KIND_UINT)
			r = set_uint(opt, field, value, reterr);
		else
			r = set_text(opt, field, value, reterr);
		g_variant_unref(value);
	}
	if (r >= 0 && (next.width % 2 || next.height % 2))
		r = mcu_diag(reterr, -EINVAL, "canvas is %ux%u, expected even sides", next.width,
			     next.height);
	if (r >= 0 && next.port_min > next.port_max)
		r = mcu_diag(reterr, -EINVAL, "media ports are %u-%u, expected first <= last",
			     next.port_min, next.port_max);
	if (r < 0)
		return r;
	McuWorkerOptions old = *o;
	*o = next;
	next = old; /* freed on return */
	return 0;
}
