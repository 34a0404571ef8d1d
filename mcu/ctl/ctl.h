/* mcuctl: the operator's command line. Uses the public HTTP API only.
 *
 *   argv --table of commands--> requests --HTTP--> mcud        JSON --> tables on stdout
 */
#pragma once
#include <stdio.h>

typedef enum McuCtlExit {
	MCU_CTL_OK = 0,
	MCU_CTL_REFUSED = 1, /* the server said no; its reason is on `err` */
	MCU_CTL_USAGE = 2,
	MCU_CTL_NOT_CONNECTED = 3,
} McuCtlExit;

/** Run one command; what main() does.   Owns: borrows all.
 * Thread: any; brings its own main context, so a server may run in another thread.
 */
McuCtlExit mcu_ctl_run(int argc, char **argv, FILE *out, FILE *err);
