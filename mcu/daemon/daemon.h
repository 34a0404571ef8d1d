/* The daemon without its front doors: configuration, call table, events. main.c adds SIP and HTTP;
 * tests add fakes of both. Thread: main.
 */
#pragma once
#include <stdbool.h>

#include "conf/conf.h"
#include "daemon/control.h"
#include "daemon/signal.h"
#include "daemon/supervisor.h"

typedef struct McuDaemonParams {
	McuConf *conf; /* taken */
	McuSpawnFn spawn;
	void *spawn_data;
	const McuSignal *sip; /* how legs of kind "sip" signal */
	void *sip_data;
} McuDaemonParams;

/** Errors: -EINVAL (sip.allow). The configuration is taken in any case. */
int mcu_daemon_new(const McuDaemonParams *params, McuDaemon **ret, McuDiag *reterr) MCU_WARN_UNUSED;

/** Ends what is left without ceremony. NULL is allowed. */
void mcu_daemon_free(McuDaemon *d);

const McuConf *mcu_daemon_conf(const McuDaemon *d);

/** Where SIP comes to life after the daemon: what mcu_daemon_new() was given as sip_data. */
void mcu_daemon_set_sip_data(McuDaemon *d, void *sip_data);

/** Take a reloaded configuration and tell the workers. Errors: -EINVAL; the old one is kept.
 * Owns: takes `conf` in any case. */
int mcu_daemon_reconfigure(McuDaemon *d, McuConf *conf, McuDiag *reterr) MCU_WARN_UNUSED;

/** May this address knock now? 0, -EACCES or -EBUSY. */
int mcu_daemon_admit(McuDaemon *d, const char *peer_address) MCU_WARN_UNUSED;

/* All strings borrowed. */
typedef struct McuIncoming {
	const char *user; /* what was dialled; names the call */
	const char *name;
	const char *uri;
	const char *offer; /* NULL: we offer */
	const char *local_address;
	const char *peer_address;
} McuIncoming;

typedef struct McuRefusal {
	unsigned status; /* SIP status */
	const char *text;
} McuRefusal;

/** Somebody dials in by SIP. 0: the session belongs to a leg now (which is its owner); otherwise
 * the caller hangs up with *ret_refusal: 404, 486 or 503. */
int mcu_daemon_incoming(McuDaemon *d, void *session, const McuIncoming *in,
			McuRefusal *ret_refusal) MCU_WARN_UNUSED;

/** Refuse what is new, end every call; `done` once none is left (at once if none is). */
void mcu_daemon_drain(McuDaemon *d, void (*done)(void *data), void *data);

/** Kill the workers that are still there: they had their time. */
void mcu_daemon_kill(McuDaemon *d);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuDaemon, mcu_daemon_free)
