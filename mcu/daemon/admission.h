/* Who may come in: address allow-list and request rate per source. Digest is sip/digest.h; limits
 * on calls and participants are the call table's. Thread: main.
 */
#pragma once
#include "base/err.h"

/** Requests that one source address may make: a bucket of this size … */
#define MCU_ADMISSION_BURST 60
/** … filled at this rate per second. */
#define MCU_ADMISSION_PER_SEC 20
/** Source addresses remembered at a time; a flood from more shares one bucket. */
#define MCU_MAX_ADMISSION_SOURCES 4096

typedef struct McuAdmission McuAdmission;

/** `allow`: NULL-terminated CIDRs ("10.0.0.0/8", "2001:db8::/32", "192.0.2.1"); empty = all.
 * Errors: -EINVAL with the entry that is wrong. */
int mcu_admission_new(char *const *allow, McuAdmission **ret, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_admission_free(McuAdmission *a);

/** 0, -EACCES (not in the list, or no address) or -EBUSY (too many requests). `now_ns`:
 * mcu_now_ns(). IPv4-mapped IPv6 addresses count as IPv4. */
int mcu_admission_check(McuAdmission *a, const char *address, int64_t now_ns) MCU_WARN_UNUSED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuAdmission, mcu_admission_free)
