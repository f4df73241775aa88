/* SPDX-License-Identifier: BSD-3-Clause */
#include "pktgen_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address_text.h"

static const char help[] =
	"Usage: mailrail-pktgen EAL-OPTION... -- --profile PROFILE [OPTION...]\n"
	"       mailrail-pktgen --profile PROFILE --pcap FILE [OPTION...]\n"
	"       mailrail-pktgen --profile-list | --profile-show NAME | --profile-schema\n"
	"\n"
	"Sends SMTP-like sessions through a load balancer on DPDK ports, and says what\n"
	"became of every packet.\n"
	"\n"
	"  -p, --profile PROFILE         a name from --profile-list, or a JSON file\n"
	"  -S, --sessions-per-second N   begin sessions at this rate, or\n"
	"  -P, --packets-per-second N    send packets at this rate; 1.5M and 20k are\n"
	"                                understood. Default: as fast as it goes\n"
	"  -t, --seconds N               how long to send (default 10)\n"
	"  -o, --open N                  sessions that can be open at once (default 1M)\n"
	"      --drain N                 seconds to wait for the last packets (default 1)\n"
	"      --tx PORT                 send here (default 0; \"none\")\n"
	"      --rx PORT                 receive here too; repeatable (default: port 1 if\n"
	"                                there is one, or the one that sends; \"none\")\n"
	"      --to MAC                  the balancer (default 02:00:00:00:00:01)\n"
	"      --from MAC                instead of the port's own\n"
	"      --service ADDRESS         instead of the profile's services; repeatable\n"
	"      --source PREFIX           instead of the profile's sources; repeatable\n"
	"      --ipv6 PERCENT            share of IPv6 among the sessions\n"
	"      --vlan ID                 tag the frames; twice for two tags\n"
	"      --seed N                  other addresses and times (default 1)\n"
	"      --backends-by WHAT        how backends are told apart: mac (default),\n"
	"                                outer or address\n"
	"      --gue-port PORT           UDP port of GUE (default 6080)\n"
	"      --json FILE               write results there; \"-\" for standard output\n"
	"      --pcap FILE               write the traffic there instead of sending it\n"
	"      --packets N               how many of them (default: those of --seconds)\n"
	"      --search SIZES            look for the highest rate without loss for each\n"
	"                                frame size: 64,1518,imix,profile or \"all\"\n"
	"      --resolution PERCENT      how exactly (default 1)\n"
	"      --loss PERCENT            that a rate may have and still pass (default 0)\n"
	"      --profile-list            name the profiles that come along, and exit\n"
	"      --profile-show NAME       print one, as a beginning for one's own, and exit\n"
	"      --profile-schema          print the JSON Schema of profiles, and exit\n"
	"  -V, --version                 print the version, and exit\n"
	"  -h, --help                    print this, and exit\n"
	"\n"
	"Exit status: 0 when it ran, 1 when something is in the way, 2 for a wrong command\n"
	"line. See mailrail-pktgen(8).\n";

enum {
	OPTION_DRAIN = 256,
	OPTION_TX,
	OPTION_RX,
	OPTION_TO,
	OPTION_FROM,
	OPTION_SERVICE,
	OPTION_SOURCE,
	OPTION_IPV6,
	OPTION_VLAN,
	OPTION_SEED,
	OPTION_BACKENDS_BY,
	OPTION_GUE_PORT,
	OPTION_JSON,
	OPTION_PCAP,
	OPTION_PACKETS,
	OPTION_SEARCH,
	OPTION_RESOLUTION,
	OPTION_LOSS,
	OPTION_LIST,
	OPTION_SHOW,
	OPTION_SCHEMA,
};

