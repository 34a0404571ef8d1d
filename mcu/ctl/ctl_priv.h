/* Inside ctl/: one run, the table of commands, requests, tables of text. */
#pragma once
#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "ctl/ctl.h"

#define MCU_CTL_MAX_ARGS 3

typedef enum McuCtlOpt {
	MCU_CTL_URL = 0,
	MCU_CTL_TOKEN,
	MCU_CTL_JSON,
	MCU_CTL_HELP,
	MCU_CTL_VERSION,
	MCU_CTL_LAYOUT,
	MCU_CTL_RECORD,
	MCU_CTL_FOCUS,
	MCU_CTL_NAME,
	MCU_CTL_WIDTH,
	MCU_CTL_HEIGHT,
	MCU_CTL_ONCE,
	MCU_CTL_COUNT,
	MCU_CTL_N_OPTS,
} McuCtlOpt;

typedef struct McuCtl {
	FILE *out, *err;
	const char *opts[MCU_CTL_N_OPTS];   /* NULL = not given; "" for one without a value */
	const char *args[MCU_CTL_MAX_ARGS]; /* what follows the command */
	unsigned n_args;
	const char *url, *token; /* token NULL = none */
	struct _SoupSession *session;
} McuCtl;

typedef struct McuCtlCommand {
	const char *name;
	const char *usage; /* arguments and options */
	const char *help;
	unsigned min_args, max_args;
	unsigned opts; /* bits 1 << McuCtlOpt, besides those that all take */
	McuCtlExit (*run)(McuCtl *ctl);
} McuCtlCommand;

extern const McuCtlCommand mcu_ctl_commands[];
extern const size_t mcu_ctl_n_commands;

/* --- client.c --- */

void mcu_ctl_connect(McuCtl *ctl);
void mcu_ctl_disconnect(McuCtl *ctl);

/** "/api/v1/calls/CALL" and what follows; each %s is escaped for a path. Owns: caller. */
char *mcu_ctl_path(const char *format, const char *a, const char *b);

/** One request; `take_body` NULL = none; `ret` (may be NULL) gets the response's bytes. Whatever
 * goes wrong is said on ctl->err. */
McuCtlExit mcu_ctl_request(McuCtl *ctl, const char *method, const char *path, JsonObject *take_body,
			   GBytes **ret);

/** GET and parse. */
McuCtlExit mcu_ctl_get(McuCtl *ctl, const char *path, JsonNode **ret);

/** Follow the events: one line each, until `count` came (0 = for ever). */
McuCtlExit mcu_ctl_follow(McuCtl *ctl, unsigned count);

/** Say what went wrong with a call of the library. */
McuCtlExit mcu_ctl_no_connection(McuCtl *ctl, const GError *error);

/* --- json helpers: what is missing or of another type is the default --- */

const char *mcu_ctl_str(JsonObject *o, const char *name);
double mcu_ctl_num(JsonObject *o, const char *name);
bool mcu_ctl_bool(JsonObject *o, const char *name);
/** NULL when missing. */
JsonObject *mcu_ctl_obj(JsonObject *o, const char *name);
JsonArray *mcu_ctl_arr(JsonObject *o, const char *name);
/** Element that is an object, or NULL. */
JsonObject *mcu_ctl_at(JsonArray *a, unsigned i);

/* --- table.c --- */

typedef struct McuCtlTable McuCtlTable;

/** Headings separated by '|'; one that begins with '>' is aligned to the right. */
McuCtlTable *mcu_ctl_table_new(const char *headings);
/** One cell after the other, row after row. */
void mcu_ctl_table_add(McuCtlTable *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void mcu_ctl_table_print(McuCtlTable *t, FILE *out);
void mcu_ctl_table_free(McuCtlTable *t);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuCtlTable, mcu_ctl_table_free)

/** Text of others, made safe for a terminal. Owns: caller. */
char *mcu_ctl_clean(const char *text);

/* --- top.c --- */

McuCtlExit mcu_ctl_top(McuCtl *ctl);
