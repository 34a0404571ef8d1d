/* The soft back end with faults: proof that callers survive a failing device. Private to hw/;
 * opened through HwDeviceConfig{ .backend = HW_BACKEND_MOCK, .mock = plan }.
 *
 * plan: "KIND:K[MODE],…", each KIND at most once; NULL or "" = no faults.
 *   KIND  decode   hw_decoder_send()          -EIO
 *         receive  hw_decoder_receive()       -EIO, the picture is lost
 *         compose  hw_composer_compose()      -EIO
 *         encode   hw_encoder_send()          -EIO
 *         packet   hw_encoder_receive()       -EIO, the packet is lost
 *         frame    a decoded picture or canvas handed out   -ENOMEM
 *         map      hw_frame_map() of a decoded picture      -EIO
 *         open     making a decoder, composer or encoder    -EIO
 *   K     the K-th such call on the device fails, counted from 0 over all its objects
 *   MODE  "" = that call only; "+" = it and all later ones; "%" = every (K+1)-th
 */
#pragma once
#include "hw/ops.h"

/** Errors: -EINVAL the plan does not parse. */
int hw_mock_open(const char *plan, HwDevice **ret, McuDiag *reterr) MCU_WARN_UNUSED;
