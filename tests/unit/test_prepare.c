/* SPDX-License-Identifier: BSD-3-Clause */
/* What the scripts say for each system and forwarding mode; that they work is tested end to end. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#include "../lib/config_text.h"
#include "../lib/unit.h"
#include "address_text.h"
#include "prepare.h"

/* Two services of both families on the pool under test, and one on another. */
static const char frame[] =
	"{'node': {'name': 'lb1', 'key': '%064d'},"
	" 'ports': [{'name': 'lan', 'device': 'af_xdp:eth0'}],"
	" 'pools': [{'name': 'hubs', 'forwarding': '%s',"
	"   'backends': [{'name': 'hub1', 'address': '%s'}]},"
	"  {'name': 'other', 'forwarding': 'l2dsr',"
	"   'backends': [{'name': 'hub1', 'address': '10.0.0.11'}]}],"
	" 'services': [%s"
	"  {'name': 'relay', 'namespace': 'relay.example.com', 'addresses': ['10.0.0.99'],"
	"   'ports': [25], 'pool': 'other'}]}";
static const char services_both[] =
	"{'name': 'smtp', 'namespace': 'mail.example.com',"
	" 'addresses': ['10.0.0.10', '2001:db8::10'], 'ports': [25, 587], 'pool': 'hubs'},"
	"{'name': 'mx', 'namespace': 'mx.example.com', 'addresses': ['10.0.0.20'],"
	" 'ports': [25], 'pool': 'hubs'},";
static const char services_v4[] =
	"{'name': 'smtp', 'namespace': 'mail.example.com', 'addresses': ['10.0.0.10'],"
	" 'ports': [25, 587], 'pool': 'hubs'},";
static const char services_v6[] =
	"{'name': 'smtp', 'namespace': 'mail.example.com', 'addresses': ['2001:db8::10'],"
	" 'ports': [25], 'pool': 'hubs'},";

static struct config *config_make(const char *forwarding, const char *address, const char *services)
{
	return config_from_text(frame, 0, forwarding, address, services);
}

struct row {
	const char *text;
	enum prepare_os os;
	const char *forwarding;
	const char *address;
	const char *services;
	const char *from; /* NULL: not known */
	uint16_t packet_max_bytes;
	bool anonymous;
	const char *in_order[16]; /* parts of lines, each behind the one before */
	const char *nowhere[4];
};

