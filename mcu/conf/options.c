/* The table of options: the only place that knows keys, defaults, ranges and meanings. */
#include <stddef.h>

#include "conf/conf_priv.h"

#define AT(field) offsetof(McuConf, field)

static const char *const srtp_values[] = { "off", "optional", "required", NULL };
static const char *const encoder_values[] = { "auto", "openh264", "x264", NULL };
static const char *const preset_values[] = { "fastest", "fast", "medium", NULL };
static const char *const level_values[] = { "error", "warning", "info", "debug", NULL };

const McuOption mcu_conf_options[] = {
	/* http */
	{ "http.listen", MCU_OPT_TEXT, MCU_OPT_AT_RESTART, "127.0.0.1:8080", .at = AT(http.listen),
	  .expect = "ADDRESS:PORT, an IPv6 address in brackets", .check = mcu_check_http_listen,
	  .meaning = "Where the REST API, events and metrics are served. An address other than "
		     "loopback requires http.token." },
	{ "http.token", MCU_OPT_TEXT, MCU_OPT_AT_RELOAD, "", .at = AT(http.token),
	  .may_be_empty = true, .secret = true, .check = mcu_check_token,
	  .expect = "8 to 256 visible ASCII characters, or nothing",
	  .meaning = "Bearer token every API client must present. Empty: no token is asked, and "
		     "only requests from this machine are served." },
	/* sip */
	{ "sip.listen", MCU_OPT_LIST, MCU_OPT_AT_RESTART, "udp:0.0.0.0:5060 tcp:0.0.0.0:5060",
	  .at = AT(sip.listen), .check = mcu_check_sip_listen,
	  .expect = "udp:ADDRESS:PORT or tcp:ADDRESS:PORT, an IPv6 address in brackets",
	  .meaning = "Where SIP is spoken." },
	{ "sip.domain", MCU_OPT_TEXT, MCU_OPT_AT_RESTART, "", .at = AT(sip.domain),
	  .may_be_empty = true, .check = mcu_check_host, .expect = "a host name or address",
	  .meaning = "Our domain: the realm of digest authentication and the host part of our own "
		     "address. Empty: the address a request came in on." },
	{ "sip.users", MCU_OPT_USERS, MCU_OPT_AT_RELOAD, "", .at = AT(sip.users),
	  .at2 = AT(sip.n_users), .expect = "a mapping of name and password", .secret = true,
	  .meaning = "Who may call, by digest authentication. Empty: no digest is asked." },
	{ "sip.allow", MCU_OPT_LIST, MCU_OPT_AT_RELOAD, "", .at = AT(sip.allow),
	  .may_be_empty = true, .check = mcu_check_cidr,
	  .expect = "an address or a network as ADDRESS/BITS",
	  .meaning = "Addresses that may call. Empty: all." },
	{ "sip.proxy", MCU_OPT_TEXT, MCU_OPT_AT_RELOAD, "", .at = AT(sip.proxy),
	  .may_be_empty = true, .check = mcu_check_sip_uri, .expect = "a SIP URI as sip:HOST",
	  .meaning = "Outbound proxy for calls that are dialled from here. Empty: none." },
	{ "sip.auth_user", MCU_OPT_TEXT, MCU_OPT_AT_RELOAD, "", .at = AT(sip.auth_user),
	  .may_be_empty = true, .check = mcu_check_path, .expect = "a user name",
	  .meaning = "User name for proxies and peers that ask us for digest authentication." },
	{ "sip.auth_password", MCU_OPT_TEXT, MCU_OPT_AT_RELOAD, "", .at = AT(sip.auth_password),
	  .may_be_empty = true, .secret = true, .check = mcu_check_path, .expect = "a password",
	  .meaning = "Password that goes with sip.auth_user." },
	{ "sip.session_expires", MCU_OPT_UINT, MCU_OPT_AT_RELOAD, "1800", "seconds; 0 = off", 0,
	  86400, .at = AT(sip.session_expires_s),
	  .meaning =
		  "Session timer (RFC 4028): a call whose peer vanished is noticed after this." },
	/* media */
	{ "media.address", MCU_OPT_TEXT, MCU_OPT_NEW_CALLS, "", .at = AT(media.address),
	  .may_be_empty = true, .check = mcu_check_address, .expect = "an IPv4 or IPv6 address",
	  .meaning = "Address for RTP, bound and offered in SDP. Empty: the one that signalling "
		     "came in on." },
	{ "media.ports", MCU_OPT_PORTS, MCU_OPT_NEW_CALLS, "20000-29999", NULL, 1024, 65535,
	  .at = AT(media.port_min), .at2 = AT(media.port_max),
	  .meaning = "UDP ports for RTP and RTCP; two or four for each participant." },
	{ "media.srtp", MCU_OPT_ENUM, MCU_OPT_NEW_CALLS, "optional", .values = srtp_values,
	  .at = AT(media.srtp),
	  .meaning = "Encryption of media. optional: used whenever the peer offers it; required: "
		     "calls without it are refused." },
	{ "media.jitter_min", MCU_OPT_UINT, MCU_OPT_NEW_CALLS, "20", "milliseconds", 0, 1000,
	  .at = AT(media.jitter_min_ms), .meaning = "Least delay of the audio jitter buffer." },
	{ "media.jitter_max", MCU_OPT_UINT, MCU_OPT_NEW_CALLS, "200", "milliseconds", 20, 2000,
	  .at = AT(media.jitter_max_ms), .meaning = "Most delay of the audio jitter buffer." },
	{ "media.timeout", MCU_OPT_UINT, MCU_OPT_NEW_CALLS, "30", "seconds; 0 = never", 0, 3600,
	  .at = AT(media.timeout_s),
	  .meaning = "A participant that sends nothing for this long is disconnected." },
	/* video */
	{ "video.size", MCU_OPT_SIZE, MCU_OPT_NEW_CALLS, "1280x720", .at = AT(video.width),
	  .at2 = AT(video.height), .meaning = "Size of the composed picture." },
	{ "video.fps", MCU_OPT_UINT, MCU_OPT_NEW_CALLS, "30", "frames/s", 1, 60,
	  .at = AT(video.fps), .meaning = "Frame rate of the composed picture." },
	{ "video.bitrate", MCU_OPT_BITRATE, MCU_OPT_AT_RELOAD, "1500000", "bit/s", 64000, 50000000,
	  .at = AT(video.bitrate_bps), .meaning = "Bit rate of the composed picture." },
	{ "video.encoder", MCU_OPT_ENUM, MCU_OPT_NEW_CALLS, "auto", .values = encoder_values,
	  .at = AT(video.encoder),
	  .meaning = "H.264 encoder. auto: the one that fits the preset best." },
	{ "video.encoder_preset", MCU_OPT_ENUM, MCU_OPT_NEW_CALLS, "fast", .values = preset_values,
	  .at = AT(video.encoder_preset),
	  .meaning = "Quality for CPU: medium looks best at a given bit rate, fastest costs "
		     "least." },
	{ "video.decode_threads", MCU_OPT_UINT, MCU_OPT_NEW_CALLS, "0",
	  "threads; 0 = as many as cores", 0, 256, .at = AT(video.decode_threads),
	  .meaning = "Threads of one call that decode video." },
	/* call */
	{ "call.auto_create", MCU_OPT_BOOL, MCU_OPT_AT_RELOAD, "true", .at = AT(call.auto_create),
	  .meaning = "Dialling sip:NAME@here creates the call NAME. false: only calls that were "
		     "created over the API can be dialled." },
	{ "call.max_participants", MCU_OPT_UINT, MCU_OPT_NEW_CALLS, "25", "participants", 1, 200,
	  .at = AT(call.max_participants),
	  .meaning = "Participants of one call; further ones are told that it is busy." },
	{ "call.layout", MCU_OPT_TEXT, MCU_OPT_NEW_CALLS, "auto", .at = AT(call.layout),
	  .check = mcu_check_name, .expect = "the name of a layout",
	  .meaning = "Layout of a new call: auto, grid, speaker, 1+5, 1+7, pip, single, or one of "
		     "your own." },
	{ "call.layout_dir", MCU_OPT_TEXT, MCU_OPT_NEW_CALLS, "", .at = AT(call.layout_dir),
	  .may_be_empty = true, .check = mcu_check_path, .expect = "a directory",
	  .meaning = "Directory of layout files (NAME.yaml). Empty: /etc/tessera/layouts, then "
		     "config/layouts." },
	{ "call.empty_timeout", MCU_OPT_UINT, MCU_OPT_AT_RELOAD, "10", "seconds; 0 = never", 0,
	  86400, .at = AT(call.empty_timeout_s),
	  .meaning = "A call ends this long after its last participant left." },
	/* record */
	{ "record.path", MCU_OPT_TEXT, MCU_OPT_AT_RELOAD, "/var/lib/tessera/recordings",
	  .at = AT(record.path), .check = mcu_check_path, .expect = "a directory",
	  .meaning = "Directory of recordings." },
	{ "record.name", MCU_OPT_TEXT, MCU_OPT_AT_RELOAD, "{call}-{date}-{time}",
	  .at = AT(record.name), .check = mcu_check_record_name,
	  .expect = "a file name, in which {call}, {date} and {time} are replaced",
	  .meaning = "File name of a recording; .mp4 is appended." },
	{ "record.auto", MCU_OPT_BOOL, MCU_OPT_NEW_CALLS, "false", .at = AT(record.auto_start),
	  .meaning = "Record every call from its first participant on." },
	/* limits */
	{ "limits.calls", MCU_OPT_UINT, MCU_OPT_AT_RELOAD, "16", "calls", 1, 1000,
	  .at = AT(limits.calls), .meaning = "Calls at the same time; further ones are refused." },
	/* log */
	{ "log.level", MCU_OPT_LEVEL, MCU_OPT_AT_RELOAD, "info", .values = level_values,
	  .at = AT(log.level), .meaning = "Least severity that is logged." },
	/* worker */
	{ "worker.path", MCU_OPT_TEXT, MCU_OPT_AT_RESTART, "", .at = AT(worker.path),
	  .may_be_empty = true, .check = mcu_check_path, .expect = "a program",
	  .meaning = "The media worker. Empty: mcu-worker beside mcud." },
};

const size_t mcu_conf_n_options = G_N_ELEMENTS(mcu_conf_options);
