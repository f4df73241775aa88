/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_files.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_below(const char *root, const char *format, va_list args)
{
	char path[PATH_MAX];
	int used = snprintf(path, sizeof(path), "%s", root);

	if (used < 0 || (size_t)used >= sizeof(path))
		return NULL;
	vsnprintf(path + used, sizeof(path) - (size_t)used, format, args);
	return fopen(path, "re");
}

static bool read_line(FILE *file, char *out, size_t size)
{
	bool found = file && fgets(out, (int)size, file);

	if (found)
		out[strcspn(out, "\n")] = '\0';
	if (file)
		fclose(file);
	return found;
}

bool doctor_line(const char *root, char *out, size_t size, const char *format, ...)
{
	va_list args;
	FILE *file;

	va_start(args, format);
	file = open_below(root, format, args);
	va_end(args);
	return read_line(file, out, size);
}

int64_t doctor_number(const char *root, const char *format, ...)
{
	char line[64], *end;
	va_list args;
	long long value;
	FILE *file;

	va_start(args, format);
	file = open_below(root, format, args);
	va_end(args);
	if (!read_line(file, line, sizeof(line)))
		return -1;
	value = strtoll(line, &end, 10);
	return end == line ? -1 : value;
}

static int64_t amount_of(const char *words)
{
	words += strspn(words, " \t");
	return strncmp(words, "unlimited", 9) == 0 ? INT64_MAX : strtoll(words, NULL, 10);
}

int64_t doctor_keyed_number(const char *root, const char *path, const char *key)
{
	char name[PATH_MAX], line[256];
	int64_t value = -1;
	FILE *file;

	snprintf(name, sizeof(name), "%s%s", root, path);
	file = fopen(name, "re");
	while (file && value < 0 && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) == 0)
			value = amount_of(line + strlen(key));
	}
	if (file)
		fclose(file);
	return value;
}

int doctor_count_entries(const char *root, const char *prefix, const char *format, ...)
{
	char path[PATH_MAX];
	struct dirent *entry;
	va_list args;
	int used = snprintf(path, sizeof(path), "%s", root), count = 0;
	DIR *directory;

	if (used < 0 || (size_t)used >= sizeof(path))
		return -1;
	va_start(args, format);
	vsnprintf(path + used, sizeof(path) - (size_t)used, format, args);
	va_end(args);
	directory = opendir(path);
	if (!directory)
		return -1;
	while ((entry = readdir(directory)))
		count += entry->d_name[0] != '.' &&
			 strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(directory);
	return count;
}

bool doctor_list_has(const char *list, uint32_t core)
{
	while (*list >= '0' && *list <= '9') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (core >= first && core <= last)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}
