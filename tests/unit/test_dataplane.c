/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dataplane on a real interface: a veth pair in a network namespace that this program
 * makes for itself. EAL starts once per process, so every scenario is a child process.
 *
 *   left -------- right
 *   the port      frames come from here
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <mailrail/dataplane.h>

#include "../lib/frame.h"
#include "../lib/unit.h"
#include "pin_table.h"

#define LEFT  "left"
#define RIGHT "right"

/* The kernel's side of LEFT. */
#define KERNEL_SIDE "mailrail0"

#define DEADLINE_MS 10000

/* In a scenario: tells what was wrong and ends the child. */
#define CHECK(condition)                                                           \
	do {                                                                       \
		if (!(condition)) {                                                \
			printf("\n    %s:%d: %s", __func__, __LINE__, #condition); \
			fflush(stdout);                                            \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

static uint16_t own_core;

/* Of whichever dataplane there is. */
static struct mr_pin_table *pins;

static void shell(const char *command)
{
	const int status = system(command);

	if (status != 0)
		printf("\n    %s: status %d", command, status);
	CU_ASSERT_EQUAL_FATAL(status, 0);
}

static bool shell_says_yes(const char *command)
{
	return system(command) == 0;
}

/* Runs @scenario in a child; true when it ended well. */
static pid_t begin(void (*scenario)(void))
{
	const pid_t parent = getpid();
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child != 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	scenario();
	_exit(0);
}

static bool ends_well(pid_t child)
{
	int status = -1;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool runs_well(void (*scenario)(void))
{
	return ends_well(begin(scenario));
}

static uint32_t xdp_program(void)
{
	uint32_t id = 0;

	CU_ASSERT_EQUAL(bpf_xdp_query_id((int)if_nametoindex(LEFT), 0, &id), 0);
	return id;
}

static bool has_clsact(void)
{
	return shell_says_yes("tc qdisc show dev " LEFT " | grep -q clsact");
}

static bool left_is_clean(void)
{
	return xdp_program() == 0 && !has_clsact() && if_nametoindex(MR_PROBE_INTERFACE) == 0 &&
	       if_nametoindex(KERNEL_SIDE) == 0;
}

static char last_warning[256];

static void note(int priority, const char *message)
{
	if (priority == LOG_WARNING)
		snprintf(last_warning, sizeof(last_warning), "%s", message);
}

static int create(const struct mr_port_config *ports, uint32_t port_count,
		  struct mr_dataplane **out, struct mr_error *error)
{
	const struct mr_dataplane_config config = {
		.ports = ports,
		.port_count = port_count,
		.cores = &own_core,
		.worker_count = 1,
		.pins = pins,
	};

	return mr_dataplane_create(&config, note, out, error);
}

static struct mr_dataplane *create_on_left(enum mr_device_kind kind)
{
	const struct mr_port_config port = {"left", LEFT, kind};
	struct mr_dataplane *dp;
	struct mr_error error = {""};

	if (create(&port, 1, &dp, &error) != 0) {
		printf("\n    %s", error.text);
		fflush(stdout);
		_exit(1);
	}
	return dp;
}

/* What is refused, and the words that say so. */

struct refusal {
	const char *words;
	struct mr_port_config ports[2];
	uint32_t port_count;
	uint16_t cores[2];
	uint32_t worker_count;
};

static const struct refusal *refusal;

static void be_refused(void)
{
	struct mr_dataplane_config config = {
		.ports = refusal->ports,
		.port_count = refusal->port_count,
		.cores = refusal->cores,
		.worker_count = refusal->worker_count,
		.pins = pins,
	};
	struct mr_dataplane *dp = NULL;
	struct mr_error error = {""};

	CHECK(mr_dataplane_create(&config, NULL, &dp, &error) < 0);
	CHECK(dp == NULL);
	if (strncmp(error.text, refusal->words, strlen(refusal->words)) != 0)
		printf("\n    expected: %s\n    got:      %s", refusal->words, error.text);
	fflush(stdout);
	CHECK(strncmp(error.text, refusal->words, strlen(refusal->words)) == 0);
	CHECK(strchr(error.text, '\n') == NULL);
}

static void expect_refusals(const struct refusal *refusals, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		refusal = &refusals[i];
		CU_ASSERT(runs_well(be_refused));
	}
	refusal = NULL;
}

static void refuses_what_cannot_work(void)
{
	const uint16_t core = own_core;
	const struct refusal refusals[] = {
		{"/workers/cores/0: core 1023 is not available (this process may use ",
		 {{"a", LEFT, MR_DEVICE_AF_XDP}},
		 1,
		 {1023},
		 1},
		{"/workers/cores/1: core ", {{"a", LEFT, MR_DEVICE_AF_XDP}}, 1, {core, core}, 2},
		{"/ports/0/device: interface eth7 does not exist",
		 {{"a", "eth7", MR_DEVICE_AF_XDP}},
		 1,
		 {core},
		 1},
		{"/ports/0/device: lo is not an Ethernet interface",
		 {{"a", "lo", MR_DEVICE_AF_PACKET}},
		 1,
		 {core},
		 1},
		{"/ports/1/device: " LEFT " is the device of /ports/0",
		 {{"a", LEFT, MR_DEVICE_AF_XDP}, {"b", LEFT, MR_DEVICE_AF_PACKET}},
		 2,
		 {core},
		 1},
		{"/ports/1/device: DPDK does not open net_nothing0: ",
		 {{"a", LEFT, MR_DEVICE_AF_XDP}, {"b", "net_nothing0", MR_DEVICE_VDEV}},
		 2,
		 {core},
		 1},
		{"/ports/1/device: DPDK does not open net_null0: ",
		 {{"a", LEFT, MR_DEVICE_AF_PACKET}, {"b", "net_null0,x=1", MR_DEVICE_VDEV}},
		 2,
		 {core},
		 1},
		{"/ports/1/device: " LEFT " is the device of /ports/0, with the same tags",
		 {{"a", LEFT, MR_DEVICE_AF_XDP, {7}, 1}, {"b", LEFT, MR_DEVICE_AF_XDP, {7}, 1}},
		 2,
		 {core},
		 1},
		{"/ports/1/mtu: 1400 bytes, but 1500 on /ports/0, whose device is the same",
		 {{"a", "net_ring0", MR_DEVICE_VDEV},
		  {"b", "net_ring0", MR_DEVICE_VDEV, {7}, 1, 1400}},
		 2,
		 {core},
		 1},
		{"/ports/0/mtu: 9000 bytes, but net_af_packet0 carries 1500 at most",
		 {{"a", "net_af_packet0,iface=" LEFT, MR_DEVICE_VDEV, .mtu_bytes = 9000}},
		 1,
		 {core},
		 1},
		{"/ports/0/mtu: 9000 bytes, but net_null0 receives a frame into one buffer, in ",
		 {{"a", "net_null0", MR_DEVICE_VDEV, .mtu_bytes = 9000}},
		 1,
		 {core},
		 1},
		{"/ports/0/name: interface " RIGHT " exists, but the port's twin needs the name",
		 {{RIGHT, "net_ring0", MR_DEVICE_VDEV, .twin = true}},
		 1,
		 {core},
		 1},
		{"/ports/0/name: sixteen-letters- is no name for the twin",
		 {{"sixteen-letters-", "net_ring0", MR_DEVICE_VDEV, .twin = true}},
		 1,
		 {core},
		 1},
		{"/ports/0/device: there is no PCI device ffff:ff:1f.7",
		 {{"a", "ffff:ff:1f.7", MR_DEVICE_PCI}},
		 1,
		 {core},
		 1},
		{"/ports/0/device: \",size=64\" does not begin with a device name",
		 {{"a", ",size=64", MR_DEVICE_VDEV}},
		 1,
		 {core},
		 1},
	};

	expect_refusals(refusals, sizeof(refusals) / sizeof(refusals[0]));
	CU_ASSERT(left_is_clean());
}

static void refuses_too_few_queues(void)
{
	const struct refusal refusals[] = {
		{"/ports/0/device: " LEFT " has 1 combined channels for 2 workers",
		 {{"a", LEFT, MR_DEVICE_AF_XDP}},
		 1,
		 {0, 1},
		 2},
	};
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0 || !CPU_ISSET(0, &cpus) ||
	    !CPU_ISSET(1, &cpus)) {
		printf("skipped: needs cores 0 and 1 ...");
		return;
	}
	expect_refusals(refusals, 1);
	CU_ASSERT(left_is_clean());
}

static int load_foreign_program(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "theirs", "GPL", pass, 2, NULL);
}

static void refuses_a_foreign_xdp_program(void)
{
	const struct refusal refusals[] = {
		{"/ports/0/device: " LEFT " is held by XDP program \"theirs\" (id ",
		 {{"a", LEFT, MR_DEVICE_AF_XDP}},
		 1,
		 {own_core},
		 1},
	};
	const int ifindex = (int)if_nametoindex(LEFT);
	const int program = load_foreign_program();
	uint32_t before;

	CU_ASSERT_FATAL(program >= 0);
	CU_ASSERT_EQUAL_FATAL(bpf_xdp_attach(ifindex, program, 0, NULL), 0);
	before = xdp_program();
	expect_refusals(refusals, 1);
	CU_ASSERT_EQUAL(xdp_program(), before);
	bpf_xdp_detach(ifindex, 0, NULL);
	close(program);
}

static void lose_the_interface_to_others(void)
{
	struct mr_dataplane *dp = create_on_left(MR_DEVICE_AF_XDP);
	const int ifindex = (int)if_nametoindex(LEFT);
	const int program = load_foreign_program();
	uint32_t theirs = 0;
	uint32_t after = 0;

	CHECK(bpf_xdp_detach(ifindex, 0, NULL) == 0);
	CHECK(bpf_xdp_attach(ifindex, program, 0, NULL) == 0);
	CHECK(bpf_xdp_query_id(ifindex, 0, &theirs) == 0);
	mr_dataplane_destroy(dp);
	CHECK(bpf_xdp_query_id(ifindex, 0, &after) == 0);
	CHECK(theirs != 0 && theirs == after);
}

static void leaves_a_foreign_xdp_program_on(void)
{
	CU_ASSERT(runs_well(lose_the_interface_to_others));
	CU_ASSERT(xdp_program() != 0);
	bpf_xdp_detach((int)if_nametoindex(LEFT), 0, NULL);
}

static int steer_to_smtp(struct mr_dataplane *dp)
{
	const uint8_t service[] = {10, 0, 0, 10};
	const struct mr_endpoint smtp = {.address = mr_addr_from_v4(service), .port = htons(25)};
	const struct mr_steering wanted = {.endpoints = &smtp, .endpoint_count = 1};
	struct mr_error error = {""};

	return mr_dataplane_steer(dp, &wanted, &error);
}

/* One process that holds the port until it is killed, as the world sees it. */

static int ready_pipe[2];
static enum mr_device_kind held_kind;

static void hold(void)
{
	CHECK(steer_to_smtp(create_on_left(held_kind)) == 0);
	CHECK(write(ready_pipe[1], "x", 1) == 1);
	for (;;)
		pause();
}

static pid_t hold_left(enum mr_device_kind kind)
{
	pid_t child;
	char ready;

	CU_ASSERT_EQUAL_FATAL(pipe(ready_pipe), 0);
	held_kind = kind;
	child = begin(hold);
	close(ready_pipe[1]);
	CU_ASSERT_EQUAL_FATAL(read(ready_pipe[0], &ready, 1), 1);
	close(ready_pipe[0]);
	return child;
}

static void kill_holder(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
}

static void come_and_go(void)
{
	struct mr_dataplane *dp = create_on_left(held_kind);

	CHECK(steer_to_smtp(dp) == 0);
	mr_dataplane_destroy(dp);
}

/* As if there had been no process: nothing that it attached is left, and the guard is. */
static void come_and_fail(void)
{
	mr_dataplane_destroy(create_on_left(held_kind));
}

static void hold_and_go(void)
{
	struct mr_dataplane *dp = create_on_left(held_kind);

	CHECK(steer_to_smtp(dp) == 0);
	mr_dataplane_hold_sessions(dp);
	mr_dataplane_destroy(dp);
}

static bool guard_is_alone(void)
{
	return xdp_program() == 0 && has_clsact() &&
	       shell_says_yes("tc filter show dev " LEFT " ingress | grep -q mailrail_hide");
}

static void is_alone_and_survives_a_kill(enum mr_device_kind kind)
{
	const struct refusal refusals[] = {
		{"/ports/0/device: " LEFT " is held by another mailraild",
		 {{"a", LEFT, MR_DEVICE_AF_XDP}},
		 1,
		 {own_core},
		 1},
		{"/ports/0/device: " LEFT " is held by another mailraild",
		 {{"a", LEFT, MR_DEVICE_AF_PACKET}},
		 1,
		 {own_core},
		 1},
	};
	const pid_t child = hold_left(kind);

	CU_ASSERT(kind == MR_DEVICE_AF_PACKET || xdp_program() != 0);
	CU_ASSERT(has_clsact());
	expect_refusals(refusals, 2);
	CU_ASSERT(kind == MR_DEVICE_AF_PACKET || xdp_program() != 0);
	CU_ASSERT(has_clsact());
	CU_ASSERT_EQUAL(if_nametoindex(MR_PROBE_INTERFACE), 0);
	kill_holder(child);
	CU_ASSERT(has_clsact());
	held_kind = MR_DEVICE_AF_XDP;
	CU_ASSERT(runs_well(come_and_go));
	CU_ASSERT(left_is_clean());
}

static void af_xdp_is_alone_and_survives_a_kill(void)
{
	is_alone_and_survives_a_kill(MR_DEVICE_AF_XDP);
}

static void af_packet_is_alone_and_survives_a_kill(void)
{
	is_alone_and_survives_a_kill(MR_DEVICE_AF_PACKET);
}

static void leaves_a_foreign_tc_hook(void)
{
	shell("tc qdisc add dev " LEFT " clsact");
	held_kind = MR_DEVICE_AF_PACKET;
	CU_ASSERT(runs_well(come_and_go));
	CU_ASSERT(has_clsact());
	shell("tc qdisc del dev " LEFT " clsact");
}

/* Frames */

static void mac_of(const char *interface, uint8_t mac[6])
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {0};

	strncpy(ifr.ifr_name, interface, sizeof(ifr.ifr_name) - 1);
	CHECK(ioctl(fd, SIOCGIFHWADDR, &ifr) == 0);
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	close(fd);
}

