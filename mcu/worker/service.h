/* Worker1 of mcu/ipc/worker.xml on one D-Bus connection: arguments in, McuCall's verbs, replies out. */
#pragma once
#include <gio/gio.h>

#include "worker/call.h"

typedef struct McuService McuService;

/** Export the worker's object. Owns: borrows connection.  Errors: -EIO.  Thread: loop. */
int mcu_service_new(GDBusConnection *connection, const char *call_id, McuService **ret,
		    McuDiag *reterr) MCU_WARN_UNUSED;

/** Ends the call, too. NULL is allowed. */
void mcu_service_free(McuService *service);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuService, mcu_service_free)
