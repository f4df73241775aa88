/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a process leaves of its session state when it is killed: copies of a directory's files, as
 * they are at one moment or as they would be had it come a little earlier. Assertions end the
 * test.
 */
#ifndef MAILRAIL_TESTS_SESSION_FILES_H
#define MAILRAIL_TESTS_SESSION_FILES_H

/* Copies the files of @from into @to, which exists. */
void files_copy(const char *from, const char *to);

/*
 * Some of @directory's files whose name ends in @suffix are as they were in @before again, now and
 * then with a piece of a file that was to take their place.
 */
void files_undo_some(const char *before, const char *directory, const char *suffix);

/* The directory with its files; it need not be there. */
void files_remove(const char *directory);

#endif
