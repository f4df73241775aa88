/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions in great numbers: nothing grows with how many there have been.
 *
 *	test_sessions_soak [steady SYNS | soak SESSIONS]
 *
 * steady: a tenth as many sessions and SYNs on steady slots leave no pin, and the process is no
 * larger than before. soak: sessions of a SYN, some segments and an end, thousands of them open at
 * a time, while the pools change and the process is killed and started again; prints gauges as it
 * goes, which stay within bounds that do not depend on SESSIONS; every packet must go where its SYN
 * went. SEED in the environment repeats a run.
 */
#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "../lib/session_world.h"
#include "../lib/test_eal.h"
#include "../lib/unit.h"

#define TABLE_SIZE	 65537
#define BUDGET		 65536
#define BURST		 32
#define OPEN_SESSIONS	 4096
#define DEFAULT_SYNS	 1000000
#define DEFAULT_SESSIONS 200000
#define ROWS		 20   /* of the table that the soak prints */
#define CHANGE_EVERY	 1000 /* sessions */
#define RESTART_EVERY	 20   /* changes */
#define QUIET_EVERY	 50   /* changes: then state must be back to zero */
/* The sanitizer keeps for a while what has been freed: there memory tells nothing. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_TELLS false
#else
#define MEMORY_TELLS true
#endif
/* What the first of ROWS has not needed already; a fleet that is made and one that goes. */
#define GROWTH_BYTES_MAX (16U << 20)

static struct world *world;
static uint64_t syns_wanted = DEFAULT_SYNS;
static uint64_t sessions_wanted = DEFAULT_SESSIONS;

/* --- the process itself */

static uint64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long total = 0, resident = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_FATAL(fscanf(file, "%lu %lu", &total, &resident) == 2);
	fclose(file);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint32_t open_files(void)
{
	DIR *files = opendir("/proc/self/fd");
	uint32_t count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(files);
	while (readdir(files) != NULL)
		count++;
	closedir(files);
	return count;
}

/* --- steady */

static void send_steadily(uint64_t syns, bool as_sessions)
{
	struct world_packet packets[BURST];

	for (uint64_t sent = 0; sent < syns; sent += BURST) {
		mr_backend_id backends[BURST];

		for (uint32_t i = 0; i < BURST; i++)
			packets[i] = (struct world_packet){
				.hash = draw_hash(),
				.flags = RTE_TCP_SYN_FLAG,
			};
		world_send(world, (uint32_t)(sent / BURST) % WORLD_WORKERS, world->publications,
			   packets, BURST);
		for (uint32_t i = 0; i < BURST; i++) {
			backends[i] = packets[i].backend;
			packets[i].flags = RTE_TCP_ACK_FLAG;
		}
		if (!as_sessions)
			continue;
		world_send(world, draw(WORLD_WORKERS), world->publications, packets, BURST);
		for (uint32_t i = 0; i < BURST; i++)
			CU_ASSERT_EQUAL_FATAL(packets[i].backend, backends[i]);
	}
}

static void test_steady_state_remembers_nothing(void)
{
	uint64_t before, after;

	world = world_create(&(struct world_shape){TABLE_SIZE, BUDGET}, NULL, NULL);
	send_steadily(BURST * 1000, true);
	before = resident_bytes();
	send_steadily(syns_wanted / 10, true);
	send_steadily(syns_wanted, false);
	after = resident_bytes();
	printf("[%" PRIu64 " SYNs: %" PRIu64 " KiB resident before, %" PRIu64
	       " KiB after, %u pins] ",
	       syns_wanted, before >> 10, after >> 10, world_pins(world));
	CU_ASSERT_EQUAL(world_pins(world), 0);
	CU_ASSERT(!MEMORY_TELLS || after <= before + (1U << 20));
	world_assert_nothing_is_remembered(world);
	world_destroy(world);
	world = NULL;
}

/* --- soak */

struct session {
	uint64_t hash; /* 0: none is open here */
	uint32_t pool;
	mr_backend_id backend; /* MR_BACKEND_NONE: it was gone */
	uint32_t segments_left;
};

static struct {
	struct session sessions[OPEN_SESSIONS];
	uint64_t begun;
	uint64_t changes;
	uint64_t warm_bytes; /* resident after the first row */
	uint32_t warm_files;
} soak;

static void on_change(void *context, const struct world_view *view)
{
	(void)context;
	for (uint32_t i = 0; i < OPEN_SESSIONS; i++) {
		struct session *session = &soak.sessions[i];

		if (session->hash != 0 && !world_is_alive(view, session->backend))
			session->backend = MR_BACKEND_NONE;
	}
}

static void plan(struct session *session, struct world_packet *packet)
{
	if (session->hash == 0) {
		*session = (struct session){
			.hash = draw_hash(),
			.pool = draw(WORLD_POOLS),
			.segments_left = 2 + draw(6),
		};
		soak.begun++;
		packet->flags = RTE_TCP_SYN_FLAG;
	} else {
		session->segments_left--;
		packet->flags = RTE_TCP_ACK_FLAG;
		if (session->segments_left == 0)
			packet->flags |= draw(2) == 0 ? RTE_TCP_FIN_FLAG : RTE_TCP_RST_FLAG;
	}
	packet->hash = session->hash;
	packet->pool = session->pool;
}

static void judge(struct session *session, const struct world_packet *packet)
{
	if (packet->flags == RTE_TCP_SYN_FLAG)
		session->backend = packet->verdict == UNDECIDED ? packet->backend : MR_BACKEND_NONE;
	else if (session->backend != MR_BACKEND_NONE)
		CU_ASSERT_EQUAL_FATAL(packet->backend, session->backend);
	if (session->segments_left == 0)
		session->hash = 0;
}

