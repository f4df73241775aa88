/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a health probe and a server said to each other, line by line with times, for the one who
 * asks why. The server may be broken or hostile: everything is bounded, and no byte of it gets out
 * unescaped. Control thread.
 */
#ifndef MAILRAIL_CONTROL_DIALOGUE_H
#define MAILRAIL_CONTROL_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIALOGUE_BYTES_MAX 2048 /* of all lines, escaped, with their NULs */
#define DIALOGUE_LINES_MAX 64
#define DIALOGUES_KEPT	   3 /* of each backend, the latest */

enum dialogue_speaker {
	DIALOGUE_MAILRAIL,
	DIALOGUE_SERVER,
	DIALOGUE_NOTE, /* what became of the connection, and of the reply */
};

struct dialogue_line {
	enum dialogue_speaker speaker;
	uint32_t offset_ms; /* since the beginning; of a line of the server's, its last byte */
	const char *text;   /* printable ASCII, without the line's end */
};

struct dialogue;

/* It begins now. NULL: no memory. */
struct dialogue *dialogue_create(void);
void dialogue_free(struct dialogue *dialogue);

/* A whole line, its end perhaps included. These three with NULL: nobody writes down. */
void dialogue_said(struct dialogue *dialogue, enum dialogue_speaker speaker, const char *line);
/* Bytes of the server's, as they come. */
void dialogue_heard(struct dialogue *dialogue, const void *bytes, size_t length);
/* Nobody says more: what the server has left unfinished is a line. */
void dialogue_end(struct dialogue *dialogue);

/* What the probe made of it. */
void dialogue_judge(struct dialogue *dialogue, bool good, uint32_t latency_ms, const char *reason);

/* Since the epoch, CLOCK_REALTIME. */
uint64_t dialogue_began_ms(const struct dialogue *dialogue);
uint32_t dialogue_lines(const struct dialogue *dialogue);
/* Valid as long as @dialogue. */
void dialogue_line(const struct dialogue *dialogue, uint32_t index, struct dialogue_line *out);
/* There was more than fits; that is missing. */
bool dialogue_is_cut(const struct dialogue *dialogue);

struct dialogue_outcome {
	bool judged; /* else the probe was given up before */
	bool good;
	uint32_t latency_ms; /* to the verdict */
	const char *reason;  /* valid as long as the dialogue */
};
struct dialogue_outcome dialogue_outcome(const struct dialogue *dialogue);

/* The latest of one backend; zeroed: none. */
struct dialogues {
	struct dialogue *latest[DIALOGUES_KEPT]; /* the newest first; NULL: no more */
};

/* Takes @dialogue, ends and trims it, and frees the oldest. NULL: nothing happens. */
void dialogues_keep(struct dialogues *dialogues, struct dialogue *dialogue);
void dialogues_fini(struct dialogues *dialogues);

#endif
