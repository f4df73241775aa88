/* SPDX-License-Identifier: BSD-3-Clause */
#include "json_scanner.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Whether @c can begin a number, true, false or null. */
static bool begins_word(char c)
{
	return c == '-' || (c >= '0' && c <= '9') || c == 't' || c == 'f' || c == 'n';
}

static bool is_in_word(char c)
{
	return begins_word(c) || (c >= 'a' && c <= 'z') || c == '+' || c == '.' || c == 'E';
}

static enum json_scan end_of_value(struct json_scanner *scanner)
{
	scanner->token = scanner->depth > 0 ? JSON_SCANNER_INSIDE : JSON_SCANNER_NOTHING;
	return scanner->depth > 0 ? JSON_SCAN_MORE : JSON_SCAN_TEXT;
}

static enum json_scan open_bracket(struct json_scanner *scanner, bool brace)
{
	if (scanner->depth == JSON_SCANNER_DEPTH_MAX ||
	    (scanner->depth_max > 0 && scanner->depth >= scanner->depth_max))
		return JSON_SCAN_TOO_DEEP;
	scanner->braces &= ~(UINT64_C(1) << scanner->depth);
	scanner->braces |= (uint64_t)brace << scanner->depth;
	scanner->depth++;
	scanner->token = JSON_SCANNER_INSIDE;
	return JSON_SCAN_MORE;
}

static enum json_scan close_bracket(struct json_scanner *scanner, bool brace)
{
	if (scanner->depth == 0)
		return JSON_SCAN_BROKEN;
	scanner->depth--;
	if ((scanner->braces >> scanner->depth & 1) != brace)
		return JSON_SCAN_BROKEN;
	return end_of_value(scanner);
}

static enum json_scan scan_string_byte(struct json_scanner *scanner, char c)
{
	/* A string cannot hold a bare control character: its closing quote is missing. */
	if ((unsigned char)c < ' ')
		return JSON_SCAN_BROKEN;
	if (scanner->escaped) {
		scanner->escaped = false;
		return JSON_SCAN_MORE;
	}
	if (c == '\\')
		scanner->escaped = true;
	return c == '"' ? end_of_value(scanner) : JSON_SCAN_MORE;
}

static enum json_scan scan_byte(struct json_scanner *scanner, char c)
{
	if (scanner->token == JSON_SCANNER_STRING)
		return scan_string_byte(scanner, c);
	switch (c) {
	case '"':
		scanner->token = JSON_SCANNER_STRING;
		return JSON_SCAN_MORE;
	case '{':
	case '[':
		return open_bracket(scanner, c == '{');
	case '}':
	case ']':
		return close_bracket(scanner, c == '}');
	default:
		break;
	}
	if (scanner->token != JSON_SCANNER_NOTHING || is_space(c))
		return JSON_SCAN_MORE;
	if (!begins_word(c))
		return JSON_SCAN_BROKEN;
	scanner->token = JSON_SCANNER_WORD;
	return JSON_SCAN_MORE;
}

enum json_scan json_scanner_feed(struct json_scanner *scanner, const char *bytes, size_t size,
				 size_t *out_used)
{
	for (size_t i = 0; i < size; i++) {
		enum json_scan scan;

		/* A word ends before the byte that is no longer part of it. */
		if (scanner->token == JSON_SCANNER_WORD && !is_in_word(bytes[i])) {
			scanner->token = JSON_SCANNER_NOTHING;
			*out_used = i;
			return JSON_SCAN_TEXT;
		}
		scan = scan_byte(scanner, bytes[i]);
		if (scan != JSON_SCAN_MORE) {
			*out_used = i + 1;
			return scan;
		}
	}
	*out_used = size;
	return scanner->token == JSON_SCANNER_NOTHING ? JSON_SCAN_SPACE : JSON_SCAN_MORE;
}
