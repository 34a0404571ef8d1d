/* Configuration: config/mcu.yaml -> one table of options (options.c) -> this immutable struct.
 * Each field's default, unit, range and meaning stand in the table only; config/mcu.yaml is
 * generated from it.
 *
 * A loaded McuConf is consistent: addresses, CIDRs, port range and names were checked, strings are
 * never NULL, lists are NULL-terminated, and http.listen is on loopback unless there is a token.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

#define MCU_MAX_CONF_BYTES (256 * 1024) /* of a configuration file */
#define MCU_MAX_CONF_LIST  256          /* entries of one list */
#define MCU_MAX_CONF_TEXT  1024         /* bytes of one value */

typedef struct McuConfUser {
	char *name;
	char *password;
} McuConfUser;

typedef struct McuConf {
	struct {
		char *listen; /* "127.0.0.1:8080" */
		char *token;  /* "" = none: loopback only */
	} http;
	struct {
		char **listen; /* "udp:0.0.0.0:5060", "tcp:…" ; NULL-terminated */
		char *domain;
		McuConfUser *users; /* n_users; 0 = no digest asked */
		size_t n_users;
		char **allow;                    /* CIDR; empty = all */
		char *proxy;                     /* outbound proxy URI, "" = none */
		char *auth_user, *auth_password; /* as a client, for outbound dialling */
		unsigned session_expires_s;      /* 0 = session timers off */
	} sip;
	struct {
		char *address;               /* "" = the address signalling came in on */
		unsigned port_min, port_max; /* "media.ports: 20000-29999" */
		char *srtp;                  /* off | optional | required */
		unsigned jitter_min_ms, jitter_max_ms;
		unsigned timeout_s; /* a leg without media is ended after this; 0 = never */
	} media;
	struct {
		unsigned width, height; /* "video.size: 1280x720" */
		unsigned fps;
		unsigned bitrate_bps;
		char *encoder;           /* auto | openh264 | x264 */
		char *encoder_preset;    /* fastest | fast | medium */
		unsigned decode_threads; /* 0 = number of cores */
	} video;
	struct {
		bool auto_create;
		unsigned max_participants;
		char *layout;
		char *layout_dir;
		unsigned empty_timeout_s; /* after the last participant left; 0 = never */
	} call;
	struct {
		char *path; /* directory */
		char *name; /* pattern: {call} {date} {time}; without suffix, ".mp4" is appended */
		bool auto_start; /* "record.auto" */
	} record;
	struct {
		unsigned calls;
	} limits;
	struct {
		McuLogLevel level;
	} log;
	struct {
		char *path; /* program; "" = beside mcud */
	} worker;
} McuConf;

/** Read and validate a file. Errors: -ENOENT, -EINVAL with file, line, column, what was found and
 * what was expected; nothing is returned on error.  Owns: caller.  Thread: any.
 */
int mcu_conf_load(const char *path, McuConf **ret, McuDiag *reterr) MCU_WARN_UNUSED;

/** The same from memory; `where` names it in errors. */
int mcu_conf_parse(const char *text, size_t len, const char *where, McuConf **ret,
		   McuDiag *reterr) MCU_WARN_UNUSED;

/** All defaults. */
McuConf *mcu_conf_new(void);
void mcu_conf_free(McuConf *conf);

/** config/mcu.yaml: every option with default, unit and meaning. Owns: caller. */
char *mcu_conf_write_defaults(void);

/** Split a "udp:0.0.0.0:5060" or "tcp:[::]:5060" of sip.listen, or (with ret_tcp NULL) a
 * "127.0.0.1:8080" of http.listen. `ret_host` comes without brackets; caller frees it.
 * Errors: -EINVAL. Thread: any.
 */
int mcu_conf_split_listen(const char *text, bool *ret_tcp, char **ret_host, unsigned *ret_port,
			  McuDiag *reterr) MCU_WARN_UNUSED;

/** Whether `host` is an address literal on loopback. Thread: any. */
bool mcu_conf_is_loopback(const char *host);

/** Names ("sip.listen") of options that differ and only take effect at a restart; NULL-terminated.
 * Owns: caller (g_strfreev). */
char **mcu_conf_needs_restart(const McuConf *old_conf, const McuConf *new_conf);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuConf, mcu_conf_free)