/* One packet each of sessions that lie next to each other. */
static void exchange(uint32_t first)
{
	struct world_packet packets[BURST];

	memset(packets, 0, sizeof(packets));
	for (uint32_t i = 0; i < BURST; i++)
		plan(&soak.sessions[first + i], &packets[i]);
	world_send(world, draw(WORLD_WORKERS), world->publications, packets, BURST);
	for (uint32_t i = 0; i < BURST; i++)
		judge(&soak.sessions[first + i], &packets[i]);
}

/* A packet of every session in a few seconds: none is silent for as long as a minute. */
static void exchange_all(void)
{
	for (uint32_t first = 0; first < OPEN_SESSIONS; first += BURST)
		exchange(first);
	world_set_time(world, world->now_s + 1 + draw(10));
}

static void change(void)
{
	struct world_hub *hub = &world->pools[draw(WORLD_POOLS)].hubs[draw(WORLD_HUBS)];

	switch (draw(4)) {
	case 0:
		hub->configured = !hub->configured;
		hub->address ^= draw(2);
		hub->state = CONFIG_BACKEND_ENABLED;
		break;
	case 1:
		hub->state = (enum config_backend_state)draw(2);
		break;
	case 2:
		hub->weight = 25 * (1 + draw(4));
		break;
	default:
		hub->down[0] = draw(3) == 0;
		break;
	}
	world_apply(world);
	world_check_health(world);
	soak.changes++;
	if (soak.changes % RESTART_EVERY == 0)
		world_restart(world, false);
}

/* All sessions end, and nobody changes anything for as long as sessions may be silent. */
static void be_quiet(void)
{
	for (uint32_t i = 0; i < OPEN_SESSIONS; i++) {
		struct world_packet packet = {
			.hash = soak.sessions[i].hash,
			.pool = soak.sessions[i].pool,
			.flags = RTE_TCP_RST_FLAG,
		};

		if (packet.hash != 0)
			world_send(world, draw(WORLD_WORKERS), world->publications, &packet, 1);
		soak.sessions[i].hash = 0;
	}
	world_set_time(world, world->now_s + WORLD_SILENCE_S(world->pools[0].idle_s));
	world_assert_nothing_is_remembered(world);
}

static void print_gauges(void)
{
	const uint64_t resident = resident_bytes();
	const uint32_t files = open_files();
	const uint32_t ids = world_roster_ids(world);

	printf("%10" PRIu64 " %8" PRIu64 " %9u %8" PRIu64 " %7u %8u %5u %5u\n", soak.begun,
	       soak.changes, world->lives, resident >> 10, world_pins(world),
	       world_moving_slots(world), ids, files);
	fflush(stdout);
	if (soak.warm_bytes == 0) {
		soak.warm_bytes = resident;
		soak.warm_files = files;
	}
	CU_ASSERT_FATAL(!MEMORY_TELLS || resident <= soak.warm_bytes + GROWTH_BYTES_MAX);
	CU_ASSERT_EQUAL_FATAL(files, soak.warm_files);
	/* Those of a minute in which a session that has ended is still remembered. */
	CU_ASSERT_FATAL(world_pins(world) < 16 * OPEN_SESSIONS);
	CU_ASSERT_FATAL(ids <= 2 * 2 * WORLD_POOLS * WORLD_HUBS);
}

static void soak_until(uint64_t begun)
{
	uint64_t next_change = soak.begun + CHANGE_EVERY;

	while (soak.begun < begun) {
		exchange_all();
		world_sweep(world);
		if (soak.begun < next_change)
			continue;
		next_change = soak.begun + CHANGE_EVERY;
		change();
		if (soak.changes % QUIET_EVERY == 0)
			be_quiet();
	}
}

static void test_gauges_stay_flat(void)
{
	memset(&soak, 0, sizeof(soak));
	world = world_create(&(struct world_shape){TABLE_SIZE, BUDGET}, on_change, NULL);
	printf("\n%10s %8s %9s %8s %7s %8s %5s %5s\n", "sessions", "changes", "processes",
	       "resident", "pins", "moving", "ids", "files");
	for (uint32_t row = 1; row <= ROWS; row++) {
		soak_until(sessions_wanted * row / ROWS);
		print_gauges();
	}
	be_quiet();
	world_destroy(world);
	world = NULL;
}

int main(int argc, char **argv)
{
	CU_TestInfo steady = UNIT_TEST(test_steady_state_remembers_nothing);
	CU_TestInfo flat = UNIT_TEST(test_gauges_stay_flat);
	CU_TestInfo tests[] = {steady, flat, CU_TEST_INFO_NULL};
	int status;

	if (argc == 3 && strcmp(argv[1], "steady") == 0) {
		syns_wanted = strtoull(argv[2], NULL, 10);
		tests[1] = (CU_TestInfo)CU_TEST_INFO_NULL;
	} else if (argc == 3 && strcmp(argv[1], "soak") == 0) {
		sessions_wanted = strtoull(argv[2], NULL, 10);
		tests[0] = flat;
		tests[1] = (CU_TestInfo)CU_TEST_INFO_NULL;
	} else if (argc > 1) {
		fprintf(stderr, "usage: %s [steady SYNS | soak SESSIONS]\n", argv[0]);
		return 2;
	}
	if (test_eal_start() < 0)
		return 2;
	srandom(unit_seed());
	status = unit_run("sessions_soak", tests);
	if (world != NULL)
		world_remove_files(world);
	test_eal_stop();
	return status;
}
