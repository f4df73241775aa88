/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file that a pin table lies in: a header on a page of its own, then the table's buckets, to
 * the end. Numbers are in the machine's byte order: what the file tells of has passed on any
 * other machine.
 */
#ifndef MAILRAIL_DATAPLANE_PIN_FILE_H
#define MAILRAIL_DATAPLANE_PIN_FILE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>

#define PIN_FILE_MAGIC	      0x736e69706c69616dULL /* "mailpins" on a little-endian machine */
#define PIN_FILE_VERSION      1
#define PIN_FILE_HEADER_BYTES 4096 /* what struct pin_file_header leaves of them is zero */

struct pin_file_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes;
	uint32_t bucket_bytes;
	uint32_t bucket_count;
	uint32_t budget;
	uint32_t unused; /* 0 */
	uint64_t key_check;
	uint64_t unused_too; /* 0 */
	/* These two change together, in one step. */
	int64_t epoch_s; /* CLOCK_BOOTTIME when the clock of the pins stood at 0; may be negative */
	uint64_t crc;	 /* CRC-32C of all in front of it */
} __rte_aligned(16);
static_assert(sizeof(struct pin_file_header) == 64, "nothing between the fields");
static_assert(offsetof(struct pin_file_header, epoch_s) % 16 == 0, "one word of 16 bytes");

/* Of the fields in front of it. */
uint64_t pin_file_crc(const struct pin_file_header *header);

#endif
