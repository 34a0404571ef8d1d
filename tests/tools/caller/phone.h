/* Signalling of one call with sofia-sip: calling, answering, re-INVITE both ways, digest, INFO. */
#pragma once
#include "media.h"
#include "options.h"
#include "report.h"

typedef struct McuPhone McuPhone;

typedef enum McuPhoneEnd {
	MCU_PHONE_END_SELF = 1, /* hung up here */
	MCU_PHONE_END_PEER,     /* BYE of the peer */
	MCU_PHONE_END_REFUSED,  /* never up */
	MCU_PHONE_END_FAILED,   /* media could not be set up, or signalling broke */
} McuPhoneEnd;

const char *mcu_phone_end_name(McuPhoneEnd end);

typedef struct McuPhoneHandler {
	void (*on_up)(void *data);
	/* Once, last: nothing more comes. */
	void (*on_ended)(void *data, McuPhoneEnd end, int status, const char *reason);
} McuPhoneHandler;

/** Bind the signalling socket; runs in the default main context.
 * Errors: -EINVAL --listen or --to; -EIO the address cannot be bound; those of mcu_media_new().
 */
int mcu_phone_new(const McuCallerOptions *options, McuReport *report,
		  const McuPhoneHandler *handler, void *data, McuPhone **ret,
		  McuDiag *reterr) MCU_WARN_UNUSED;
/** Waits shortly for sofia-sip to close down. NULL is allowed. */
void mcu_phone_free(McuPhone *phone);

/** Begin: call, or wait to be called. */
void mcu_phone_start(McuPhone *phone);

void mcu_phone_hold(McuPhone *phone, bool hold);

/** BYE or CANCEL; on_ended() follows, within 2 s. */
void mcu_phone_hang_up(McuPhone *phone);

/** Ask for a picture by INFO (RFC 5168) if one is needed. */
void mcu_phone_ask_picture(McuPhone *phone);

McuMedia *mcu_phone_media(McuPhone *phone);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuPhone, mcu_phone_free)
