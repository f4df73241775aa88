/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mailrail-decap IFNAME: attaches the decapsulator, waits for the signal to stop, detaches it;
 * see mailrail-decap(8). It is attached by a BPF link, which the kernel removes with this
 * process, however that ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "decap.skel.h"

#include "decap_attached.h"
#include "decap_options.h"

/* How often to look whether the interface is still there. */
#define INTERFACE_CHECK_SECONDS 1

struct decapsulator {
	const struct decap_options *options;
	int ifindex;
	struct bpf_object *object;
	int link;
	struct decap_address to[DECAP_TO_MAX]; /* in the map */
	uint32_t to_count;
};

static int fail(const char *interface, const char *what, int rc)
{
	fprintf(stderr, "mailrail-decap: %s: %s: %s\n", interface, what, strerror(-rc));
	return rc;
}

/* --- where tunnels may end */

/* An IPv4 address may have a label, NAME:LABEL, in place of the interface's name. */
static bool is_on(const struct ifaddrs *entry, const char *interface)
{
	const size_t length = strcspn(entry->ifa_name, ":");

	return strlen(interface) == length && memcmp(entry->ifa_name, interface, length) == 0;
}

static bool read_address(const struct sockaddr *from, struct decap_address *out)
{
	if (from == NULL || (from->sa_family != AF_INET && from->sa_family != AF_INET6))
		return false;
	*out = (struct decap_address){.family = from->sa_family};
	if (from->sa_family == AF_INET)
		memcpy(out->bytes, &((const struct sockaddr_in *)from)->sin_addr, 4);
	else
		memcpy(out->bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
	return true;
}

static int read_interface(const char *interface, struct decap_address *to, uint32_t *out_count)
{
	struct ifaddrs *list;
	uint32_t count = 0;
	int rc = 0;

	if (getifaddrs(&list) != 0)
		return fail(interface, "cannot read its addresses", -errno);
	for (const struct ifaddrs *entry = list; entry != NULL && rc == 0;
	     entry = entry->ifa_next) {
		struct decap_address address;

		if (!is_on(entry, interface) || !read_address(entry->ifa_addr, &address))
			continue;
		if (count == DECAP_TO_MAX)
			rc = fail(interface, "too many addresses, name some by --to", -E2BIG);
		else
			to[count++] = address;
	}
	freeifaddrs(list);
	*out_count = count;
	return rc;
}

static bool holds(const struct decap_address *list, uint32_t count,
		  const struct decap_address *wanted)
{
	for (uint32_t i = 0; i < count; i++)
		if (memcmp(&list[i], wanted, sizeof(*wanted)) == 0)
			return true;
	return false;
}

/* Adds before it deletes, so that no address which stays is missed meanwhile. */
static int listen_to(struct decapsulator *decap, const struct decap_address *to, uint32_t count)
{
	const int map = bpf_object__find_map_fd_by_name(decap->object, "destinations");
	const uint8_t present = 1;

	for (uint32_t i = 0; i < count; i++) {
		const int rc = bpf_map_update_elem(map, &to[i], &present, BPF_ANY);

		if (rc != 0)
			return fail(decap->options->interface, "cannot enter its addresses", rc);
	}
	for (uint32_t i = 0; i < decap->to_count; i++)
		if (!holds(to, count, &decap->to[i]))
			bpf_map_delete_elem(map, &decap->to[i]);
	memcpy(decap->to, to, count * sizeof(*to));
	decap->to_count = count;
	return 0;
}

static int listen_as_told(struct decapsulator *decap)
{
	const struct decap_options *options = decap->options;
	struct decap_address own[DECAP_TO_MAX];
	uint32_t count = 0;
	int rc;

	if (options->to_count > 0)
		return listen_to(decap, options->to, options->to_count);
	rc = read_interface(options->interface, own, &count);
	return rc != 0 ? rc : listen_to(decap, own, count);
}

/* --- up and down */

static int open_object(struct decapsulator *decap)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "decap");
	const struct decap_bpf__rodata constants = {
		.gue_port = htons(decap->options->gue_port),
	};
	size_t size;
	const void *bytes = decap_bpf__elf_bytes(&size);

	decap->object = bpf_object__open_mem(bytes, size, &options);
	if (decap->object == NULL)
		return -errno;
	return bpf_map__set_initial_value(bpf_object__find_map_by_name(decap->object, ".rodata"),
					  &constants, sizeof(constants));
}

