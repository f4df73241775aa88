/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_LINE_MAX 1024

static _Atomic int level = LOG_NOTICE;

void log_set_level(int priority)
{
	atomic_store_explicit(&level, priority, memory_order_relaxed);
}

int log_get_level(void)
{
	return atomic_load_explicit(&level, memory_order_relaxed);
}

/* systemd.exec(5): JOURNAL_STREAM holds device and inode of the stream to the journal. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%ju:%ju", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* One line stays one line, whatever the text carries. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

void log_text(int priority, const char *text)
{
	static const char *const words[] = {
		[LOG_EMERG] = "error: ", [LOG_ALERT] = "error: ",     [LOG_CRIT] = "error: ",
		[LOG_ERR] = "error: ",	 [LOG_WARNING] = "warning: ", [LOG_NOTICE] = "",
		[LOG_INFO] = "",	 [LOG_DEBUG] = "debug: ",
	};
	char line[LOG_LINE_MAX], tag[8] = "";
	int length;

	if (priority > log_get_level())
		return;
	if (stderr_is_journal())
		snprintf(tag, sizeof(tag), "<%d>", priority);
	length = snprintf(line, sizeof(line) - 1, "%smailraild: %s%s", tag, words[priority & 7],
			  text);
	if (length >= (int)sizeof(line) - 1)
		length = (int)sizeof(line) - 2;
	flatten(line);
	line[length] = '\n';
	/* One write: lines of several threads do not mix. A broken standard error is nobody's. */
	if (write(STDERR_FILENO, line, (size_t)length + 1) < 0)
		return;
}

void log_write(int priority, const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_text(priority, text);
}
