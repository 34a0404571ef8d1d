/* A media file judged like a call: which marks are seen and which tones are heard in it. */
#pragma once
#include "options.h"

/** Writes the report to options->report, or standard output. Errors: as mcu_film_open(); -EIO. */
int mcu_analyse_file(const McuCallerOptions *options, McuDiag *reterr) MCU_WARN_UNUSED;