static int packet_socket(const char *interface)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	const int on = 1;

	CHECK(fd >= 0);
	CHECK(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) == 0);
	CHECK(bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

/* A TCP segment without payload from 192.0.2.7 to 10.0.0.10, its identification @id. */
static void send_segment(int fd, uint16_t port, uint16_t id)
{
	uint8_t frame[60] = {
		[12] = 0x08,
		[14] = 0x45,
		[17] = 40,
		[18] = (uint8_t)(id >> 8),
		[19] = (uint8_t)id,
		[22] = 64,
		[23] = 6,
		[26] = 192,
		0,
		2,
		7,
		10,
		0,
		0,
		10,
		0x9c,
		0x40,
		(uint8_t)(port >> 8),
		(uint8_t)port,
		[46] = 0x50,
		[47] = 0x10,
	};

	mac_of(LEFT, &frame[0]);
	mac_of(RIGHT, &frame[6]);
	CHECK(send(fd, frame, sizeof(frame), 0) == (ssize_t)sizeof(frame));
}

/* Waits until the kernel's side of the port has seen the segment @id; others are skipped. */
static void await_segment(int fd, uint16_t id)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	for (;;) {
		uint8_t frame[256];
		ssize_t length;

		CHECK(poll(&wait, 1, DEADLINE_MS) == 1);
		length = recv(fd, frame, sizeof(frame), 0);
		if (length == 60 && frame[23] == 6 && frame[26] == 192 &&
		    (frame[18] << 8 | frame[19]) == id)
			return;
	}
}

