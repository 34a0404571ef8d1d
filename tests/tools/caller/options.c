#include "options.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "camera.h"
#include "voice.h"

#define SUMMARY                                                                                    \
	"Synthetic SIP caller: sends a marked moving picture and a tone, and reports whom it "     \
	"saw\n"                                                                                    \
	"and heard. Exit status: 0 the call was up and ended as asked, 1 refused, 2 usage,\n"      \
	"3 no media."

/* What cannot be a plain string or number. */
typedef struct Raw {
	McuCallerOptions *o;
	char *talk, *avpf;
} Raw;

static gboolean parse_srtp(const char *option, const char *value, gpointer data, GError **error)
{
	McuSdpCaps *caps = &((Raw *)data)->o->caps;
	McuSrtpSuite suite = value ? mcu_srtp_suite_from_name(value) : 0;

	caps->srtp = MCU_SDP_SRTP_REQUIRED;
	if (!value)
		return TRUE;
	if (g_str_equal(value, "off")) {
		caps->srtp = MCU_SDP_SRTP_OFF;
	} else if (g_str_equal(value, "optional")) {
		caps->srtp = MCU_SDP_SRTP_OPTIONAL;
	} else if (suite) {
		caps->suites[0] = suite;
		caps->n_suites = 1;
	} else {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			    "%s=%s: expected off, optional or the name of a suite", option, value);
		return FALSE;
	}
	return TRUE;
}

static gboolean parse_codecs(McuCallerOptions *o)
{
	g_auto(GStrv) names = g_strsplit(o->audio_codecs, ",", MCU_SDP_MAX_CODECS);

	o->caps.n_audio = o->caps.n_video = 0;
	for (int i = 0; names[i] && !g_str_equal(names[i], "none"); i++) {
		McuCodec codec = mcu_codec_from_name(names[i]);

		if (!codec || !mcu_codec_is_audio(codec)) {
			fprintf(stderr,
				"--audio-codec %s: expected opus, G722, PCMU, PCMA or none\n",
				names[i]);
			return FALSE;
		}
		o->caps.audio[o->caps.n_audio++] = codec;
	}
	if (g_ascii_strcasecmp(o->video_codec, "none") == 0)
		return TRUE;
	if (mcu_codec_from_name(o->video_codec) != MCU_CODEC_H264) {
		fprintf(stderr, "--video-codec %s: expected H264 or none\n", o->video_codec);
		return FALSE;
	}
	o->caps.video[o->caps.n_video++] = MCU_CODEC_H264;
	return TRUE;
}

static gboolean parse_video(McuCallerOptions *o)
{
	int end = 0;

	if (g_str_equal(o->video, "none"))
		return TRUE;
	if (sscanf(o->video, "%dx%d@%d%n", &o->width, &o->height, &o->fps, &end) == 3 &&
	    !o->video[end] && mcu_camera_size_ok(o->width, o->height, o->fps))
		return TRUE;
	o->width = o->height = o->fps = 0;
	if (!g_file_test(o->video, G_FILE_TEST_IS_REGULAR)) {
		fprintf(stderr,
			"--video %s: expected none, a video file, or WIDTHxHEIGHT@FPS (even, from "
			"160x90@1 to 1920x1080@60)\n",
			o->video);
		return FALSE;
	}
	o->video_file = o->video;
	return TRUE;
}

static gboolean check(McuCallerOptions *o)
{
	if (o->analyse)
		return TRUE;
	if (!o->to == !(o->answer || o->refuse)) {
		fprintf(stderr, "expected --to URI, or --answer to wait for a call\n");
		return FALSE;
	}
	if (o->mark < 0 || o->mark > 255) {
		fprintf(stderr, "--mark %d: expected 0 (none) to 255\n", o->mark);
		return FALSE;
	}
	if (o->tone_hz && (o->tone_hz < 100 || o->tone_hz > 3400)) {
		fprintf(stderr, "--tone %d: expected 0 (silent) or 100 to 3400 Hz\n", o->tone_hz);
		return FALSE;
	}
	if (!g_str_equal(o->transport, "udp") && !g_str_equal(o->transport, "tcp")) {
		fprintf(stderr, "--transport %s: expected udp or tcp\n", o->transport);
		return FALSE;
	}
	return TRUE;
}

/* GOption would leak strings that were there before it. */
static void default_strings(McuCallerOptions *o)
{
	char **where[] = { &o->name, &o->video, &o->audio_codecs, &o->video_codec, &o->transport };
	static const char *const text[] = { "Caller", "640x360@30", "opus,G722,PCMA,PCMU", "H264",
					    "udp" };

	for (size_t i = 0; i < G_N_ELEMENTS(where); i++)
		if (!*where[i])
			*where[i] = g_strdup(text[i]);
}

