/* One mcu-worker process: spawned with a socket, watched, stopped. Restarting is the call's
 * decision (call_fsm.h). Thread: main.
 *
 *   spawn --> connect --> Start --> started ... lost (exit, closed socket, no answers)
 */
#pragma once
#include <gio/gio.h>

#include "base/err.h"

/** Time-outs of requests, by what the worker may have to do for them. */
#define MCU_SIGNALLING_TIMEOUT_MS 2000
#define MCU_START_TIMEOUT_MS      5000
#define MCU_RECORDING_TIMEOUT_MS  10000
#define MCU_SNAPSHOT_TIMEOUT_MS   5000
/** A worker that leaves this many requests in a row unanswered is killed … */
#define MCU_WORKER_MAX_TIMEOUTS 3
/** … and it is asked for its statistics this often, so that one that hangs is noticed. */
#define MCU_WORKER_HEALTH_MS 5000

typedef struct McuWorkerProc McuWorkerProc;

/** Start the worker of `call` with `fd` as its end of the socket (taken in any case).
 * *ret_process may stay NULL when it is no process of its own. */
typedef int (*McuSpawnFn)(void *data, const char *call, int fd, GSubprocess **ret_process,
			  McuDiag *reterr);

typedef struct McuWorkerProcEvents {
	/** Start has been answered. */
	void (*started)(void *data);
	/** Once; `err` as of Start where it was refused. The object may be freed from here. */
	void (*lost)(void *data, int err, const char *reason);
	void (*leg_event)(void *data, const char *leg, const char *event, GVariant *detail);
	void (*call_event)(void *data, const char *event, GVariant *detail);
} McuWorkerProcEvents;

typedef struct McuWorkerProcParams {
	const char *call;
	GVariant *options; /* of Start; floating is sunk */
	McuSpawnFn spawn;
	void *spawn_data;
	const McuWorkerProcEvents *events;
	void *data;
} McuWorkerProcParams;

/** err as documented in ipc/client.h. Called exactly once, from the main loop; -ECANCELED when the
 * object was freed before. */
typedef void (*McuWorkerReplyFn)(void *data, int err, const char *text, GVariant *result);

/** Errors: -EIO it cannot be spawned. */
int mcu_worker_proc_new(const McuWorkerProcParams *params, McuWorkerProc **ret,
			McuDiag *reterr) MCU_WARN_UNUSED;

/** Closes the socket and makes sure that the process ends. No events follow. */
void mcu_worker_proc_free(McuWorkerProc *w);

/** End the process at once; `lost` follows. */
void mcu_worker_proc_kill(McuWorkerProc *w);

/** Legal once started; before, the reply is -EPIPE. Always asynchronous. `args` as
 * mcu_ipc_client_request(). */
void mcu_worker_proc_request(McuWorkerProc *w, const char *method, GVariant *args,
			     unsigned timeout_ms, McuWorkerReplyFn fn, void *data);

/** The program `path` ("" = mcu-worker beside this program) as a McuSpawnFn; data: the path. */
int mcu_worker_spawn_program(void *path, const char *call, int fd, GSubprocess **ret_process,
			     McuDiag *reterr);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuWorkerProc, mcu_worker_proc_free)
