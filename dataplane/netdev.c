/* SPDX-License-Identifier: BSD-3-Clause */
#include "netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_lcore.h>
#include <rte_memory.h>

/* One interface ioctl(2); 0 or a negative errno. */
static int request(const char *name, unsigned long code, struct ifreq *ifr)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	strncpy(ifr->ifr_name, name, sizeof(ifr->ifr_name) - 1);
	ifr->ifr_name[sizeof(ifr->ifr_name) - 1] = '\0';
	rc = ioctl(fd, code, ifr) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int ethtool(const char *name, void *command)
{
	struct ifreq ifr = {.ifr_data = command};

	return request(name, SIOCETHTOOL, &ifr);
}

static void read_queues(struct netdev *netdev)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	netdev->channels = 1;
	netdev->rx_queues = 0;
	if (ethtool(netdev->name, &channels) != 0)
		return;
	if (channels.max_combined > 0) {
		netdev->channels = (uint16_t)channels.combined_count;
		netdev->rx_queues = (uint16_t)channels.rx_count;
	} else if (channels.rx_count > 1) {
		netdev->rx_queues = (uint16_t)(channels.rx_count - 1);
	}
}

/* Not known where /sys shows another network namespace than this one, without the interface. */
static int read_numa_node(const char *name)
{
	char path[sizeof("/sys/class/net//device/numa_node") + IF_NAMESIZE];
	int node = SOCKET_ID_ANY;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/numa_node", name);
	file = fopen(path, "re");
	if (file == NULL)
		return SOCKET_ID_ANY;
	if (fscanf(file, "%d", &node) != 1 || node < 0)
		node = SOCKET_ID_ANY;
	fclose(file);
	return node;
}

int netdev_read(const char *name, struct netdev *out, struct mr_error *error)
{
	struct netdev netdev = {.ifindex = (int)if_nametoindex(name)};
	struct ifreq ifr = {0};
	int rc;

	if (netdev.ifindex == 0 ||
	    if_indextoname((unsigned int)netdev.ifindex, netdev.name) == NULL)
		return mr_error_set(error, -ENODEV, "interface %s does not exist", name);
	rc = request(netdev.name, SIOCGIFHWADDR, &ifr);
	if (rc != 0)
		return mr_error_set(error, rc, "%s: %s", name, strerror(-rc));
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return mr_error_set(error, -ENOTSUP, "%s is not an Ethernet interface", name);
	memcpy(netdev.mac.addr_bytes, ifr.ifr_hwaddr.sa_data, RTE_ETHER_ADDR_LEN);
	rc = request(netdev.name, SIOCGIFMTU, &ifr);
	if (rc != 0)
		return mr_error_set(error, rc, "%s: %s", name, strerror(-rc));
	netdev.mtu_bytes = (uint16_t)ifr.ifr_mtu;
	read_queues(&netdev);
	netdev.numa_node = read_numa_node(netdev.name);
	*out = netdev;
	return 0;
}

int netdev_hold(const struct netdev *netdev, struct mr_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int length;
	int rc;

	if (fd < 0)
		return mr_error_set(error, -errno, "%s: socket: %s", netdev->name, strerror(errno));
	/* A leading NUL makes the name abstract. By index, since interfaces can be renamed. */
	length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
			  "mailrail/interface/%d", netdev->ifindex);
	if (bind(fd, (const struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	if (rc == -EADDRINUSE)
		return mr_error_set(error, rc, "%s is held by another mailraild", netdev->name);
	return mr_error_set(error, rc, "%s: bind: %s", netdev->name, strerror(-rc));
}

bool netdev_link_up(const struct netdev *netdev)
{
	struct ifreq ifr = {0};

	if (request(netdev->name, SIOCGIFFLAGS, &ifr) != 0)
		return false;
	return (ifr.ifr_flags & IFF_UP) != 0 && (ifr.ifr_flags & IFF_RUNNING) != 0;
}

uint16_t netdev_mtu_bytes(const struct netdev *netdev)
{
	struct ifreq ifr = {0};

	if (request(netdev->name, SIOCGIFMTU, &ifr) != 0)
		return netdev->mtu_bytes;
	return (uint16_t)ifr.ifr_mtu;
}

int netdev_add_flags(const char *name, short flags)
{
	struct ifreq ifr = {0};
	const int rc = request(name, SIOCGIFFLAGS, &ifr);

	if (rc != 0)
		return rc;
	ifr.ifr_flags |= flags;
	return request(name, SIOCSIFFLAGS, &ifr);
}

/* Returns a descriptor, or -1. */
static int open_setting(const char *interface, const char *family, const char *knob, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, interface, knob);
	return open(path, flags | O_CLOEXEC);
}

void netdev_set(const char *interface, const char *family, const char *knob, const char *value)
{
	const int fd = open_setting(interface, family, knob, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		errno = 0;
	close(fd);
}

int netdev_setting(const char *interface, const char *family, const char *knob)
{
	const int fd = open_setting(interface, family, knob, O_RDONLY);
	char text[16];
	ssize_t length;

	if (fd < 0)
		return -1;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return -1;
	text[length] = '\0';
	return atoi(text);
}

bool netdev_hides_tags(const struct netdev *netdev)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};

	if (ethtool(netdev->name, &flags) != 0 || (flags.data & ETH_FLAG_RXVLAN) == 0)
		return false;
	return ethtool(netdev->name, &driver) != 0 || strcmp(driver.driver, "veth") != 0;
}

bool netdev_merges_segments(const struct netdev *netdev)
{
	struct ethtool_value gro = {.cmd = ETHTOOL_GGRO};
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};

	if (ethtool(netdev->name, &gro) == 0 && gro.data != 0)
		return true;
	return ethtool(netdev->name, &flags) == 0 && (flags.data & ETH_FLAG_LRO) != 0;
}