/* max-fs can only widen what the level takes: the highest level that does not exceed it. */
static void limit_size(McuCallerOptions *o)
{
	static const uint8_t levels[] = { 10, 13, 21, 22, 31 };

	for (size_t i = 0; o->max_fs > 0 && i < G_N_ELEMENTS(levels); i++) {
		unsigned fs, mbps, br;

		mcu_sdp_h264_level(66, 0, levels[i], &fs, &mbps, &br);
		if (i > 0 && fs > (unsigned)o->max_fs)
			break;
		o->caps.h264.level_idc = levels[i];
		o->caps.h264.max_fs = (unsigned)o->max_fs;
		o->caps.h264.max_mbps = MAX(mbps, (unsigned)o->max_fs * 30);
	}
}

static gboolean finish(Raw *raw)
{
	McuCallerOptions *o = raw->o;

	default_strings(o);

	if (raw->talk && (sscanf(raw->talk, "%lf:%lf", &o->talk_on_s, &o->talk_off_s) != 2 ||
			  o->talk_on_s <= 0 || o->talk_off_s < 0)) {
		fprintf(stderr, "--talk %s: expected SECONDS:SECONDS of tone and silence\n",
			raw->talk);
		return FALSE;
	}
	if (raw->avpf && !g_str_equal(raw->avpf, "on") && !g_str_equal(raw->avpf, "off")) {
		fprintf(stderr, "--avpf %s: expected on or off\n", raw->avpf);
		return FALSE;
	}
	o->caps.avpf = raw->avpf && g_str_equal(raw->avpf, "on");
	o->caps.rtcp_mux = !o->no_rtcp_mux;
	o->caps.h264.mode0 = true;
	o->caps.h264.mode1 = !o->mode0;
	limit_size(o);
	o->caps.session_id = (uint64_t)g_random_int() << 16 | g_random_int_range(0, 65536);
	o->loss_in = MAX(o->loss_in, o->loss);
	o->loss_out = MAX(o->loss_out, o->loss);
	return check(o) && parse_codecs(o) && parse_video(o);
}

static void defaults(McuCallerOptions *o)
{
	*o = (McuCallerOptions){ .mark = 1, .tone_hz = 400, .analyse_fps = 10, .duration_s = 10 };
	mcu_sdp_caps_init(&o->caps);
	o->caps.srtp = MCU_SDP_SRTP_OFF;
	o->bitrate_bps = 500000;
}

static void add_signalling(GOptionGroup *group, McuCallerOptions *o)
{
	const GOptionEntry entries[] = {
		{ "to", 0, 0, G_OPTION_ARG_STRING, &o->to, "Whom to call", "URI" },
		{ "answer", 0, 0, G_OPTION_ARG_NONE, &o->answer, "Wait for a call and take it",
		  NULL },
		{ "refuse", 0, 0, G_OPTION_ARG_INT, &o->refuse, "Wait for a call and refuse it",
		  "STATUS" },
		{ "listen", 0, 0, G_OPTION_ARG_STRING, &o->listen,
		  "Signalling address; port 0 = any (printed)", "ADDRESS:PORT" },
		{ "transport", 0, 0, G_OPTION_ARG_STRING, &o->transport, "Of signalling",
		  "udp|tcp" },
		{ "name", 0, 0, G_OPTION_ARG_STRING, &o->name, "Display name", "TEXT" },
		{ "from", 0, 0, G_OPTION_ARG_STRING, &o->from, "Own address", "URI" },
		{ "user", 0, 0, G_OPTION_ARG_STRING, &o->user, "For digest authentication",
		  "NAME" },
		{ "password", 0, 0, G_OPTION_ARG_STRING, &o->password, "For digest authentication",
		  "TEXT" },
		{ "duration", 0, 0, G_OPTION_ARG_DOUBLE, &o->duration_s,
		  "Hang up after so long in the call; 0 = never", "S" },
		{ "no-offer", 0, 0, G_OPTION_ARG_NONE, &o->no_offer, "INVITE without SDP", NULL },
		{ "hold-at", 0, 0, G_OPTION_ARG_DOUBLE, &o->hold_at_s, "Hold the call", "S" },
		{ "hold-for", 0, 0, G_OPTION_ARG_DOUBLE, &o->hold_for_s, "Resume after", "S" },
		{ "vanish-at", 0, 0, G_OPTION_ARG_DOUBLE, &o->vanish_at_s, "Stop dead, without BYE",
		  "S" },
		{ NULL },
	};

	g_option_group_add_entries(group, entries);
}

static void add_sending(GOptionGroup *group, McuCallerOptions *o, Raw *raw)
{
	const GOptionEntry entries[] = {
		{ "mark", 0, 0, G_OPTION_ARG_INT, &o->mark, "Id in the picture", "1..255" },
		{ "tone", 0, 0, G_OPTION_ARG_INT, &o->tone_hz,
		  "Voice; 300, 400, … 3300 can be heard by others", "HZ" },
		{ "talk", 0, 0, G_OPTION_ARG_STRING, &raw->talk, "Talk in turns", "ON:OFF" },
		{ "dtmf", 0, 0, G_OPTION_ARG_STRING, &o->dtmf, "Keys to press once up", "KEYS" },
		{ "video", 0, 0, G_OPTION_ARG_STRING, &o->video, "What to send",
		  "none|WxH@FPS|FILE" },
		{ "send-bitrate", 0, 0, G_OPTION_ARG_INT, &o->bitrate_bps, "Of video", "BIT/S" },
		{ NULL },
	};

	g_option_group_add_entries(group, entries);
}

