/* Shared by udp.c (sockets, sending, receiving) and udp_open.c (ports). */
#pragma once
#include "net/latch_priv.h"

typedef enum McuUdpChannel {
	MCU_UDP_RTP = 0,
	MCU_UDP_RTCP,
	MCU_UDP_CHANNELS,
} McuUdpChannel;

/** Bind one or two sockets; ret_fd[MCU_UDP_RTCP] is -1 with one_socket. */
int mcu_udp_open_ports(const McuUdpParams *params, int ret_fd[MCU_UDP_CHANNELS],
		       McuTransportLocal *ret_local, McuDiag *reterr) MCU_WARN_UNUSED;