static const struct row rows[] = {
	{
		.text = "Linux, l2dsr: silence before the addresses, of this pool's services only",
		.os = PREPARE_LINUX,
		.forwarding = "l2dsr",
		.address = "10.0.0.11",
		.services = services_both,
		.from = "10.0.0.2",
		.packet_max_bytes = 1500,
		.in_order = {"set -e", "ip -o address show to 10.0.0.11 ", "arp_ignore=1",
			     "arp_announce=2", "rp_filter=2",
			     "ip -4 address replace 10.0.0.10/32 dev lo",
			     "ip -6 address replace 2001:db8::10/128 dev lo nodad preferred_lft 0",
			     "ip -4 address replace 10.0.0.20/32 dev lo"},
		.nowhere = {"10.0.0.99", "mailrail-decap", "advmss", "via"},
	},
	{
		.text = "Linux, l2dsr, IPv6 alone: no ARP",
		.os = PREPARE_LINUX,
		.forwarding = "l2dsr",
		.address = "2001:db8::11",
		.services = services_v6,
		.packet_max_bytes = 1500,
		.in_order = {"ip -6 address replace 2001:db8::10/128 dev lo nodad"},
		.nowhere = {"arp_ignore", "rp_filter", "advmss"},
	},
	{
		.text = "Linux, ipip: segments of 1480 bytes without their headers",
		.os = PREPARE_LINUX,
		.forwarding = "ipip",
		.address = "10.0.0.11",
		.services = services_both,
		.from = "10.0.0.2",
		.packet_max_bytes = 1480,
		.in_order = {"arp_ignore=1", "address replace 10.0.0.10/32",
			     "ip -o -4 route show default", "advmss 1440",
			     "ip -o -6 route show default", "from=${from:-10.0.0.2}",
			     "--to 10.0.0.11", "--from \"$address\"", "exec mailrail-decap"},
		.nowhere = {"--gue-port", "fou"},
	},
	{
		.text = "Linux, ipip, IPv6: 60 bytes of inner headers",
		.os = PREPARE_LINUX,
		.forwarding = "ipip",
		.address = "2001:db8::11",
		.services = services_v6,
		.from = "2001:db8:1::/64",
		.packet_max_bytes = 1460,
		.in_order = {"default advmss 1400", "ip6tnl mode any local 2001:db8::11",
			     "from=${from:-2001:db8:1::/64}", "exec mailrail-decap"},
		.nowhere = {"ip -o -4", "arp_ignore"},
	},
	{
		.text = "Linux, gue, no way known yet: it asks, and assumes Ethernet",
		.os = PREPARE_LINUX,
		.forwarding = "gue",
		.address = "2001:db8::11",
		.services = services_both,
		.in_order = {"default advmss 1412", "default advmss 1392",
			     "ip fou add port 6081 gue -6", "from=${from:?", "--gue-port 6081",
			     "exec mailrail-decap"},
	},
	{
		.text = "Linux, nat: a route, and no service address",
		.os = PREPARE_LINUX,
		.forwarding = "nat",
		.address = "10.0.0.11",
		.services = services_v4,
		.from = "10.0.0.2",
		.packet_max_bytes = 1500,
		.in_order = {"balancer=${balancer:-10.0.0.2}", "all/accept_redirects=0",
			     "$dev/accept_redirects=0",
			     "ip -4 route replace default via \"$balancer\""},
		.nowhere = {"10.0.0.10", "arp_ignore", "mailrail-decap"},
	},
	{
		.text = "Linux, nat, IPv6",
		.os = PREPARE_LINUX,
		.forwarding = "nat",
		.address = "2001:db8::11",
		.services = services_v6,
		.from = "2001:db8::2",
		.packet_max_bytes = 1500,
		.in_order = {"balancer=${balancer:-2001:db8::2}", "accept_ra_defrtr=0",
			     "ip -6 route replace default via \"$balancer\""},
		.nowhere = {"2001:db8::10"},
	},
	{
		.text = "FreeBSD, l2dsr",
		.os = PREPARE_FREEBSD,
		.forwarding = "l2dsr",
		.address = "10.0.0.11",
		.services = services_both,
		.packet_max_bytes = 1500,
		.in_order = {"ifconfig lo0 inet 10.0.0.10/32 alias",
			     "ifconfig lo0 inet6 2001:db8::10/128 alias"},
		.nowhere = {"gif", "route change"},
	},
	{
		.text = "FreeBSD, ipip",
		.os = PREPARE_FREEBSD,
		.forwarding = "ipip",
		.address = "10.0.0.11",
		.services = services_both,
		.from = "10.0.0.2",
		.packet_max_bytes = 1480,
		.in_order = {"ifconfig lo0", "balancer=${balancer:-10.0.0.2}",
			     "inet tunnel 10.0.0.11 \"$balancer\"", "inet6 -ifdisabled", " up",
			     "route change -inet default -mtu 1480",
			     "route change -inet6 default -mtu 1480"},
	},
	{
		.text = "FreeBSD, nat",
		.os = PREPARE_FREEBSD,
		.forwarding = "nat",
		.address = "10.0.0.11",
		.services = services_v4,
		.in_order = {"balancer=${balancer:?", "drop_redirect=1",
			     "route change -inet default \"$balancer\""},
		.nowhere = {"10.0.0.10", "gif"},
	},
	{
		.text = "Windows, l2dsr: addresses before connectors, nobody has permission",
		.os = PREPARE_WINDOWS,
		.forwarding = "l2dsr",
		.address = "10.0.0.11",
		.services = services_both,
		.in_order = {"Get-NetIPAddress -IPAddress 10.0.0.11", "$lan -AddressFamily IPv4",
			     "-WeakHostSend Enabled", "$lan -AddressFamily IPv6",
			     "-IPAddress 10.0.0.10 -PrefixLength 32 -SkipAsSource $true",
			     "-IPAddress 2001:db8::10 -PrefixLength 128 -SkipAsSource $true",
			     "-IPAddress 10.0.0.20 -PrefixLength 32",
			     "New-ReceiveConnector -Server $env:COMPUTERNAME -Name 'mailrail smtp'",
			     " -Bindings '10.0.0.10:25','10.0.0.10:587',",
			     "'[2001:db8::10]:25','[2001:db8::10]:587' -RemoteIPRanges '0.0.0.0-",
			     "-Fqdn mail.example.com",
			     "-LocalAddress '10.0.0.10','2001:db8::10' -LocalPort 25,587",
			     "'mailrail mx' -Custom -Bindings '10.0.0.20:25' ",
			     "-Fqdn mx.example.com"},
		.nowhere = {"10.0.0.99", "AnonymousUsers", "New-NetRoute"},
	},
	{
		.text = "Windows, l2dsr, anonymous",
		.os = PREPARE_WINDOWS,
		.forwarding = "l2dsr",
		.address = "10.0.0.11",
		.services = services_v4,
		.anonymous = true,
		.in_order = {"New-ReceiveConnector",
			     "Set-ReceiveConnector \"$env:COMPUTERNAME\\mailrail smtp\"",
			     "-PermissionGroups AnonymousUsers"},
		.nowhere = {"Nobody", "IPv6"},
	},
	{
		.text = "Windows, nat: the connector is bound to the server's own address",
		.os = PREPARE_WINDOWS,
		.forwarding = "nat",
		.address = "10.0.0.11",
		.services = services_v4,
		.from = "10.0.0.2",
		.in_order = {"$balancer = '10.0.0.2'", "-NextHop $balancer",
			     "-Bindings '10.0.0.11:25','10.0.0.11:587' ",
			     "-LocalAddress '10.0.0.11' -LocalPort 25,587"},
		.nowhere = {"10.0.0.10", "Loopback"},
	},
};

