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
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <mailrail/dataplane.h>

#include "../lib/unit.h"

#define LEFT  "left"
#define RIGHT "right"

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
	return xdp_program() == 0 && !has_clsact() && if_nametoindex(MR_PROBE_INTERFACE) == 0;
}

static int create(const struct mr_port_config *ports, uint32_t port_count,
		  struct mr_dataplane **out, struct mr_error *error)
{
	const struct mr_dataplane_config config = {
		.ports = ports,
		.port_count = port_count,
		.cores = &own_core,
		.worker_count = 1,
		.pin_budget = 1000,
	};

	return mr_dataplane_create(&config, NULL, out, error);
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
		.pin_budget = 1000,
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

/* One process that holds the port until it is killed, as the world sees it. */

static int ready_pipe[2];
static enum mr_device_kind held_kind;

static void hold(void)
{
	create_on_left(held_kind);
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
	mr_dataplane_destroy(create_on_left(held_kind));
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

	CU_ASSERT(kind == MR_DEVICE_AF_XDP ? xdp_program() != 0 : has_clsact());
	expect_refusals(refusals, 2);
	CU_ASSERT(kind == MR_DEVICE_AF_XDP ? xdp_program() != 0 : has_clsact());
	CU_ASSERT_EQUAL(if_nametoindex(MR_PROBE_INTERFACE), 0);
	kill_holder(child);
	CU_ASSERT_FALSE(left_is_clean());
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

	CHECK(fd >= 0);
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
	struct mr_dataplane *dp = create_on_left(MR_DEVICE_AF_XDP);
	const int kernel = packet_socket(LEFT);
	const int out = packet_socket(RIGHT);
	struct mr_port_info info;
	struct mr_error error = {""};

	publish_empty(dp);
	send_segment(out, 25, 1);
	await_segment(kernel, 1);
	CHECK(mr_dataplane_steer(dp, &smtp, 1, NULL, 0, &error) == 0);
	/* A segment that the kernel gets comes after one that it must not get. */
	for (uint16_t i = 0; i < 200; i++) {
		send_segment(out, 25, (uint16_t)(1000 + i));
		send_segment(out, 26, (uint16_t)(3000 + i));
		await_segment(kernel, (uint16_t)(3000 + i));
	}
	await_received(dp, 200);
	CHECK(mr_dataplane_steer(dp, NULL, 0, NULL, 0, &error) == 0);
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
	struct mr_dataplane *dp = create_on_left(MR_DEVICE_AF_PACKET);
	const struct timespec pause = {.tv_nsec = 1000000};
	bool reclaimed = false;

	CHECK(mr_dataplane_reclaim(dp));
	/* More than wait at a time: publishing makes room by itself. */
	for (int i = 0; i < 1000; i++)
		publish_empty(dp);
	for (int i = 0; i < DEADLINE_MS && !reclaimed; i++) {
		reclaimed = mr_dataplane_reclaim(dp);
		nanosleep(&pause, NULL);
	}
	CHECK(reclaimed);
	CHECK(mr_dataplane_clock_s(dp) < 60);
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
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	shell("ip link add " LEFT " type veth peer name " RIGHT);
	shell("ip link set " LEFT " up && ip link set " RIGHT " up");
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
		UNIT_TEST(hands_over_what_is_steered),
		UNIT_TEST(frees_retired_snapshots),
		UNIT_TEST(probes_have_a_namespace_of_their_own),
		CU_TEST_INFO_NULL,
	};

	return unit_run("dataplane", tests);
}