/* Counters have no event to wait for. */
static void await_received(const struct mr_dataplane *dp, uint64_t packets)
{
	const struct mr_worker_counters *counters = mr_dataplane_counters(dp, 0);
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < DEADLINE_MS; i++) {
		if (MR_COUNTER_READ(counters->rx_packets) >= packets)
			break;
		nanosleep(&pause, NULL);
	}
	CHECK(MR_COUNTER_READ(counters->rx_packets) == packets);
}

/* The identification of the next segment from 192.0.2.7 that the kernel gets from LEFT. */
static uint16_t next_segment(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	for (;;) {
		uint8_t frame[256];
		ssize_t length;

		CHECK(poll(&wait, 1, DEADLINE_MS) == 1);
		length = recv(fd, frame, sizeof(frame), 0);
		if (length == 60 && frame[23] == 6 && frame[26] == 192)
			return (uint16_t)(frame[18] << 8 | frame[19]);
	}
}

/* Of SMTP and others in turn, the kernel gets the others only. Sockets for all see all. */
static void hide_smtp_from_the_kernel(void)
{
	const struct sockaddr_ll left = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(LEFT),
	};
	const int kernel = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	const int out = packet_socket(RIGHT);

	CHECK(kernel >= 0);
	CHECK(bind(kernel, (const struct sockaddr *)&left, sizeof(left)) == 0);
	for (uint16_t i = 0; i < 20; i++) {
		send_segment(out, 25, (uint16_t)(1000 + i));
		send_segment(out, 26, (uint16_t)(3000 + i));
		CHECK(next_segment(kernel) == 3000 + i);
	}
}

