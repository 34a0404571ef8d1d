/* The HTTP front door: REST API under /api/v1, event WebSocket, metrics, health. Everything it can
 * do to a call goes through daemon/control.h.
 *
 *   client --HTTP--> gate (host, token, size) --> route --> handler --> mcu_control_*()
 *          <-JSON--                                              reply <-/
 */
#pragma once
#include <glib.h>

#include "base/err.h"
#include "conf/conf.h"
#include "daemon/control.h"

#define MCU_MAX_HTTP_BODY        (64 * 1024) /* bytes of a request body */
#define MCU_MAX_HTTP_CONNECTIONS 256         /* further ones are closed at once */
#define MCU_MAX_HTTP_SUBSCRIBERS 64          /* event WebSockets; further ones get 503 */
#define MCU_MAX_HTTP_BACKLOG     (256 * 1024) /* bytes unsent to one subscriber before it is closed */
#define MCU_HTTP_IDLE_S          60 /* a connection without traffic is closed after this */

typedef struct McuHttpServer McuHttpServer;

/** Listen on conf->http.listen (port 0 = any) and serve on the default main context.
 * Owns: caller; borrows `d` until _free(); copies what it needs of `conf`.   Thread: main.
 * Errors: -EINVAL bad address, -EIO cannot listen (in use, not permitted).
 */
int mcu_http_server_new(McuDaemon *d, const McuConf *conf, McuHttpServer **ret,
			McuDiag *reterr) MCU_WARN_UNUSED;

/** Close every connection. Replies of verbs still under way are dropped when they come, so the
 * daemon may end after the server does. NULL is allowed. Thread: main.
 */
void mcu_http_server_free(McuHttpServer *s);

/** Take over what may change while running: the token. When it changes, subscribers are hung up on.
 * Thread: main. */
void mcu_http_server_reload(McuHttpServer *s, const McuConf *conf);

/** "http://127.0.0.1:8080/": where it really listens. Borrowed. */
const char *mcu_http_server_url(const McuHttpServer *s);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuHttpServer, mcu_http_server_free)
