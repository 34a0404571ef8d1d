/* A pair of bound UDP sockets from a range of ports. */
#include <netinet/ip.h>
#include <string.h>
#include <unistd.h>

#include "net/udp_priv.h"

#define BUFFER_AUDIO (256 * 1024)
#define BUFFER_VIDEO (2 * 1024 * 1024)

static void set_option(int fd, int level, int name, int value)
{
	/* best effort: the system may cap or refuse it, media flows all the same */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static int open_socket(const McuUdpParams *params, const McuSockAddr *addr)
{
	int family = addr->sa.sa_family;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int buffer = params->video ? BUFFER_VIDEO : BUFFER_AUDIO;
	int tos = params->video ? IPTOS_DSCP_AF41 : IPTOS_DSCP_EF;

	if (fd < 0)
		return -errno;
	if (family == AF_INET6) {
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
	} else {
		set_option(fd, IPPROTO_IP, IP_TOS, tos);
	}
	set_option(fd, SOL_SOCKET, SO_RCVBUF, buffer);
	set_option(fd, SOL_SOCKET, SO_SNDBUF, buffer);
	if (bind(fd, &addr->sa, mcu_sock_addr_len(addr)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* 0, or a negative errno of the system; -EADDRINUSE = try the next pair. */
static int open_pair(const McuUdpParams *params, McuSockAddr *addr, unsigned port,
		     int ret_fd[MCU_UDP_CHANNELS])
{
	int rtp, rtcp = -1;

	mcu_sock_addr_set_port(addr, (uint16_t)port);
	rtp = open_socket(params, addr);
	if (rtp < 0)
		return rtp;
	if (!params->one_socket) {
		mcu_sock_addr_set_port(addr, (uint16_t)(port + 1));
		rtcp = open_socket(params, addr);
		if (rtcp < 0) {
			close(rtp);
			return rtcp;
		}
	}
	ret_fd[MCU_UDP_RTP] = rtp;
	ret_fd[MCU_UDP_RTCP] = rtcp;
	return 0;
}

static int explain(int err, const McuUdpParams *params, McuDiag *reterr)
{
	if (err == -EADDRNOTAVAIL || err == -EINVAL)
		return mcu_diag(reterr, -EINVAL, "%s is no address of this machine",
				params->address);
	return mcu_diag(reterr, -EIO, "cannot open a UDP port on %s: %s", params->address,
			g_strerror(-err));
}

int mcu_udp_open_ports(const McuUdpParams *params, int ret_fd[MCU_UDP_CHANNELS],
		       McuTransportLocal *ret_local, McuDiag *reterr)
{
	unsigned first = (params->port_min + 1) & ~1u;
	McuSockAddr addr;

	if (mcu_sock_addr_parse(params->address, 0, &addr) < 0)
		return mcu_diag(reterr, -EINVAL, "found \"%s\", expected an IPv4 or IPv6 address",
				params->address);
	if (params->port_min == 0 || params->port_max > 65535 || first + 1 > params->port_max)
		return mcu_diag(reterr, -EINVAL,
				"found ports %u-%u, expected a range with an even port and the next",
				params->port_min, params->port_max);
	unsigned n = (params->port_max - first + 1) / 2;
	unsigned start = (unsigned)g_random_int_range(0, (gint32)n);
	for (unsigned i = 0; i < n; i++) {
		unsigned port = first + 2 * ((start + i) % n);
		int r = open_pair(params, &addr, port, ret_fd);

		if (r == -EADDRINUSE)
			continue;
		if (r < 0)
			return explain(r, params, reterr);
		g_strlcpy(ret_local->address, params->address, sizeof(ret_local->address));
		ret_local->rtp_port = (uint16_t)port;
		ret_local->rtcp_port = (uint16_t)(params->one_socket ? port : port + 1);
		return 0;
	}
	return mcu_diag(reterr, -ENOSPC, "all %u port pairs of %u-%u on %s are in use", n,
			params->port_min, params->port_max, params->address);
}
