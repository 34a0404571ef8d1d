/* Inside conf/: the table of options and what its entries mean. */
#pragma once
#include "conf/conf.h"

typedef enum McuOptType {
	MCU_OPT_BOOL = 1, /* bool */
	MCU_OPT_UINT,     /* unsigned, min..max */
	MCU_OPT_ENUM,     /* char *, one of `values` */
	MCU_OPT_TEXT,     /* char *, accepted by `check` */
	MCU_OPT_LIST,     /* char **, each accepted by `check` */
	MCU_OPT_USERS,    /* McuConfUser[] */
	MCU_OPT_BITRATE,  /* unsigned bit/s, min..max */
	MCU_OPT_SIZE,     /* two unsigned: width, height */
	MCU_OPT_PORTS,    /* two unsigned: first, last */
	MCU_OPT_LEVEL,    /* McuLogLevel */
} McuOptType;

typedef enum McuOptApplies {
	MCU_OPT_AT_RESTART = 1,
	MCU_OPT_AT_RELOAD,
	MCU_OPT_NEW_CALLS, /* at reload, for calls that start after it */
} McuOptApplies;

/** Whether `text` is acceptable; on -EINVAL says what is wrong. Empty text never gets here. */
typedef int (*McuOptCheck)(const char *text, McuDiag *reterr);

typedef struct McuOption {
	const char *key; /* "section.name" */
	McuOptType type;
	McuOptApplies applies;
	const char *dflt; /* as in the file; entries of a list separated by blanks */
	const char *unit; /* or NULL */
	unsigned min, max;
	const char *const *values;
	const char *expect; /* of TEXT, LIST: the form, for errors and comments */
	McuOptCheck check;
	bool may_be_empty;
	bool secret;    /* never shown in an error */
	size_t at, at2; /* offsets in McuConf */
	const char *meaning;
} McuOption;

extern const McuOption mcu_conf_options[];
extern const size_t mcu_conf_n_options;

#define MCU_CONF_MAX_OPTIONS 64 /* for per-option arrays; asserted by the tests */

/* --- value.c: one value, text <-> field --- */

/** "a whole number from 1 to 60 (frames/s)". Owns: caller. */
char *mcu_opt_expected(const McuOption *o) MCU_WARN_UNUSED;

/** Set a field other than LIST and USERS. -EINVAL leaves it as it was. */
int mcu_opt_set(const McuOption *o, McuConf *conf, const char *text,
		McuDiag *reterr) MCU_WARN_UNUSED;
/** One entry of a LIST. */
int mcu_opt_check_entry(const McuOption *o, const char *text, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_opt_set_default(const McuOption *o, McuConf *conf);
void mcu_opt_set_list(const McuOption *o, McuConf *conf, char **take);
void mcu_opt_clear(const McuOption *o, McuConf *conf);
bool mcu_opt_equal(const McuOption *o, const McuConf *a, const McuConf *b);

/* --- check.c: McuOptCheck functions --- */

int mcu_check_http_listen(const char *text, McuDiag *reterr);
int mcu_check_sip_listen(const char *text, McuDiag *reterr);
int mcu_check_token(const char *text, McuDiag *reterr);
int mcu_check_cidr(const char *text, McuDiag *reterr);
int mcu_check_address(const char *text, McuDiag *reterr);
int mcu_check_host(const char *text, McuDiag *reterr);
int mcu_check_sip_uri(const char *text, McuDiag *reterr);
int mcu_check_name(const char *text, McuDiag *reterr);
int mcu_check_path(const char *text, McuDiag *reterr);
int mcu_check_record_name(const char *text, McuDiag *reterr);
