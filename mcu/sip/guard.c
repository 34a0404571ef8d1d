/* How many TCP connections peers may hold. The stack accepts without limit and does not give us its
 * sockets, so once a second we look at our descriptors and shut down those beyond the limits; the
 * stack then closes them as if the peer had.
 */
#include <dirent.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "sip/sip_priv.h"

#define INTERVAL_S 1

static bool is_ours(const McuSip *sip, const char *host, unsigned port)
{
	for (unsigned i = 0; i < sip->agents->len; i++) {
		const McuSipAgent *agent = sip->agents->pdata[i];

		if (agent->tcp && agent->port == port && strcmp(agent->host, host) == 0)
			return true;
	}
	return false;
}

static unsigned port_of(const struct sockaddr_storage *a)
{
	return g_ntohs(a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
						: ((const struct sockaddr_in *)a)->sin_port);
}

/* The peer's address if the descriptor is a connection to one of our listeners; else NULL. */
static char *peer_of(const McuSip *sip, int fd)
{
	struct sockaddr_storage local, peer;
	socklen_t local_len = sizeof(local), peer_len = sizeof(peer), size = sizeof(int);
	g_autofree char *host = NULL;
	int type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_STREAM)
		return NULL;
	if (getsockname(fd, (struct sockaddr *)&local, &local_len) < 0 ||
	    (local.ss_family != AF_INET && local.ss_family != AF_INET6))
		return NULL;
	host = mcu_sip_numeric((struct sockaddr *)&local, local_len);
	if (!host || !is_ours(sip, host, port_of(&local)))
		return NULL;
	/* a listener has no peer */
	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0)
		return NULL;
	return mcu_sip_numeric((struct sockaddr *)&peer, peer_len);
}

/* Descriptors in rising order: those that were opened last are the first to go, most times. */
static GArray *descriptors(void)
{
	GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > 2)
			g_array_append_val(fds, fd);
	}
	if (dir)
		closedir(dir);
	return fds;
}

static gboolean on_timer(gpointer data)
{
	McuSip *sip = data;
	g_autoptr(GArray) fds = descriptors();
	g_autoptr(GHashTable) held = NULL;
	unsigned all = 0, shut = 0;

	if (fds->len <= MCU_MAX_SIP_CONNECTIONS_PER_PEER)
		return G_SOURCE_CONTINUE;
	held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (unsigned i = 0; i < fds->len; i++) {
		int fd = g_array_index(fds, int, i);
		char *peer = peer_of(sip, fd);
		unsigned n;

		if (!peer)
			continue;
		n = GPOINTER_TO_UINT(g_hash_table_lookup(held, peer)) + 1;
		g_hash_table_insert(held, peer, GUINT_TO_POINTER(n));
		all++;
		if (n <= MCU_MAX_SIP_CONNECTIONS_PER_PEER && all <= MCU_MAX_SIP_CONNECTIONS)
			continue;
		(void)shutdown(fd, SHUT_RDWR);
		all--;
		shut++;
	}
	if (shut)
		mcu_debug("sip", "%u TCP connections beyond the limits were closed", shut);
	return G_SOURCE_CONTINUE;
}

void mcu_sip_guard_start(McuSip *sip)
{
	for (unsigned i = 0; i < sip->agents->len && !sip->guard; i++)
		if (((McuSipAgent *)sip->agents->pdata[i])->tcp)
			sip->guard = g_timeout_add_seconds(INTERVAL_S, on_timer, sip);
}
