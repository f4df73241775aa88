/* SPDX-License-Identifier: BSD-3-Clause */
/* What results about sessions have in common. */
#ifndef MAILRAIL_CONTROL_RPC_SESSION_H
#define MAILRAIL_CONTROL_RPC_SESSION_H

/* enum mr_pin_state, which begins at MR_PIN_EMBRYONIC. */
enum rpc_pin_state {
	RPC_PIN_EMBRYONIC,
	RPC_PIN_ESTABLISHED,
	RPC_PIN_CLOSING,
};

/* Their words, ended by NULL. */
extern const char *const rpc_pin_states[];

#endif