/* From the end of one process, whatever it was, to the orderly end of another. */
static void guards_sessions(enum mr_device_kind kind)
{
	const struct refusal refusals[] = {
		{"/ports/1/device: DPDK does not open net_nothing0: ",
		 {{"a", LEFT, kind}, {"b", "net_nothing0", MR_DEVICE_VDEV}},
		 2,
		 {own_core},
		 1},
	};

	held_kind = kind;
	kill_holder(hold_left(kind));
	CU_ASSERT(runs_well(hide_smtp_from_the_kernel));
	expect_refusals(refusals, 1);
	CU_ASSERT(guard_is_alone());
	CU_ASSERT(runs_well(come_and_fail));
	CU_ASSERT(guard_is_alone());
	CU_ASSERT(runs_well(hold_and_go));
	CU_ASSERT(guard_is_alone());
	CU_ASSERT(runs_well(hide_smtp_from_the_kernel));
	CU_ASSERT(runs_well(come_and_go));
	CU_ASSERT(left_is_clean());
	CU_ASSERT(runs_well(hold_and_go));
	CU_ASSERT(guard_is_alone());
	CU_ASSERT(runs_well(come_and_go));
	CU_ASSERT(left_is_clean());
}

static void af_xdp_guards_sessions(void)
{
	guards_sessions(MR_DEVICE_AF_XDP);
}

