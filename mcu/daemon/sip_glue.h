/* Puts sip/ua.h behind signal.h and the daemon behind McuSipEvents. */
#pragma once
#include "daemon/signal.h"
#include "sip/ua.h"

/** How legs of kind "sip" signal; their data is the McuSip. */
extern const McuSignal mcu_sip_signal;

/** Where the user agent reports to; its data is the McuDaemon. */
extern const McuSipEvents mcu_sip_daemon_events;
