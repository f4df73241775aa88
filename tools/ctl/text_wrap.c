/* SPDX-License-Identifier: BSD-3-Clause */
#include "text_wrap.h"

#include <stdarg.h>
#include <string.h>

#include "text_table.h"

/* Bytes that begin a character of UTF-8. */
static int columns_of(const char *text, size_t size)
{
	int columns = 0;

	for (size_t i = 0; i < size; i++)
		columns += ((unsigned char)text[i] & 0xC0) != 0x80;
	return columns;
}

void text_wrap_from(FILE *stream, int column, int indent, const char *text)
{
	int used = column;

	while (*text) {
		const size_t spaces = strspn(text, " ");
		const size_t size = strcspn(text + spaces, " ");
		const int columns = columns_of(text + spaces, size);

		if (used > indent && used + (int)spaces + columns > TEXT_TABLE_WIDTH) {
			fprintf(stream, "\n%*s", indent, "");
			used = indent;
		} else {
			fprintf(stream, "%*s", (int)spaces, "");
			used += (int)spaces;
		}
		fwrite(text + spaces, 1, size, stream);
		used += columns;
		text += spaces + size;
	}
	fputc('\n', stream);
}

void text_wrap(FILE *stream, int indent, const char *text)
{
	text_wrap_from(stream, 0, indent, text);
}

void text_wrap_format(FILE *stream, int indent, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_wrap(stream, indent, text);
}