static void af_packet_guards_sessions(void)
{
	guards_sessions(MR_DEVICE_AF_PACKET);
}

static void publish_empty(struct mr_dataplane *dp)
{
	const struct mr_snapshot_sizes sizes = {0};
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);

	CHECK(snapshot != NULL);
	mr_dataplane_publish(dp, snapshot);
}

static void steer_segments(void)
{
	const uint8_t service[] = {10, 0, 0, 10};
	const struct mr_endpoint smtp = {.address = mr_addr_from_v4(service), .port = htons(25)};
	const struct mr_steering all = {.endpoints = &smtp, .endpoint_count = 1};
	const struct mr_steering none = {0};
	struct mr_dataplane *dp = create_on_left(MR_DEVICE_AF_XDP);
	const int kernel = packet_socket(LEFT);
	const int out = packet_socket(RIGHT);
	struct mr_port_info info;
	struct mr_error error = {""};

	publish_empty(dp);
	send_segment(out, 25, 1);
	await_segment(kernel, 1);
	CHECK(mr_dataplane_steer(dp, &all, &error) == 0);
	/* A segment that the kernel gets comes after one that it must not get. */
	for (uint16_t i = 0; i < 200; i++) {
		send_segment(out, 25, (uint16_t)(1000 + i));
		send_segment(out, 26, (uint16_t)(3000 + i));
		await_segment(kernel, (uint16_t)(3000 + i));
	}
	await_received(dp, 200);
	CHECK(mr_dataplane_steer(dp, &none, &error) == 0);
	send_segment(out, 25, 2);
	await_segment(kernel, 2);
	await_received(dp, 200);
	CHECK(mr_dataplane_port_info(dp, 0, &info) == 0);
	CHECK(info.rx_packets == 200 && info.link_up && info.mtu == 1500);
	CHECK(info.ifindex == (int)if_nametoindex(LEFT) && info.queues == 1);
	CHECK(mr_dataplane_port_info(dp, 1, &info) == -ENOENT);
	mr_dataplane_destroy(dp);
}

static void hands_over_what_is_steered(void)
{
	CU_ASSERT(runs_well(steer_segments));
	CU_ASSERT(left_is_clean());
}

static void publish_many(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct mr_dataplane *dp;
	bool reclaimed = false;

	pins->epoch_s -= 5000; /* as if a former process had left them */
	dp = create_on_left(MR_DEVICE_AF_PACKET);
	CHECK(mr_dataplane_reclaim(dp));
	/* More than wait at a time: publishing makes room by itself. */
	for (int i = 0; i < 1000; i++)
		publish_empty(dp);
	for (int i = 0; i < DEADLINE_MS && !reclaimed; i++) {
		reclaimed = mr_dataplane_reclaim(dp);
		nanosleep(&pause, NULL);
	}
	CHECK(reclaimed);
	CHECK(mr_dataplane_clock_s(dp) >= 5000 && mr_dataplane_clock_s(dp) < 5060);
	mr_dataplane_destroy(dp);
}

static void frees_retired_snapshots(void)
{
	CU_ASSERT(runs_well(publish_many));
	CU_ASSERT(left_is_clean());
}

static void look_into_the_probe_namespace(void)
{
	const struct mr_port_config port = {"null", "net_null0", MR_DEVICE_VDEV};
	struct mr_dataplane *dp;
	struct mr_error error = {""};
	struct ifreq ifr = {0};
	int fd;

	CHECK(create(&port, 1, &dp, &error) == 0);
	CHECK(if_nametoindex(LEFT) != 0);
	CHECK(if_nametoindex(MR_PROBE_INTERFACE) == 0);
	CHECK(setns(mr_dataplane_probe_netns(dp), CLONE_NEWNET) == 0);
	CHECK(if_nametoindex(LEFT) == 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(ifr.ifr_name, MR_PROBE_INTERFACE);
	CHECK(ioctl(fd, SIOCGIFFLAGS, &ifr) == 0);
	CHECK((ifr.ifr_flags & IFF_UP) != 0 && (ifr.ifr_flags & IFF_NOARP) != 0);
	close(fd);
	mr_dataplane_destroy(dp);
}

static void probes_have_a_namespace_of_their_own(void)
{
	CU_ASSERT(runs_well(look_into_the_probe_namespace));
	CU_ASSERT_EQUAL(if_nametoindex(MR_PROBE_INTERFACE), 0);
}

/* The kernel hands a frame's outer tag over beside the frame: it is put back. */
static ssize_t receive_frame(int fd, uint8_t frame[FRAME_BYTES_MAX])
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec place = {frame, FRAME_BYTES_MAX - 4};
	struct msghdr message = {
		.msg_iov = &place,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	const ssize_t length = recvmsg(fd, &message, 0);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct tpacket_auxdata beside;

	CHECK(length >= ETH_HLEN && header != NULL);
	memcpy(&beside, CMSG_DATA(header), sizeof(beside));
	if ((beside.tp_status & TP_STATUS_VLAN_VALID) == 0)
		return length;
	memmove(&frame[16], &frame[12], (size_t)length - 12);
	memcpy(&frame[12],
	       (uint8_t[]){(uint8_t)(beside.tp_vlan_tpid >> 8), (uint8_t)beside.tp_vlan_tpid,
			   (uint8_t)(beside.tp_vlan_tci >> 8), (uint8_t)beside.tp_vlan_tci},
	       4);
	return length + 4;
}

/* Waits for a frame to station 02:00:00:00:00:@station; others are skipped. */
static ssize_t await_frame_to(int fd, uint8_t station, uint8_t frame[FRAME_BYTES_MAX])
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, station};
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	ssize_t length;

	do {
		CHECK(poll(&wait, 1, DEADLINE_MS) == 1);
		length = receive_frame(fd, frame);
	} while (memcmp(frame, mac, sizeof(mac)) != 0);
	return length;
}