static const struct option long_options[] = {
	{"profile", required_argument, NULL, 'p'},
	{"sessions-per-second", required_argument, NULL, 'S'},
	{"packets-per-second", required_argument, NULL, 'P'},
	{"seconds", required_argument, NULL, 't'},
	{"open", required_argument, NULL, 'o'},
	{"drain", required_argument, NULL, OPTION_DRAIN},
	{"tx", required_argument, NULL, OPTION_TX},
	{"rx", required_argument, NULL, OPTION_RX},
	{"to", required_argument, NULL, OPTION_TO},
	{"from", required_argument, NULL, OPTION_FROM},
	{"service", required_argument, NULL, OPTION_SERVICE},
	{"source", required_argument, NULL, OPTION_SOURCE},
	{"ipv6", required_argument, NULL, OPTION_IPV6},
	{"vlan", required_argument, NULL, OPTION_VLAN},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"backends-by", required_argument, NULL, OPTION_BACKENDS_BY},
	{"gue-port", required_argument, NULL, OPTION_GUE_PORT},
	{"json", required_argument, NULL, OPTION_JSON},
	{"pcap", required_argument, NULL, OPTION_PCAP},
	{"packets", required_argument, NULL, OPTION_PACKETS},
	{"search", required_argument, NULL, OPTION_SEARCH},
	{"resolution", required_argument, NULL, OPTION_RESOLUTION},
	{"loss", required_argument, NULL, OPTION_LOSS},
	{"profile-list", no_argument, NULL, OPTION_LIST},
	{"profile-show", required_argument, NULL, OPTION_SHOW},
	{"profile-schema", no_argument, NULL, OPTION_SCHEMA},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void leave(struct pktgen_options *options, int exit_status)
{
	options->action = PKTGEN_EXIT;
	options->exit_status = exit_status;
}

static void complain(struct pktgen_options *options, const char *what, const char *complaint)
{
	fprintf(stderr, "mailrail-pktgen: %s%s; try --help\n", what, complaint);
	leave(options, 2);
}

/* A number with k or M behind it or not, within limits. */
static double number(struct pktgen_options *options, double min, double max)
{
	char *end;
	double value = strtod(optarg, &end);

	if (*end == 'k' || *end == 'M')
		value *= *end++ == 'k' ? 1e3 : 1e6;
	if (end == optarg || *end != '\0' || !(value >= min && value <= max)) {
		complain(options, optarg, ": not a number, or out of range");
		return min;
	}
	return value;
}

static void append(struct pktgen_options *options, const char *member, json_t *element)
{
	json_t *list = json_object_get(options->overrides, member);

	if (!list) {
		list = json_array();
		json_object_set_new(options->overrides, member, list);
	}
	json_array_append_new(list, element);
}

static void set_mac(struct pktgen_options *options, struct rte_ether_addr *out)
{
	if (!mac_parse(optarg, out))
		complain(options, optarg, ": not a MAC address");
}

static void set_backends_by(struct pktgen_options *options)
{
	static const char *const words[] = {[ROSTER_BY_MAC] = "mac",
					    [ROSTER_BY_OUTER] = "outer",
					    [ROSTER_BY_ADDRESS] = "address"};

	for (uint32_t i = 0; i < RTE_DIM(words); i++) {
		if (strcmp(optarg, words[i]) == 0) {
			options->backends_by = (enum roster_by)i;
			return;
		}
	}
	complain(options, optarg, ": backends are told apart by mac, outer or address");
}

static void add_rx(struct pktgen_options *options)
{
	if (options->rx_count == RECEIVER_NICS_MAX)
		complain(options, optarg, ": too many --rx");
	else
		options->rx[options->rx_count++] = optarg;
}

static void set_pace(struct pktgen_options *options, enum pace pace)
{
	options->pace = pace;
	options->rate = number(options, 0.001, 1e9);
}

static void set_action(struct pktgen_options *options, enum pktgen_action action)
{
	if (options->action == PKTGEN_RUN)
		options->action = action;
	else if (options->action != PKTGEN_EXIT)
		complain(options, "", "one thing at a time: run, search, pcap, or show");
}