static void add_line(GOptionGroup *group, McuCallerOptions *o, Raw *raw)
{
	const GOptionEntry entries[] = {
		{ "audio-codec", 0, 0, G_OPTION_ARG_STRING, &o->audio_codecs, "Best first",
		  "C[,C…]|none" },
		{ "video-codec", 0, 0, G_OPTION_ARG_STRING, &o->video_codec, NULL, "C|none" },
		{ "mode0", 0, 0, G_OPTION_ARG_NONE, &o->mode0, "H.264 packetization-mode 0 only",
		  NULL },
		{ "max-fs", 0, 0, G_OPTION_ARG_INT, &o->max_fs, "H.264 max-fs received",
		  "MACROBLOCKS" },
		{ "srtp", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, (void *)parse_srtp,
		  "Require SRTP, or as said", "off|optional|SUITE" },
		{ "no-rtcp-mux", 0, 0, G_OPTION_ARG_NONE, &o->no_rtcp_mux, NULL, NULL },
		{ "rtcp-mux", 0, G_OPTION_FLAG_REVERSE, G_OPTION_ARG_NONE, &o->no_rtcp_mux,
		  "Offer a=rtcp-mux (default)", NULL },
		{ "avpf", 0, 0, G_OPTION_ARG_STRING, &raw->avpf, "Profile offered", "on|off" },
		{ "loss", 0, 0, G_OPTION_ARG_DOUBLE, &o->loss, "Of RTP, both ways", "PERCENT" },
		{ "loss-in", 0, 0, G_OPTION_ARG_DOUBLE, &o->loss_in, NULL, "PERCENT" },
		{ "loss-out", 0, 0, G_OPTION_ARG_DOUBLE, &o->loss_out, NULL, "PERCENT" },
		{ "reorder", 0, 0, G_OPTION_ARG_DOUBLE, &o->reorder, "Of RTP, both ways",
		  "PERCENT" },
		{ NULL },
	};

	g_option_group_add_entries(group, entries);
}

static void add_output(GOptionGroup *group, McuCallerOptions *o)
{
	const GOptionEntry entries[] = {
		{ "analyse-fps", 0, 0, G_OPTION_ARG_DOUBLE, &o->analyse_fps,
		  "Searches for marks a second; 0 = every picture", "N" },
		{ "report", 0, 0, G_OPTION_ARG_FILENAME, &o->report, "Written at the end",
		  "FILE.json" },
		{ "recv-dump", 0, 0, G_OPTION_ARG_FILENAME, &o->recv_dump,
		  "Received video, H.264 Annex B", "FILE" },
		{ "snapshot", 0, 0, G_OPTION_ARG_FILENAME, &o->snapshot, "Last received picture",
		  "FILE.png" },
		{ "analyse", 0, 0, G_OPTION_ARG_FILENAME, &o->analyse,
		  "No call: report on a media file", "FILE" },
		{ "events", 0, 0, G_OPTION_ARG_NONE, &o->events, "Print what happens as JSON lines",
		  NULL },
		{ "quiet", 0, 0, G_OPTION_ARG_NONE, &o->quiet, "Print errors only", NULL },
		{ NULL },
	};

	g_option_group_add_entries(group, entries);
}

int mcu_caller_options_parse(char **argv, McuCallerOptions *ret)
{
	g_auto(GStrv) words = g_strdupv(argv);
	McuCallerOptions *o = ret;
	Raw raw = { .o = ret };
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	GOptionGroup *group = g_option_group_new("caller", "", "", &raw, NULL);
	g_autoptr(GError) error = NULL;
	gboolean ok;

	defaults(o);
	add_signalling(group, o);
	add_sending(group, o, &raw);
	add_line(group, o, &raw);
	add_output(group, o);
	g_option_context_set_main_group(context, group);
	g_option_context_set_summary(context, SUMMARY);
	setlocale(LC_CTYPE, "C.UTF-8"); /* GOption converts from the locale */
	ok = g_option_context_parse_strv(context, &words, &error);
	if (!ok)
		fprintf(stderr, "%s\n", error->message);
	else if (words[0] && words[1])
		ok = (fprintf(stderr, "unexpected argument %s\n", words[1]), FALSE);
	else
		ok = finish(&raw);
	g_free(raw.talk);
	g_free(raw.avpf);
	return ok ? 0 : -EINVAL;
}

void mcu_caller_options_done(McuCallerOptions *o)
{
	char *strings[] = { o->to,     o->name,      o->from,     o->user,    o->password,
			    o->listen, o->transport, o->video,    o->dtmf,    o->audio_codecs,
			    o->report, o->recv_dump, o->snapshot, o->analyse, o->video_codec };

	for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
		g_free(strings[i]);
}
