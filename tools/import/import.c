/* SPDX-License-Identifier: BSD-3-Clause */
#include "import.h"

#include <errno.h>
#include <string.h>

#include "import_model.h"

const char *const import_format_names[IMPORT_FORMAT_COUNT] = {
#define IMPORT_FORMAT_NAME(id, name, text) [id] = (name),
	IMPORT_FORMATS(IMPORT_FORMAT_NAME)
#undef IMPORT_FORMAT_NAME
};

static import_reader *const readers[IMPORT_FORMAT_COUNT] = {
	[IMPORT_KEEPALIVED] = import_read_keepalived,
	[IMPORT_HAPROXY] = import_read_haproxy,
	[IMPORT_IPVSADM] = import_read_ipvsadm,
};

/* Strings end at a NUL, which no such file has. */
static int check_bytes(const char *text, size_t size, struct import_notes *notes)
{
	const char *nul = memchr(text, '\0', size);
	uint32_t line = 1, column = 1;

	if (size > IMPORT_BYTES_MAX) {
		import_notes_add(notes, 0, 0, "larger than %u bytes", IMPORT_BYTES_MAX);
		return -EINVAL;
	}
	if (!nul)
		return 0;
	for (const char *at = text; at < nul; at++) {
		column = *at == '\n' ? 1 : column + 1;
		line += *at == '\n';
	}
	import_notes_add(notes, line, column, "a NUL character: this is no text");
	return -EINVAL;
}

int import_text(enum import_format format, const char *text, size_t size,
		const struct import_options *options, json_t **out_config,
		struct import_notes *notes)
{
	struct import_model model = {.options = options, .notes = notes};
	int rc = check_bytes(text, size, notes);

	if (rc == 0)
		rc = readers[format](&model, text, size);
	if (rc == 0)
		rc = import_model_finish(&model, out_config);
	/* Of a broken text the last note says why. */
	if (rc != -EINVAL)
		import_notes_sort(notes);
	import_model_fini(&model);
	return rc;
}
