/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address_text.h"
#include "ctl_args.h"
#include "ctl_exit.h"
#include "import.h"
#include "import_model.h"
#include "name.h"

/* CTL_DONE: the options are as import_text() wants them. */
static int take_options(const struct ctl_options *given, struct import_options *out)
{
	const char *port = given->value[CTL_OPTION_PORT];
	struct mr_addr address;

	*out = (struct import_options){
		.all = ctl_option_given(given, CTL_OPTION_ALL),
		.address = given->value[CTL_OPTION_ADDRESS],
		.interface = given->value[CTL_OPTION_INTERFACE],
	};
	if (port && (out->port = import_port(port)) == 0)
		return ctl_usage_error(port, "expected a port");
	if (out->address && (!address_parse(out->address, &address) || !address_is_host(&address)))
		return ctl_usage_error(out->address, "expected an IP address");
	if (out->interface && !interface_name_is_valid(out->interface))
		return ctl_usage_error(out->interface, "expected the name of an interface");
	return CTL_DONE;
}

/* Takes @stream. One byte more than is allowed is enough to see that. */
static char *read_stream(FILE *stream, size_t *out_size)
{
	char *text = malloc(IMPORT_BYTES_MAX + 1);
	bool failed;

	if (!text)
		return NULL;
	*out_size = fread(text, 1, IMPORT_BYTES_MAX + 1, stream);
	failed = ferror(stream) != 0;
	fclose(stream);
	if (!failed)
		return text;
	free(text);
	return NULL;
}

static char *read_file(const char *path, size_t *out_size)
{
	FILE *stream = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");

	return stream ? read_stream(stream, out_size) : NULL;
}

static enum import_format format_of(const struct ctl_line *line)
{
	enum import_format format = 0;

	while (strcmp(import_format_names[format], line->command->verb) != 0)
		format++;
	return format;
}

static int show(const char *path, int rc, json_t *config, const struct import_notes *notes)
{
	import_notes_print(notes, path, stderr);
	switch (rc) {
	case 0:
		if (json_dumpf(config, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF)
			return CTL_REFUSED;
		return CTL_DONE;
	case -ENOENT:
		fprintf(stderr, "mailrailctl: %s: no SMTP service that could be carried over\n",
			path);
		return CTL_REFUSED;
	default:
		fprintf(stderr, "mailrailctl: %s: %s\n", path,
			rc == -EINVAL ? "cannot be read" : strerror(-rc));
		return CTL_REFUSED;
	}
}

int ctl_import(const struct ctl_line *line)
{
	const char *path = line->args[0];
	struct import_options options;
	struct import_notes notes = {0};
	json_t *config = NULL;
	size_t size;
	char *text;
	int rc, status = take_options(line->options, &options);

	if (status != CTL_DONE)
		return status;
	text = read_file(path, &size);
	if (!text) {
		fprintf(stderr, "mailrailctl: %s: %s\n", path, strerror(errno));
		return CTL_REFUSED;
	}
	rc = import_text(format_of(line), text, size, &options, &config, &notes);
	status = show(path, rc, config, &notes);
	json_decref(config);
	import_notes_fini(&notes);
	free(text);
	return status;
}
