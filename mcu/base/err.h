/* Errors of the whole project: negative errno values from one short list, and McuDiag, one
 * sentence for the operator. Not here: logging (log.h).
 *
 *   -EINVAL     input is malformed or a parameter is out of range
 *   -EPROTO     a peer broke the protocol in the given state
 *   -EAGAIN     nothing to give now; try after the next input
 *   -ENOENT     unknown id, name or file
 *   -EEXIST     id is already in use
 *   -ENOMEM     a peer-sized allocation or a pool is exhausted
 *   -ENOSPC     disk or output buffer is full
 *   -EOVERFLOW  a named limit (MCU_MAX_*) is exceeded
 *   -ENOTSUP    understood, but this build, device or negotiation cannot do it
 *   -EACCES     authentication or policy refuses
 *   -ETIMEDOUT  a bounded wait ended
 *   -ECANCELED  the object is stopping
 *   -EIO        a device, codec library or file failed
 *   -EBUSY      another request is in progress
 *   -EPIPE      the other end is gone
 */
#pragma once
#include <errno.h>
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#define MCU_WARN_UNUSED __attribute__((warn_unused_result))
#define MCU_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define MCU_DIAG_TEXT_MAX 256
#define MCU_DIAG_WHERE_MAX 128

/** What was found and what was expected, in one sentence an operator can act on.
 * `where` names the input ("mcu.yaml", "offer, m-line 2"); line and column count from 1, 0 = unknown.
 */
typedef struct McuDiag {
	char text[MCU_DIAG_TEXT_MAX];
	char where[MCU_DIAG_WHERE_MAX];
	unsigned line;
	unsigned column;
} McuDiag;

/** Write the sentence and return `err`, so that callers can `return mcu_diag(d, -EINVAL, …)`.
 * Keeps `where`, `line` and `column`. NULL `d` is allowed. Cuts what does not fit, at a character.
 */
int mcu_diag(McuDiag *d, int err, const char *fmt, ...) MCU_PRINTF(3, 4);

/** Set the place an error is about. NULL `d` is allowed. */
void mcu_diag_where(McuDiag *d, unsigned line, unsigned column, const char *fmt, ...)
	MCU_PRINTF(4, 5);

/** "where:line:column: text" (parts that are unknown are left out). Owns: caller frees. */
char *mcu_diag_str(const McuDiag *d) MCU_WARN_UNUSED;

/** Short name of an errno value of the list above ("invalid", "timed-out", …); takes either sign. */
const char *mcu_err_name(int err);

/** The reverse of mcu_err_name(): a negative errno, or -EIO for an unknown name. */
int mcu_err_from_name(const char *name);
