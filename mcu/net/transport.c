/* The calls every transport has; the work is in its ops. */
#include "net/transport.h"

int mcu_transport_send_rtp(McuTransport *t, McuPacket *pkt)
{
	return t->ops->send_rtp(t, pkt);
}

int mcu_transport_send_rtcp(McuTransport *t, McuPacket *pkt)
{
	return t->ops->send_rtcp(t, pkt);
}

void mcu_transport_flush(McuTransport *t)
{
	t->ops->flush(t);
}

int mcu_transport_set_remote(McuTransport *t, const McuTransportRemote *remote, McuDiag *reterr)
{
	return t->ops->set_remote(t, remote, reterr);
}

void mcu_transport_local(const McuTransport *t, McuTransportLocal *ret)
{
	t->ops->local(t, ret);
}

void mcu_transport_stats(const McuTransport *t, McuTransportStats *ret)
{
	t->ops->stats(t, ret);
}

void mcu_transport_free(McuTransport *t)
{
	if (t)
		t->ops->free(t);
}
