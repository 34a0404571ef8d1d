/* Daemon side of the interface in worker.xml: one private D-Bus connection over a socket to one
 * worker. Not here: spawning and restarting (daemon/supervisor.h). Thread: main, for everything.
 *
 *   daemon --request(method, args)--> socket --> worker       signals --> events
 */
#pragma once
#include <glib.h>

#include "base/err.h"

typedef struct McuIpcClient McuIpcClient;

typedef struct McuIpcClientEvents {
	/** The connection is authenticated; requests may be made. */
	void (*ready)(void *data);
	/** Worker1.LegEvent and Worker1.CallEvent. Borrowed. */
	void (*leg_event)(void *data, const char *leg, const char *event, GVariant *detail);
	void (*call_event)(void *data, const char *event, GVariant *detail);
	/** Once; nothing follows but the -EPIPE replies of what was outstanding. */
	void (*closed)(void *data, const char *reason);
} McuIpcClientEvents;

/** err 0: `result` is the tuple of out arguments (borrowed). err < 0: `text` says why.
 *   -EPIPE the worker is gone, -ETIMEDOUT, or the worker's own error (base/err.h). */
typedef void (*McuIpcReplyFn)(void *data, int err, const char *text, GVariant *result);

/** Owns: takes `fd` (a connected stream socket). */
McuIpcClient *mcu_ipc_client_new(int fd, const McuIpcClientEvents *events, void *data);

/** Closes the connection. No events afterwards; outstanding requests are answered with -ECANCELED
 * from the main loop. NULL is allowed. */
void mcu_ipc_client_free(McuIpcClient *c);

/** Call `method` of Worker1. `args`: its tuple of in arguments (floating is sunk), NULL = "()".
 * Requests are delivered in order. `fn` NULL: the result does not matter. Always asynchronous.
 */
void mcu_ipc_client_request(McuIpcClient *c, const char *method, GVariant *args,
			    unsigned timeout_ms, McuIpcReplyFn fn, void *data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuIpcClient, mcu_ipc_client_free)
