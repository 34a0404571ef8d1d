/* Inside http/: the server, one request, the table of routes. Thread: main, for everything. */
#pragma once
#include <libsoup/soup.h>

#include "base/log.h"
#include "http/body.h"
#include "http/metrics.h"
#include "http/server.h"

#define MCU_HTTP_MAX_ARGS 2
#define MCU_MAX_HTTP_ARG  128 /* bytes of one segment of a path */
#define MCU_MAX_HTTP_DISCARD                                                                       \
	(1 << 20)                 /* bytes of a refused body that are read before hanging up       \
				   */
#define MCU_MAX_HTTP_REQUESTS 512 /* waiting for an answer of the daemon; further ones get 503 */

typedef struct McuHttpReq McuHttpReq;
typedef struct McuHttpEvents McuHttpEvents;
typedef struct McuHttpCollect McuHttpCollect;

/* --- routes.c --- */

typedef enum McuRouteFlags {
	MCU_ROUTE_TOKEN = 1 << 0,     /* asks for the token when there is one */
	MCU_ROUTE_WEBSOCKET = 1 << 1, /* upgraded; has no handler */
} McuRouteFlags;

typedef struct McuRoute {
	const char *method;
	const char *path; /* "{…}" = one segment, passed as an argument */
	unsigned flags;
	void (*handle)(McuHttpReq *req);
	const McuBodySchema *body; /* NULL = none is read */
	const char *const *query;  /* parameters it takes */
} McuRoute;

extern const McuRoute mcu_routes[];
extern const size_t mcu_n_routes;

/** The route of a method (HEAD = GET) and an undecoded path. Arguments are decoded; caller frees.
 * Errors: -ENOENT no such path; -ENOTSUP not with this method, then *ret_allow lists those it has.
 */
int mcu_route_find(const char *method, const char *path, const McuRoute **ret,
		   char *ret_args[MCU_HTTP_MAX_ARGS], char **ret_allow) MCU_WARN_UNUSED;

/* --- server.c --- */

struct McuHttpServer {
	McuDaemon *daemon;
	GSocketService *service;
	SoupServer *soup;
	char *token; /* "" = none */
	char *url;
	bool loopback;
	GQueue requests;       /* McuHttpReq waiting for the daemon */
	unsigned *connections; /* shared with the connections, which may outlive the server */
	McuHttpEvents *events;
	McuHttpCollect *collect;
	McuHttpCounts counts;
	McuLogLimit refused_log;
};

/** The socket a message came in on. Borrowed; for a message that has been at the gate. */
GSocket *mcu_http_socket(SoupServerMessage *msg);

/* One request that has passed the gate. Ends with exactly one of the mcu_req_ functions below that
 * answer. */
struct McuHttpReq {
	McuHttpServer *server; /* NULL once the server is gone */
	SoupServerMessage *msg;
	const McuRoute *route;
	char *args[MCU_HTTP_MAX_ARGS];
	GHashTable *query;     /* or NULL; borrowed, only while the handler runs */
	GVariant *body;        /* or NULL */
	unsigned ok_status;    /* when the daemon agrees */
	unsigned limit_status; /* when it says that a limit is reached */
	const char *field;     /* member of the body that it means by -EINVAL, or NULL */
	char *location;        /* header of a success, or NULL */
	bool in_handler;       /* what the handler passed on is still in use */
	bool answered;
	GList link;
};

/* --- request.c --- */

/** Run the handler of a filled request (msg, route, args, query, body). Owns: takes `req`. */
void mcu_req_run(McuHttpServer *s, McuHttpReq *req);

/** The server ends: whatever answer comes is dropped. */
void mcu_req_detach(McuHttpReq *req);

/** Answers. Each gives `req` up; it lives on while its handler runs. */
void mcu_req_answer(McuHttpReq *req, unsigned status, const char *type, void *take, size_t len);
void mcu_req_problem(McuHttpReq *req, unsigned status, const char *detail, const char *field);

/** A McuReplyFn (data = the request): ok_status with the result as JSON, or the error's problem. */
void mcu_req_reply(void *data, int err, const char *text, GVariant *result);

/** The same for ay: image/jpeg. */
void mcu_req_reply_jpeg(void *data, int err, const char *text, GVariant *result);

/** Set a problem document as a message's response. */
void mcu_http_problem(SoupServerMessage *msg, unsigned status, const char *detail,
		      const char *field);

/* --- events.c --- */

McuHttpEvents *mcu_http_events_new(McuDaemon *d, SoupServer *soup, const char *path,
				   McuHttpCounts *counts);
void mcu_http_events_free(McuHttpEvents *ev);
unsigned mcu_http_events_subscribers(const McuHttpEvents *ev);
/** Hang up on every subscriber. */
void mcu_http_events_drop(McuHttpEvents *ev);

/* --- collect.c: the values of /metrics --- */

McuHttpCollect *mcu_http_collect_new(McuHttpServer *server);
/** Those who still wait are called with NULL. */
void mcu_http_collect_free(McuHttpCollect *c);

/** Calls done(data, text) once with the Prometheus text (borrowed); at once when it is younger than
 * a second; text NULL when the collector ends before. */
typedef void (*McuCollectFn)(void *data, const char *text);
void mcu_http_collect(McuHttpCollect *c, McuCollectFn done, void *data);

/* --- assets.c: files that are part of the program --- */

extern const char mcu_asset_openapi[], mcu_asset_openapi_end[];
extern const char mcu_asset_index[], mcu_asset_index_end[];