static void send_frame(int fd, const struct frame_spec *spec)
{
	struct frame_spec addressed = *spec;
	uint8_t frame[FRAME_BYTES_MAX];
	uint32_t bytes;

	mac_of(LEFT, addressed.to.addr_bytes);
	mac_of(RIGHT, addressed.from.addr_bytes);
	bytes = frame_build(&addressed, frame);
	CHECK(send(fd, frame, bytes, 0) == (ssize_t)bytes);
}

/* What a backend at 10.0.0.11 and 2001:db8::11 says to its clients is the service's. */
static const struct frame_spec nat_answers[] = {
	{.client = "10.0.0.11", .service = "192.0.2.7", .client_port = 25, .service_port = 40000},
	{.client = "2001:db8::11",
	 .service = "2001:db8:7::7",
	 .client_port = 25,
	 .service_port = 40000},
};

static struct mr_nat_source nat_source(uint32_t family)
{
	return (struct mr_nat_source){
		.address = frame_addr(nat_answers[family].client),
		.port = htons(25),
		.service_address = frame_addr(family == 0 ? "10.0.0.10" : "2001:db8::10"),
	};
}

static struct mr_dataplane *create_nat(void)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = 1,
		.pool_count = 1,
		.backend_capacity = 1,
		.nat_source_count = 2,
	};
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);
	const struct mr_nat_source sources[] = {nat_source(0), nat_source(1)};
	const struct mr_steering steering = {.nat_sources = sources, .nat_source_count = 2};
	struct mr_dataplane *dp = create_on_left(MR_DEVICE_AF_XDP);
	struct mr_error error = {""};

	CHECK(snapshot != NULL);
	CHECK(mr_snapshot_add_nat_source(snapshot, &sources[0]) == 0);
	CHECK(mr_snapshot_add_nat_source(snapshot, &sources[1]) == 0);
	mr_dataplane_publish(dp, snapshot);
	CHECK(mr_dataplane_steer(dp, &steering, &error) == 0);
	return dp;
}

static void route_answers(void)
{
	struct mr_dataplane *dp = create_nat();
	const int out = packet_socket(RIGHT);
	uint8_t frame[FRAME_BYTES_MAX];

	CHECK(if_nametoindex(KERNEL_SIDE) != 0);
	for (uint32_t family = 0; family < 2; family++) {
		const struct mr_nat_source source = nat_source(family);
		const uint8_t *address = source.service_address.bytes + (family == 0 ? 12 : 0);
		const size_t address_bytes = family == 0 ? 4 : 16;

		send_frame(out, &nat_answers[family]);
		CHECK(await_frame_to(out, 7, frame) > 0);
		CHECK(memcmp(&frame[ETH_HLEN + (family == 0 ? 12 : 8)], address, address_bytes) ==
		      0);
	}
	CHECK(last_warning[0] == '\0');
	mr_dataplane_destroy(dp);
}

static void the_kernel_routes_answers_of_nat(void)
{
	shell("ip neighbour replace 192.0.2.7 lladdr 02:00:00:00:00:07 dev " LEFT);
	shell("ip neighbour replace 2001:db8:7::7 lladdr 02:00:00:00:00:07 dev " LEFT);
	/* A host that is no router; kernels before 6.17 cannot forward then. */
	shell("test -e /proc/sys/net/ipv6/conf/lo/force_forwarding && value=0 || value=1; "
	      "sysctl -qw net.ipv6.conf.all.forwarding=$value net.ipv4.conf.all.rp_filter=0");
	CU_ASSERT(runs_well(route_answers));
	shell("sysctl -qw net.ipv4.conf.all.rp_filter=2");
	CU_ASSERT(runs_well(route_answers));
	CU_ASSERT(left_is_clean());
}