/* What is asked of the traffic itself. */
static bool set_traffic(struct pktgen_options *options, int option)
{
	switch (option) {
	case OPTION_SERVICE:
		append(options, "services", json_pack("{s:s}", "address", optarg));
		return true;
	case OPTION_SOURCE:
		append(options, "sources", json_pack("{s:s}", "prefix", optarg));
		return true;
	case OPTION_VLAN:
		append(options, "vlan", json_integer((json_int_t)number(options, 1, 4094)));
		return true;
	case OPTION_IPV6:
		json_object_set_new(options->overrides, "ipv6_percent",
				    json_integer((json_int_t)number(options, 0, 100)));
		return true;
	case OPTION_SEED:
		options->seed = (uint64_t)number(options, 0, 1e15);
		return true;
	case OPTION_TO:
		set_mac(options, &options->to);
		return true;
	case OPTION_FROM:
		set_mac(options, &options->from);
		options->has_from = true;
		return true;
	case 'p':
		options->profile = optarg;
		return true;
	case 'S':
		set_pace(options, PACE_SESSIONS);
		return true;
	case 'P':
		set_pace(options, PACE_PACKETS);
		return true;
	case 'o':
		options->open_max = (uint32_t)number(options, 1, PLANNED_SLOTS);
		return true;
	case 't':
		options->seconds = number(options, 0.001, 1e7);
		return true;
	default:
		return false;
	}
}

/* Ports, and what becomes of packets and results. */
static bool set_places(struct pktgen_options *options, int option)
{
	switch (option) {
	case OPTION_TX:
		options->tx = optarg;
		return true;
	case OPTION_RX:
		add_rx(options);
		return true;
	case OPTION_DRAIN:
		options->drain_seconds = number(options, 0, 1000);
		return true;
	case OPTION_BACKENDS_BY:
		set_backends_by(options);
		return true;
	case OPTION_GUE_PORT:
		options->gue_port = (uint16_t)number(options, 1, UINT16_MAX);
		return true;
	case OPTION_JSON:
		options->json = optarg;
		return true;
	case OPTION_PACKETS:
		options->packets = (uint64_t)number(options, 1, 1e12);
		return true;
	case OPTION_RESOLUTION:
		options->resolution = number(options, 0.01, 50) / 100;
		return true;
	case OPTION_LOSS:
		options->loss = number(options, 0, 100) / 100;
		return true;
	default:
		return false;
	}
}

static void set(struct pktgen_options *options, int option)
{
	if (set_traffic(options, option) || set_places(options, option))
		return;
	switch (option) {
	case OPTION_PCAP:
		options->pcap = optarg;
		set_action(options, PKTGEN_PCAP);
		break;
	case OPTION_SEARCH:
		options->sizes = optarg;
		set_action(options, PKTGEN_SEARCH);
		break;
	case OPTION_LIST:
		set_action(options, PKTGEN_LIST);
		break;
	case OPTION_SHOW:
		options->profile = optarg;
		set_action(options, PKTGEN_SHOW);
		break;
	case OPTION_SCHEMA:
		set_action(options, PKTGEN_SCHEMA);
		break;
	case 'V':
		puts("mailrail-pktgen " MAILRAIL_VERSION);
		leave(options, 0);
		break;
	case 'h':
		fputs(help, stdout);
		leave(options, 0);
		break;
	default:
		leave(options, 2); /* getopt_long has said why */
		break;
	}
}

static void check_whole(struct pktgen_options *options, int words)
{
	if (words > 0)
		complain(options, "", "takes options only");
	else if (!options->profile &&
		 (options->action == PKTGEN_RUN || options->action == PKTGEN_PCAP))
		complain(options, "", "--profile is missing");
}

void pktgen_options_parse(int argc, char **argv, struct pktgen_options *out)
{
	int option;

	*out = (struct pktgen_options){
		.overrides = json_object(),
		.pace = PACE_FREE,
		.open_max = 1000000,
		.seconds = 10,
		.drain_seconds = 1,
		.tx = "0",
		.to = {{0x02, 0, 0, 0, 0, 0x01}},
		.gue_port = 6080,
		.seed = 1,
		.resolution = 0.01,
	};
	optind = 1;
	while (out->action != PKTGEN_EXIT &&
	       (option = getopt_long(argc, argv, "p:S:P:t:o:Vh", long_options, NULL)) != -1)
		set(out, option);
	if (out->action != PKTGEN_EXIT)
		check_whole(out, argc - optind);
}

void pktgen_options_fini(struct pktgen_options *options)
{
	json_decref(options->overrides);
}
