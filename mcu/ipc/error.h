/* Errors of Worker1 on the wire. D-Bus names know no '-', so "not-supported" travels as
 * org.tessera.Error.not_supported. */
#pragma once
#include "base/err.h"

/** D-Bus error name of an errno value (either sign). Owns: caller. */
char *mcu_ipc_error_name(int err) MCU_WARN_UNUSED;

/** The reverse: a negative errno; -EIO for a name that is not ours. */
int mcu_ipc_error_from_name(const char *name);