static struct config *row_begin(const struct row *row, struct prepare_request *out)
{
	struct config *config = config_make(row->forwarding, row->address, row->services);

	*out = (struct prepare_request){
		.os = row->os,
		.anonymous = row->anonymous,
		.config = config,
		.from_known = row->from != NULL,
		.gue_port = 6081,
		.packet_max_bytes = row->packet_max_bytes,
	};
	if (row->from)
		CU_ASSERT_EQUAL(prefix_parse(row->from, &out->from), PREFIX_OK);
	return config;
}

static bool is_somewhere(const struct prepare_script *script, const char *part, uint32_t *line,
			 const char **rest)
{
	for (; *line < script->count; ++*line, *rest = NULL) {
		const char *found = strstr(*rest ? *rest : script->lines[*line], part);

		if (!found)
			continue;
		*rest = found + strlen(part);
		return true;
	}
	return false;
}

static void check_row(const struct row *row, const struct prepare_script *script)
{
	uint32_t line = 0;
	const char *rest = NULL;

	for (size_t i = 0; i < RTE_DIM(row->in_order) && row->in_order[i]; i++) {
		if (is_somewhere(script, row->in_order[i], &line, &rest))
			continue;
		printf("\n%s: \"%s\" is missing or too early\n", row->text, row->in_order[i]);
		CU_FAIL("a command is missing");
		line = 0;
	}
	for (size_t i = 0; i < RTE_DIM(row->nowhere) && row->nowhere[i]; i++) {
		line = 0;
		rest = NULL;
		if (!is_somewhere(script, row->nowhere[i], &line, &rest))
			continue;
		printf("\n%s: \"%s\" should not be there\n", row->text, row->nowhere[i]);
		CU_FAIL("a command is too much");
	}
}

/* The shell reads every command, and runs none. */
static void check_syntax(const struct row *row, const struct prepare_script *script)
{
	FILE *shell;

	if (row->os == PREPARE_WINDOWS)
		return;
	shell = popen("sh -n", "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(shell);
	for (uint32_t i = 0; i < script->count; i++)
		fprintf(shell, "%s\n", script->lines[i]);
	CU_ASSERT_EQUAL(pclose(shell), 0);
}

static void test_scripts(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prepare_script script = {0};
		struct prepare_request request;
		struct config *config = row_begin(&rows[i], &request);
		struct mr_error error = {.text = ""};

		CU_ASSERT_EQUAL(prepare_write(&request, &script, &error), 0);
		CU_ASSERT_STRING_EQUAL(error.text, "");
		for (uint32_t line = 0; line < script.count; line++)
			CU_ASSERT_PTR_NULL(strchr(script.lines[line], '\n'));
		check_row(&rows[i], &script);
		check_syntax(&rows[i], &script);
		prepare_script_fini(&script);
		config_free(config);
	}
}

static void test_refusals(void)
{
	static const struct row refused[] = {
		{"Windows cannot take packets out of ipip", PREPARE_WINDOWS, "ipip", "10.0.0.11",
		 services_both},
		{"Windows cannot take packets out of gue", PREPARE_WINDOWS, "gue", "10.0.0.11",
		 services_both},
		{"FreeBSD cannot take packets out of GUE", PREPARE_FREEBSD, "gue", "10.0.0.11",
		 services_both},
		{"FreeBSD's gif takes tunnels from one address only", PREPARE_FREEBSD, "ipip",
		 "10.0.0.11", services_both, .from = "10.1.0.0/24"},
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct prepare_script script = {0};
		struct prepare_request request;
		struct config *config = row_begin(&refused[i], &request);
		struct mr_error error = {.text = ""};

		CU_ASSERT_EQUAL(prepare_write(&request, &script, &error), -EOPNOTSUPP);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.text, refused[i].text));
		CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "\"hubs\""));
		CU_ASSERT_EQUAL(script.count, 0);
		prepare_script_fini(&script);
		config_free(config);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_scripts),
		UNIT_TEST(test_refusals),
		CU_TEST_INFO_NULL,
	};

	return unit_run("prepare", tests);
}