static void warn_of_the_filter(void)
{
	mr_dataplane_destroy(create_nat());
	CHECK(strcmp(last_warning,
		     "nat: IPv4 answers do not reach the clients: "
		     "net.ipv4.conf.{all," KERNEL_SIDE "}.rp_filter must not be 1") == 0);
}

static void warns_of_a_strict_reverse_path_filter(void)
{
	shell("sysctl -qw net.ipv4.conf.all.rp_filter=1");
	CU_ASSERT(runs_well(warn_of_the_filter));
	shell("sysctl -qw net.ipv4.conf.all.rp_filter=0");
}

static void warn_of_jumbo_frames(void)
{
	mr_dataplane_destroy(create_nat());
	CHECK(strstr(last_warning, "answers longer than 1504 bytes do not reach") != NULL);
}

static void warns_of_jumbo_frames_behind_nat(void)
{
	shell("ip link set " LEFT " mtu 3000");
	CU_ASSERT(runs_well(warn_of_jumbo_frames));
	shell("ip link set " LEFT " mtu 1500");
}

/* One backend, behind port 1. */
static struct mr_snapshot *snapshot_of_siblings(const struct mr_port_info *way_out)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = 1,
		.pool_count = 1,
		.backend_capacity = 1,
		.endpoint_count = 1,
	};
	const struct mr_endpoint smtp = {.address = frame_addr("10.0.0.10"), .port = htons(25)};
	const struct mr_way way = {
		.port = 1,
		.source_mac = way_out->mac,
		.next_hop = {{2, 0, 0, 0, 0, 0x11}},
		.tag_count = way_out->tag_count,
		.tags = {way_out->tags[0]},
		.mtu_bytes = way_out->mtu,
	};
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);

	CHECK(snapshot != NULL);
	snapshot->pools[0].slots = mr_slots_create(1, NULL);
	CHECK(snapshot->pools[0].slots != NULL);
	CHECK(mr_snapshot_add_endpoint(snapshot, &smtp) == 0);
	snapshot->backends[0].alive = true;
	snapshot->backends[0].address = frame_addr("10.0.0.11");
	CHECK(mr_backend_set_way(&snapshot->backends[0], &way) == 0);
	return snapshot;
}

static enum mr_device_kind sibling_kind;

static void forward_between_siblings(void)
{
	const struct mr_port_config ports[] = {
		{"in", LEFT, sibling_kind, {100}, 1},
		{"out", LEFT, sibling_kind, {200}, 1},
	};
	const struct frame_spec hello = {
		.client = "192.0.2.7",
		.service = "10.0.0.10",
		.client_port = 40000,
		.service_port = 25,
		.tags = {100},
		.tag_count = 1,
	};
	const struct mr_endpoint smtp = {.address = frame_addr("10.0.0.10"), .port = htons(25)};
	const struct mr_steering all = {.endpoints = &smtp, .endpoint_count = 1};
	const uint8_t tag_200[] = {0x81, 0, 0, 200, 8, 0};
	const int out = packet_socket(RIGHT);
	uint8_t frame[FRAME_BYTES_MAX];
	struct mr_port_info info;
	struct mr_dataplane *dp;
	struct mr_error error = {""};

	CHECK(create(ports, 2, &dp, &error) == 0);
	/* A veth's rx-vlan-offload hides no tags. */
	CHECK(sibling_kind != MR_DEVICE_AF_XDP || last_warning[0] == '\0');
	CHECK(mr_dataplane_port_info(dp, 1, &info) == 0);
	CHECK(info.tag_count == 1 && info.tags[0] == 200);
	CHECK(info.ifindex == (int)if_nametoindex(LEFT));
	mr_dataplane_publish(dp, snapshot_of_siblings(&info));
	CHECK(mr_dataplane_steer(dp, &all, &error) == 0);
	send_frame(out, &hello);
	CHECK(await_frame_to(out, 0x11, frame) > 0);
	CHECK(memcmp(&frame[12], tag_200, sizeof(tag_200)) == 0);
	/* With af_packet the device receives what is the kernel's as well. */
	if (sibling_kind == MR_DEVICE_AF_XDP)
		await_received(dp, 1);
	mr_dataplane_destroy(dp);
}

static void ports_share_a_device_by_tags(void)
{
	sibling_kind = MR_DEVICE_AF_XDP;
	CU_ASSERT(runs_well(forward_between_siblings));
	sibling_kind = MR_DEVICE_AF_PACKET;
	CU_ASSERT(runs_well(forward_between_siblings));
	CU_ASSERT(left_is_clean());
}

static void carry_jumbo_frames(void)
{
	const struct mr_port_config port = {"ring", "net_ring0", MR_DEVICE_VDEV, .mtu_bytes = 9000};
	struct mr_port_info info;
	struct mr_dataplane *dp;
	struct mr_error error = {""};

	CHECK(create(&port, 1, &dp, &error) == 0);
	CHECK(mr_dataplane_port_info(dp, 0, &info) == 0);
	CHECK(info.mtu == 9000 && info.ifindex == 0);
	CHECK(if_nametoindex(KERNEL_SIDE) == 0);
	mr_dataplane_destroy(dp);
}

