/* SPDX-License-Identifier: BSD-3-Clause */
#include "slots.h"

mr_slot slot_advance(mr_slot previous, mr_backend_id current, slots_alive_fn *alive,
		     const void *context, bool *out_stamp)
{
	const mr_backend_id old_current = mr_slot_current(previous);
	const mr_backend_id base = mr_slot_base(previous);

	*out_stamp = false;
	/*
	 * A base that is gone has no sessions to keep. But pins are heeded until a pass has shown
	 * that there are none: a moving slot's name other backends, and a steady one may still have
	 * those from before it settled, which must not be believed again at a later change.
	 */
	if (base != MR_BACKEND_NONE && !alive(context, base))
		return mr_slot_make(current, current, true);
	if (base == MR_BACKEND_NONE || base == current)
		return mr_slot_make(current, current, mr_slot_moving(previous));
	/* While base and current were one, sessions began there without a pin. */
	*out_stamp = old_current == base;
	return mr_slot_make(current, base, true);
}

mr_slot slot_settle(mr_slot previous, bool pinned_elsewhere, uint32_t unknown_s, uint32_t looked_s,
		    uint32_t idle_s)
{
	const mr_backend_id current = mr_slot_current(previous);
	const uint32_t quiet_s = looked_s > unknown_s ? looked_s - unknown_s : 0;
	const bool forgotten = mr_slot_base(previous) == current || quiet_s > idle_s;

	if (!mr_slot_moving(previous) || pinned_elsewhere || !forgotten)
		return previous;
	return mr_slot_make(current, current, false);
}
