/* GVariant, as daemon/control.h gives it, to JSON text. */
#pragma once
#include <glib.h>

/** a{sv} -> object, a* -> array, numbers, booleans, strings; NULL -> "{}". A number that JSON
 * cannot hold (NaN, infinity) is null. Owns: caller.  Thread: any.
 */
char *mcu_json_from_variant(GVariant *v);

/** {"type": event, "time": RFC 3339 now in UTC, members of detail}. Owns: caller. */
char *mcu_json_event(const char *event, GVariant *detail);

/** An RFC 9457 problem document; `field` and `detail` may be NULL. Owns: caller. */
char *mcu_json_problem(unsigned status, const char *title, const char *detail, const char *field);

/** "2026-01-31T12:00:00.123Z". Owns: caller. */
char *mcu_json_time_now(void);
