/* SPDX-License-Identifier: BSD-3-Clause */
#include "dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

struct line {
	uint32_t offset_ms;
	uint16_t at; /* where its text begins */
	uint8_t speaker;
};

struct dialogue {
	uint64_t began_ms; /* CLOCK_REALTIME */
	struct dialogue_outcome outcome;
	char *reason;	   /* of the outcome; NULL: no memory, or none yet */
	uint64_t start_ms; /* CLOCK_MONOTONIC */
	struct line lines[DIALOGUE_LINES_MAX];
	uint16_t line_count;
	uint16_t bytes;
	bool open; /* the last line is the server's, and not at its end */
	bool cut;
	char text[];
};

struct dialogue *dialogue_create(void)
{
	struct dialogue *dialogue = malloc(sizeof(*dialogue) + DIALOGUE_BYTES_MAX);

	if (dialogue == NULL)
		return NULL;
	*dialogue = (struct dialogue){0};
	dialogue->began_ms = clock_wall_ms();
	dialogue->start_ms = clock_monotonic_ms();
	return dialogue;
}

void dialogue_free(struct dialogue *dialogue)
{
	if (dialogue != NULL)
		free(dialogue->reason);
	free(dialogue);
}

/* False: there is no room for another line, of which at least the NUL has to fit. */
static bool begin_line(struct dialogue *dialogue, enum dialogue_speaker speaker)
{
	dialogue->cut |=
		dialogue->line_count == DIALOGUE_LINES_MAX || dialogue->bytes == DIALOGUE_BYTES_MAX;
	if (dialogue->cut)
		return false;
	dialogue->lines[dialogue->line_count++] = (struct line){
		.at = dialogue->bytes,
		.speaker = (uint8_t)speaker,
	};
	dialogue->text[dialogue->bytes++] = '\0';
	return true;
}

static void put_byte(struct dialogue *dialogue, unsigned char byte)
{
	char escaped[5] = {(char)byte};
	size_t length;

	if (byte < ' ' || byte > '~' || byte == '\\')
		snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
	length = strlen(escaped);
	dialogue->cut |= dialogue->bytes + length > DIALOGUE_BYTES_MAX;
	if (dialogue->cut)
		return;
	memcpy(&dialogue->text[dialogue->bytes - 1], escaped, length + 1);
	dialogue->bytes = (uint16_t)(dialogue->bytes + length);
}

static void stamp_line(struct dialogue *dialogue)
{
	dialogue->lines[dialogue->line_count - 1].offset_ms =
		(uint32_t)(clock_monotonic_ms() - dialogue->start_ms);
}

/* A CR in front of the line's end is not shown; any other is escaped. */
static void put_line(struct dialogue *dialogue, const char *bytes, size_t length)
{
	if (length > 0 && bytes[length - 1] == '\r')
		length--;
	for (size_t i = 0; i < length; i++)
		put_byte(dialogue, (unsigned char)bytes[i]);
	stamp_line(dialogue);
}

void dialogue_said(struct dialogue *dialogue, enum dialogue_speaker speaker, const char *line)
{
	if (dialogue == NULL)
		return;
	dialogue_end(dialogue);
	if (begin_line(dialogue, speaker))
		put_line(dialogue, line, strcspn(line, "\n"));
}

static void close_line(struct dialogue *dialogue)
{
	static const char cr[] = "\\x0d";
	const size_t length = sizeof(cr) - 1;
	struct line *line = &dialogue->lines[dialogue->line_count - 1];

	dialogue->open = false;
	/* Its CR came with the bytes before. */
	if (dialogue->bytes > line->at + length &&
	    strcmp(&dialogue->text[dialogue->bytes - 1 - length], cr) == 0) {
		dialogue->bytes = (uint16_t)(dialogue->bytes - length);
		dialogue->text[dialogue->bytes - 1] = '\0';
	}
	stamp_line(dialogue);
}

void dialogue_heard(struct dialogue *dialogue, const void *bytes, size_t length)
{
	const unsigned char *next = bytes, *const end = next + length;

	if (dialogue == NULL)
		return;
	for (; next < end; next++) {
		if (!dialogue->open && !begin_line(dialogue, DIALOGUE_SERVER))
			return;
		dialogue->open = true;
		if (*next == '\n')
			close_line(dialogue);
		else
			put_byte(dialogue, *next);
	}
	if (dialogue->open)
		stamp_line(dialogue);
}

void dialogue_end(struct dialogue *dialogue)
{
	if (dialogue != NULL)
		dialogue->open = false;
}

void dialogue_judge(struct dialogue *dialogue, bool good, uint32_t latency_ms, const char *reason)
{
	if (dialogue == NULL)
		return;
	free(dialogue->reason);
	dialogue->reason = strdup(reason);
	dialogue->outcome =
		(struct dialogue_outcome){.judged = true, .good = good, .latency_ms = latency_ms};
}

uint64_t dialogue_began_ms(const struct dialogue *dialogue)
{
	return dialogue->began_ms;
}

uint32_t dialogue_lines(const struct dialogue *dialogue)
{
	return dialogue->line_count;
}

void dialogue_line(const struct dialogue *dialogue, uint32_t index, struct dialogue_line *out)
{
	const struct line *line = &dialogue->lines[index];

	*out = (struct dialogue_line){
		.speaker = (enum dialogue_speaker)line->speaker,
		.offset_ms = line->offset_ms,
		.text = &dialogue->text[line->at],
	};
}

bool dialogue_is_cut(const struct dialogue *dialogue)
{
	return dialogue->cut;
}

struct dialogue_outcome dialogue_outcome(const struct dialogue *dialogue)
{
	struct dialogue_outcome outcome = dialogue->outcome;

	outcome.reason = dialogue->reason != NULL ? dialogue->reason : "";
	return outcome;
}

/* Gives back the memory that no line needs. */
static struct dialogue *trim(struct dialogue *dialogue)
{
	struct dialogue *trimmed = realloc(dialogue, sizeof(*dialogue) + dialogue->bytes);

	if (trimmed == NULL)
		return dialogue;
	return trimmed;
}

void dialogues_keep(struct dialogues *dialogues, struct dialogue *dialogue)
{
	struct dialogue **latest = dialogues->latest;

	if (dialogue == NULL)
		return;
	dialogue_end(dialogue);
	dialogue_free(latest[DIALOGUES_KEPT - 1]);
	memmove(&latest[1], &latest[0], (DIALOGUES_KEPT - 1) * sizeof(struct dialogue *));
	latest[0] = trim(dialogue);
}

void dialogues_fini(struct dialogues *dialogues)
{
	for (int i = 0; i < DIALOGUES_KEPT; i++)
		dialogue_free(dialogues->latest[i]);
	*dialogues = (struct dialogues){{NULL}};
}