/* The port takes them; its twin cannot, and the kernel knows. */
static void twin_a_jumbo_port(void)
{
	const struct mr_port_config port = {"wan", "net_ring0", MR_DEVICE_VDEV, .mtu_bytes = 9000,
					    .twin = true};
	struct mr_port_info info;
	struct mr_dataplane *dp;
	struct mr_error error = {""};

	CHECK(create(&port, 1, &dp, &error) == 0);
	CHECK(mr_dataplane_port_info(dp, 0, &info) == 0);
	CHECK(info.mtu == 9000 && info.ifindex == (int)if_nametoindex("wan"));
	CHECK(strstr(last_warning, "/ports/0/mtu: twin wan carries 1504 bytes") != NULL);
	shell("ip link show wan | grep -q 'mtu 1504 '");
	mr_dataplane_destroy(dp);
}

static void takes_jumbo_frames_in_segments(void)
{
	CU_ASSERT(runs_well(twin_a_jumbo_port));
	CU_ASSERT(runs_well(carry_jumbo_frames));
}

static void have_twins(void)
{
	const struct mr_port_config ports[] = {
		{"one", "net_null0", MR_DEVICE_VDEV, .mtu_bytes = 1400, .twin = true},
		{"two", "net_null0", MR_DEVICE_VDEV, {7}, 1, 1400, true},
	};
	struct mr_port_info info;
	struct mr_dataplane *dp;
	struct mr_error error = {""};

	CHECK(create(ports, 2, &dp, &error) == 0);
	for (uint32_t i = 0; i < 2; i++) {
		uint8_t mac[6];

		CHECK(mr_dataplane_port_info(dp, i, &info) == 0);
		CHECK(info.ifindex != 0 && info.ifindex == (int)if_nametoindex(ports[i].name));
		mac_of(ports[i].name, mac);
		CHECK(memcmp(mac, info.mac.addr_bytes, sizeof(mac)) == 0);
	}
	CHECK(shell_says_yes("ip link show one up | grep -q 'mtu 1400'"));
	CHECK(shell_says_yes("ip link show two up | grep -q 'mtu 1400'"));
	mr_dataplane_destroy(dp);
	CHECK(if_nametoindex("one") == 0 && if_nametoindex("two") == 0);
}

static void every_port_has_its_own_twin(void)
{
	CU_ASSERT(runs_well(have_twins));
}

/* The last core that this process may use, as mailraild's default. */
static void pick_core(void)
{
	cpu_set_t cpus;

	CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus))
			own_core = (uint16_t)cpu;
}

static void make_the_network(void)
{
	pick_core();
	pins = mr_pin_table_create(1000);
	CU_ASSERT_FATAL(pins != NULL);
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	shell("ip link add " LEFT " type veth peer name " RIGHT);
	shell("ip link set " LEFT " up && ip link set " RIGHT " up && ip link set lo up");
	/* The service is here; its clients are behind LEFT. */
	shell("ip address add 10.0.0.10/32 dev lo && ip address add 2001:db8::10/128 dev lo");
	shell("ip route add 192.0.2.0/24 dev " LEFT " && ip route add 2001:db8:7::/64 dev " LEFT);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(make_the_network),
		UNIT_TEST(refuses_what_cannot_work),
		UNIT_TEST(refuses_too_few_queues),
		UNIT_TEST(refuses_a_foreign_xdp_program),
		UNIT_TEST(leaves_a_foreign_xdp_program_on),
		UNIT_TEST(af_xdp_is_alone_and_survives_a_kill),
		UNIT_TEST(af_packet_is_alone_and_survives_a_kill),
		UNIT_TEST(leaves_a_foreign_tc_hook),
		UNIT_TEST(af_xdp_guards_sessions),
		UNIT_TEST(af_packet_guards_sessions),
		UNIT_TEST(hands_over_what_is_steered),
		UNIT_TEST(frees_retired_snapshots),
		UNIT_TEST(probes_have_a_namespace_of_their_own),
		UNIT_TEST(the_kernel_routes_answers_of_nat),
		UNIT_TEST(warns_of_a_strict_reverse_path_filter),
		UNIT_TEST(warns_of_jumbo_frames_behind_nat),
		UNIT_TEST(ports_share_a_device_by_tags),
		UNIT_TEST(takes_jumbo_frames_in_segments),
		UNIT_TEST(every_port_has_its_own_twin),
		CU_TEST_INFO_NULL,
	};
	int status;

	status = unit_run("dataplane", tests);
	mr_pin_table_destroy(pins);
	return status;
}