static int allow_sources(const struct decapsulator *decap)
{
	const struct decap_options *options = decap->options;
	const int map = bpf_object__find_map_fd_by_name(decap->object, "sources");
	const uint8_t present = 1;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < options->from_count; i++)
		rc = bpf_map_update_elem(map, &options->from[i], &present, BPF_ANY);
	return rc;
}

static int load(struct decapsulator *decap)
{
	const char *interface = decap->options->interface;
	int rc = open_object(decap);

	if (rc != 0)
		return fail(interface, "cannot open the XDP program", rc);
	rc = bpf_object__load(decap->object);
	if (rc != 0)
		return fail(interface,
			    "cannot load the XDP program (needs root, and Linux 5.18 or newer)",
			    rc);
	rc = allow_sources(decap);
	if (rc != 0)
		return fail(interface, "cannot enter the sources", rc);
	rc = listen_as_told(decap);
	if (rc == 0 && decap->to_count == 0)
		rc = fail(interface, "has no address, and none is named by --to", -EADDRNOTAVAIL);
	return rc;
}

/* Nobody else's program is ever replaced. */
static int check_free(const struct decapsulator *decap)
{
	const char *interface = decap->options->interface;
	struct decap_attached attached;
	const int rc = decap_attached_read(decap->ifindex, &attached);

	if (rc != 0)
		return fail(interface, "cannot ask for its XDP program", rc);
	if (attached.id == 0)
		return 0;
	fprintf(stderr, "mailrail-decap: %s is held by XDP program \"%s\" (id %" PRIu32 ")%s\n",
		interface, attached.name, attached.id,
		attached.is_ours ? ": mailrail-decap runs on it already" : "");
	return -EBUSY;
}

static int create_link(const struct decapsulator *decap, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
	const struct bpf_program *program =
		bpf_object__find_program_by_name(decap->object, DECAP_PROGRAM_NAME);

	return bpf_link_create(bpf_program__fd(program), decap->ifindex, BPF_XDP, &options);
}

/* Without flags the kernel takes native mode where the driver has it; a driver may yet refuse. */
static int attach(struct decapsulator *decap)
{
	const bool generic = decap->options->generic;
	int link = create_link(decap, generic ? XDP_FLAGS_SKB_MODE : 0);

	if (link < 0 && link != -EBUSY && link != -EEXIST && !generic)
		link = create_link(decap, XDP_FLAGS_SKB_MODE);
	if (link < 0)
		return fail(decap->options->interface, "cannot attach the XDP program", link);
	decap->link = link;
	return 0;
}

static int say_ready(const struct decapsulator *decap)
{
	struct decap_attached attached;
	const int rc = decap_attached_read(decap->ifindex, &attached);

	if (rc != 0)
		return fail(decap->options->interface, "cannot ask for its XDP program", rc);
	printf("mailrail-decap: %s: decapsulating in %s mode, to %" PRIu32
	       " addresses, GUE on port %u\n",
	       decap->options->interface, attached.mode, decap->to_count, decap->options->gue_port);
	fflush(stdout);
	return 0;
}

/* The kernel takes the link off an interface that goes away. */
static bool is_attached(const struct decapsulator *decap)
{
	struct bpf_link_info info = {0};
	uint32_t info_bytes = sizeof(info);

	return bpf_obj_get_info_by_fd(decap->link, &info, &info_bytes) == 0 &&
	       info.xdp.ifindex != 0;
}

