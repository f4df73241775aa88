/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What cppcheck must know of the libraries' macros that do not look like C. tools/lint shows it
 * no library's headers: following them takes minutes and finds their faults, not ours.
 */
#define LIBBPF_OPTS(type, name, ...) struct type name = {__VA_ARGS__}
#define LIST_FOREACH(entry, head, field) \
	for (entry = (head)->lh_first; entry != NULL; entry = entry->field.le_next)
#define LIST_HEAD(name, type)          \
	struct name {                  \
		struct type *lh_first; \
	}
#define SEC(name)
#define TAILQ_HEAD(name, type)                      \
	struct name {                               \
		struct type *tqh_first, **tqh_last; \
	}
#define evutil_timercmp(a, b, operator) ((a)->tv_sec operator(b)->tv_sec)
#define json_array_foreach(array, index, value)                                                   \
	for (index = 0; index < json_array_size(array) && (value = json_array_get(array, index)); \
	     index++)
#define mnl_attr_for_each(attr, nlh, offset) for (; mnl_attr_next(attr);)
#define mnl_attr_for_each_nested(attr, nest) for (; mnl_attr_next(attr);)
