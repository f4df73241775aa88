/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "ctl_call.h"
#include "ctl_exit.h"
#include "ctl_result.h"

/* Bytes that @text (base64, padded) stands for go to standard output. */
static int write_piece(const char *text, size_t length)
{
	unsigned char *bytes = malloc(length / 4 * 3 + 3);
	int size = bytes ? EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length) : -1;
	int status = CTL_REFUSED;

	/* It counts the bytes that the padding stands for, too. */
	for (size_t end = length; size > 0 && end > 0 && text[end - 1] == '='; end--)
		size--;
	if (size < 0)
		fprintf(stderr, "mailrailctl: the balancer has sent no base64\n");
	else if (fwrite(bytes, 1, (size_t)size, stdout) != (size_t)size)
		fprintf(stderr, "mailrailctl: %s\n", strerror(errno));
	else
		status = CTL_DONE;
	free(bytes);
	return status;
}

/* The piece that begins at *@offset. */
static int read_piece(const struct ctl_line *line, uint64_t *offset, bool *out_is_last)
{
	json_t *params =
		json_pack("{s:s, s:I}", "name", line->args[0], "offset", (json_int_t)*offset);
	const char *data;
	json_t *result;
	int status = ctl_call(line, line->command->method, params, NULL, &result);

	if (status != CTL_DONE)
		return status;
	data = text(result, "data");
	*offset = number(result, "offset");
	*out_is_last = data[0] == '\0';
	status = write_piece(data, strlen(data));
	json_decref(result);
	return status;
}

int ctl_capture_read(const struct ctl_line *line)
{
	bool is_last = false;
	uint64_t offset = 0;
	int status = CTL_DONE;

	while (status == CTL_DONE && !is_last)
		status = read_piece(line, &offset, &is_last);
	if (status == CTL_DONE && fflush(stdout) != 0)
		status = CTL_REFUSED;
	return status;
}