static int serve(struct decapsulator *decap, const sigset_t *signals)
{
	const struct timespec timeout = {.tv_sec = INTERFACE_CHECK_SECONDS};

	while (is_attached(decap)) {
		switch (sigtimedwait(signals, NULL, &timeout)) {
		case SIGTERM:
		case SIGINT:
			return 0;
		case SIGHUP:
			/* What is wrong is said, and the addresses stay as they were. */
			if (listen_as_told(decap) == 0)
				say_ready(decap);
			break;
		default:
			break;
		}
	}
	return fail(decap->options->interface, "the interface is gone", -ENODEV);
}

static int run(const struct decap_options *options, int ifindex)
{
	struct decapsulator decap = {.options = options, .ifindex = ifindex, .link = -1};
	sigset_t signals;
	int rc;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	rc = check_free(&decap);
	if (rc == 0)
		rc = load(&decap);
	if (rc == 0)
		rc = attach(&decap);
	if (rc == 0)
		rc = say_ready(&decap);
	if (rc == 0)
		rc = serve(&decap, &signals);
	if (decap.link >= 0)
		close(decap.link);
	bpf_object__close(decap.object);
	return rc;
}

/* --- counters */

struct row {
	const char *name, *fate;
};

static const struct row rows[] = {
#define ROW(id, fate, name, text) {name, #fate},
	DECAP_VERDICTS(ROW)
#undef ROW
};

static void print_json(const struct decap_attached *attached, const struct decap_count *counts)
{
	printf("{\"mode\": \"%s\", \"verdicts\": {", attached->mode);
	for (uint32_t i = 0; i < DECAP_VERDICT_COUNT; i++)
		printf("%s\n  \"%s\": {\"packets\": %" PRIu64 ", \"bytes\": %" PRIu64 "}",
		       i == 0 ? "" : ",", rows[i].name, (uint64_t)counts[i].packets,
		       (uint64_t)counts[i].bytes);
	puts("}}");
}

static void print_table(const struct decap_attached *attached, const struct decap_count *counts)
{
	printf("%-12s %-20s %20s %20s\n", attached->mode, "verdict", "packets", "bytes");
	for (uint32_t i = 0; i < DECAP_VERDICT_COUNT; i++)
		printf("%-12s %-20s %20" PRIu64 " %20" PRIu64 "\n", rows[i].fate, rows[i].name,
		       (uint64_t)counts[i].packets, (uint64_t)counts[i].bytes);
}

static int print_stats(const struct decap_options *options, int ifindex)
{
	struct decap_count counts[DECAP_VERDICT_COUNT];
	struct decap_attached attached;
	int rc = decap_attached_read(ifindex, &attached);

	if (rc != 0)
		return fail(options->interface, "cannot ask for its XDP program", rc);
	if (!attached.is_ours) {
		fprintf(stderr, "mailrail-decap: %s: mailrail-decap does not run on it\n",
			options->interface);
		return -ENOENT;
	}
	rc = decap_attached_counts(&attached, counts);
	if (rc != 0)
		return fail(options->interface, "cannot read the counters", rc);
	if (options->json)
		print_json(&attached, counts);
	else
		print_table(&attached, counts);
	return fflush(stdout) == 0 ? 0 : fail(options->interface, "standard output", -errno);
}

int main(int argc, char **argv)
{
	struct decap_options options;
	int ifindex, rc;

	decap_options_parse(argc, argv, &options);
	if (options.action == DECAP_EXIT)
		return options.exit_status;
	libbpf_set_print(NULL); /* errors say it in one line */
	ifindex = (int)if_nametoindex(options.interface);
	if (ifindex == 0)
		rc = fail(options.interface, "cannot be used", -errno);
	else if (options.action == DECAP_STATS)
		rc = print_stats(&options, ifindex);
	else
		rc = run(&options, ifindex);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
