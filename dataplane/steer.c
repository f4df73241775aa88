/* SPDX-License-Identifier: BSD-3-Clause */
#include "steer.h"

#include <syslog.h>

#include "tell.h"

static void keep_only(const struct steer *steer, const struct steering_keys *keys)
{
	for (uint32_t i = 0; i < steer->port_count; i++) {
		const struct port *port = &steer->ports[i];

		if (steering_is_open(&port->steering))
			steering_keep_only(&port->steering, keys);
		if (steering_is_open(&port->guard))
			steering_keep_only(&port->guard, keys);
	}
}

static int refuse(const struct port *port, const struct mr_error *cause, int code,
		  struct mr_error *error)
{
	return mr_error_set(error, code, "/ports/%u/device: %.480s", port->index, cause->text);
}

static int add(const struct steer *steer, const struct steering_keys *keys, struct mr_error *error)
{
	for (uint32_t i = 0; i < steer->port_count; i++) {
		const struct port *port = &steer->ports[i];
		struct mr_error cause = {""};
		int rc = 0;

		if (steering_is_open(&port->steering))
			rc = steering_add(&port->steering, keys, &cause);
		if (rc == 0 && steering_is_open(&port->guard))
			rc = steering_add(&port->guard, keys, &cause);
		if (rc != 0)
			return refuse(port, &cause, rc, error);
	}
	return 0;
}

/*
 * AF_PACKET cannot do without, for the kernel would answer each of its sessions with a reset.
 * With AF_XDP it matters only while no mailraild runs.
 */
static int attach_guard(const struct steer *steer, struct port *port, struct mr_error *error)
{
	struct mr_error cause = {""};
	const int rc = steering_tc_attach(&port->guard, &port->netdev, &cause);

	if (rc == 0)
		return 0;
	if (port->kind == MR_DEVICE_AF_PACKET)
		return refuse(port, &cause, rc, error);
	tell(steer->log, LOG_WARNING,
	     "/ports/%u/device: %.400s: should mailraild be killed, the kernel will reset sessions "
	     "until it runs again",
	     port->index, cause.text);
	return 0;
}

/* All that the former guards hid the new ones hide too: the maps are full. */
static int attach_guards(const struct steer *steer, struct mr_error *error)
{
	for (uint32_t i = 0; i < steer->port_count; i++) {
		int rc;

		if (!steering_is_open(&steer->ports[i].guard))
			continue;
		rc = attach_guard(steer, &steer->ports[i], error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static bool has_nat_source(const struct mr_steering *wanted, bool v4)
{
	for (uint32_t i = 0; i < wanted->nat_source_count; i++)
		if (mr_addr_is_v4(&wanted->nat_sources[i].address) == v4)
			return true;
	return false;
}

/* Once each: nat's answers, which the kernel is to route, may find no way through it. */
static void warn_of_settings(struct steer *steer, const struct mr_steering *wanted)
{
	const struct kernel_side *side = steer->kernel_side;
	struct mr_error setting = {""};

	if (!side->tap.plugged)
		return;
	if (!steer->width_told && wanted->nat_source_count > 0 &&
	    ports_widest_mtu_bytes(steer->ports, steer->port_count) > TAP_MTU_MAX_BYTES) {
		steer->width_told = true;
		tell(steer->log, LOG_WARNING,
		     "nat: answers longer than %u bytes do not reach the clients: give the pool an "
		     "\"mss\"",
		     TAP_MTU_MAX_BYTES);
	}
	if (!steer->settings_seen_v4 && has_nat_source(wanted, true)) {
		steer->settings_seen_v4 = true;
		if (kernel_side_is_blocked_v4(side, &setting))
			tell(steer->log, LOG_WARNING,
			     "nat: IPv4 answers do not reach the clients: %.400s", setting.text);
	}
	if (!steer->settings_seen_v6 && has_nat_source(wanted, false)) {
		steer->settings_seen_v6 = true;
		if (kernel_side_is_blocked_v6(side, &setting))
			tell(steer->log, LOG_WARNING,
			     "nat: IPv6 answers do not reach the clients: %.400s", setting.text);
	}
}

/* The first time: from here on this process answers for the guards, and its end takes them off. */
static int begin(struct steer *steer, struct mr_error *error)
{
	const int rc = attach_guards(steer, error);

	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < steer->port_count; i++)
		if (!steer->holds)
			steering_tc_own(&steer->ports[i].guard);
	steer->has_begun = true;
	return 0;
}

int steer_set(struct steer *steer, const struct mr_steering *wanted, struct mr_error *error)
{
	struct steering_keys keys;
	int rc = steering_keys_init(wanted, &keys);

	if (rc != 0)
		return mr_error_set(error, rc, "no memory for steering");
	rc = add(steer, &keys, error);
	if (rc != 0) {
		keep_only(steer, &steer->keys);
		goto err_free_keys;
	}
	/* Maps stay full when it fails: a guard that took another's place outlives us. */
	if (!steer->has_begun)
		rc = begin(steer, error);
	if (rc != 0)
		goto err_free_keys;
	keep_only(steer, &keys);
	steering_keys_fini(&steer->keys);
	steer->keys = keys;
	warn_of_settings(steer, wanted);
	return 0;

err_free_keys:
	steering_keys_fini(&keys);
	return rc;
}

void steer_hold(struct steer *steer)
{
	steer->holds = true;
	for (uint32_t i = 0; i < steer->port_count; i++)
		steering_tc_leave(&steer->ports[i].guard);
}

void steer_fini(struct steer *steer)
{
	steering_keys_fini(&steer->keys);
}
