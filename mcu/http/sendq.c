#include "http/sendq.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static uint64_t acknowledged(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_bytes_acked : 0;
}

uint64_t mcu_sendq_taken(int fd)
{
	uint64_t before = acknowledged(fd), after = before;
	int queued = 0;

	/* an acknowledgement between the two questions would be missed */
	for (int i = 0; i < 3; i++) {
		before = after;
		if (ioctl(fd, SIOCOUTQ, &queued) < 0)
			return 0;
		after = acknowledged(fd);
		if (after == before)
			break;
	}
	return after + (uint64_t)queued;
}
