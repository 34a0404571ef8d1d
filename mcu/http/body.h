/* Bodies of API requests: strict JSON by a schema of flat members -> a{sv} for daemon/control.h.
 * Pure: no server, no socket.
 *
 *   bytes --scan (strict RFC 8259, depth)--> json-glib --schema--> a{sv}
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define MCU_MAX_HTTP_JSON_DEPTH 4
#define MCU_MAX_HTTP_FIELD      64  /* bytes of a member's name, in errors */
#define MCU_MAX_HTTP_LIST       256 /* entries of a list member */

typedef enum McuBodyType {
	MCU_BODY_STRING = 1, /* s */
	MCU_BODY_BOOL,       /* b */
	MCU_BODY_STRINGS,    /* as */
} McuBodyType;

typedef enum McuBodyForm {
	MCU_BODY_TEXT = 1, /* any text on one line */
	MCU_BODY_ID,       /* A-Z a-z 0-9 . _ - */
	MCU_BODY_LAYOUT,   /* A-Z a-z 0-9 + . _ - */
	MCU_BODY_URI,      /* sip: or sips:, no blanks */
} McuBodyForm;

typedef struct McuBodyField {
	const char *name;
	McuBodyType type;
	McuBodyForm form; /* of strings */
	bool required;
	unsigned min_len, max_len; /* bytes of a string */
} McuBodyField;

typedef struct McuBodySchema {
	const char *name; /* of the schema in the OpenAPI document */
	const McuBodyField *fields;
	size_t n_fields;
	bool optional;  /* no body at all is the same as {} */
	bool not_empty; /* at least one member */
} McuBodySchema;

/** Every schema of the API; NULL-terminated. */
extern const McuBodySchema *const mcu_body_schemas[];

extern const McuBodySchema mcu_body_create_call, mcu_body_update_call, mcu_body_update_participant,
	mcu_body_dial, mcu_body_layout, mcu_body_none;

/** Parse and check a body. *ret is a new a{sv} (not floating) of the members that were given.
 * Errors: -EINVAL; `ret_field` then names the member, or is "" when the body as a whole is wrong.
 * Unknown and repeated members are errors.   Thread: any.
 */
int mcu_body_parse(const McuBodySchema *schema, const char *text, size_t len, GVariant **ret,
		   char ret_field[MCU_MAX_HTTP_FIELD], McuDiag *reterr) MCU_WARN_UNUSED;
