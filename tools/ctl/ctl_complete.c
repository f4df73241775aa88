/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_complete.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "config.h"
#include "ctl_args.h"
#include "ctl_exit.h"
#include "ctl_result.h"
#include "events.h"
#include "rpc_client.h"

/* Nobody waits longer for a Tab. */
#define TIMEOUT_MS 500

static const char *const names_words[] = {
	[CTL_NAMES_NONE] = "none",	   [CTL_NAMES_FILES] = "files",
	[CTL_NAMES_SERVICES] = "services", [CTL_NAMES_POOLS] = "pools",
	[CTL_NAMES_BACKENDS] = "backends", [CTL_NAMES_PORTS] = "ports",
	[CTL_NAMES_CAPTURES] = "captures", [CTL_NAMES_METHODS] = "methods",
	[CTL_NAMES_EVENTS] = "events",
};

/* --- the scripts' table: what each word can be, and which options there are */

static void print_kinds(const struct ctl_command *command)
{
	const char *between = "";

	for (int i = 0; command->positions[i].kind != CTL_POSITION_NONE; i++) {
		printf("%s%s", between, names_words[command->positions[i].names]);
		between = " ";
		if (command->positions[i].kind == CTL_POSITION_LIST)
			for (int more = 0; more < CTL_POSITIONS_MAX; more++)
				printf(" %s", names_words[command->positions[i].names]);
	}
}

static void print_settings_kind(const struct ctl_settings *settings)
{
	if (settings->part)
		printf("settings/%s", settings->part);
	if (settings->list)
		for (const struct ctl_setting *setting = settings->list; setting->name; setting++)
			printf("%s%s=", setting == settings->list ? "" : ",", setting->name);
}

static void print_command_options(const struct ctl_command *command)
{
	for (int i = 0; i < CTL_OPTION_COUNT; i++)
		if ((command->options | CTL_OPTIONS_COMMON) & CTL_OPTION_BIT(i))
			printf(" --%s", ctl_options[i].name);
}

/* Words that bash and zsh read alike. */
static void print_table(void)
{
	puts("\tcase $noun/$verb in");
	for (uint32_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *command = &ctl_commands[i];

		if (command->hidden)
			continue;
		printf("\t%s/%s) kinds=(", command->noun, command->verb ? command->verb : "");
		print_kinds(command);
		fputs(") settings='", stdout);
		print_settings_kind(&command->settings);
		fputs("' options='", stdout);
		print_command_options(command);
		puts("' ;;");
	}
	puts("\tesac");
}

static bool is_first_of_noun(uint32_t index)
{
	return index == 0 || strcmp(ctl_commands[index - 1].noun, ctl_commands[index].noun) != 0;
}

static void print_verbs(void)
{
	puts("\tcase $noun in");
	for (uint32_t i = 0; i < ctl_command_count; i++) {
		if (ctl_commands[i].hidden)
			continue;
		if (is_first_of_noun(i))
			printf("\t%s) verbs='", ctl_commands[i].noun);
		if (ctl_commands[i].verb)
			printf("%s ", ctl_commands[i].verb);
		if (i + 1 == ctl_command_count || is_first_of_noun(i + 1))
			puts("' ;;");
	}
	puts("\tesac");
}

static void print_nouns(void)
{
	fputs("\tnouns='", stdout);
	for (uint32_t i = 0; i < ctl_command_count; i++)
		if (is_first_of_noun(i) && !ctl_commands[i].hidden)
			printf("%s ", ctl_commands[i].noun);
	puts("'");
}

/* Options whose arguments the scripts complete themselves. */
#define COMPLETED_OPTIONS                                                      \
	(CTL_OPTION_BIT(CTL_OPTION_SOCKET) | CTL_OPTION_BIT(CTL_OPTION_FILE) | \
	 CTL_OPTION_BIT(CTL_OPTION_COLOR) | CTL_OPTION_BIT(CTL_OPTION_OS))

/* The patterns of options whose argument is the next word; @but: bits of those to leave out. */
static void print_argument_options(uint32_t but)
{
	const char *between = "";

	for (int i = 0; i < CTL_OPTION_COUNT; i++) {
		if (!ctl_options[i].argument || (but & CTL_OPTION_BIT(i)))
			continue;
		printf("%s-%c | --%s", between, ctl_options[i].letter, ctl_options[i].name);
		between = " | ";
	}
}

int ctl_completion_bash(const struct ctl_line *line)
{
	(void)line;
	puts("# Completion of mailrailctl for bash, made by: mailrailctl completion bash\n"
	     "_mailrailctl()\n"
	     "{\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
	     "\tlocal words=() to=() kinds=() nouns verbs='' options='' settings='' kind i\n"
	     "\tCOMPREPLY=()\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase ${COMP_WORDS[i]} in");
	puts("\t\t-s | --socket) to=(--socket \"${COMP_WORDS[i + 1]}\") i=$((i + 1)) ;;");
	fputs("\t\t", stdout);
	print_argument_options(CTL_OPTION_BIT(CTL_OPTION_SOCKET));
	puts(") i=$((i + 1)) ;;\n"
	     "\t\t-*) ;;\n"
	     "\t\t*) words+=(\"${COMP_WORDS[i]}\") ;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tlocal noun=${words[0]:-} verb=${words[1]:-}");
	print_nouns();
	print_verbs();
	puts("\t[ -n \"$verbs\" ] || verb=");
	print_table();
	puts("\tcase $before in\n"
	     "\t-s | --socket | -f | --file) mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); "
	     "return ;;\n"
	     "\t-C | --color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "
	     "\"$word\"); return ;;\n"
	     "\t-o | --os) mapfile -t COMPREPLY < <(compgen -W 'linux freebsd windows' -- "
	     "\"$word\"); return ;;");
	fputs("\t= | ", stdout);
	print_argument_options(COMPLETED_OPTIONS);
	puts(") return ;;\n"
	     "\tesac\n"
	     "\tif [[ $word == -* ]]; then\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"${options:---socket --json --color "
	     "--version --help}\" -- \"$word\")\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tif [ ${#words[@]} -eq 0 ]; then\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"$nouns\" -- \"$word\")\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tif [ ${#words[@]} -eq 1 ] && [ -n \"$verbs\" ]; then\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$word\")\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\ti=$((${#words[@]} - 1))\n"
	     "\t[ -z \"$verbs\" ] || i=$((i - 1))\n"
	     "\tkind=${kinds[i]:-$settings}\n"
	     "\tcase $kind in\n"
	     "\t'' | none) ;;\n"
	     "\tfiles) mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;\n"
	     "\t*=) compopt -o nospace; mapfile -t COMPREPLY < <(compgen -W \"${kind//,/ }\" -- "
	     "\"$word\") ;;\n"
	     "\t*)\n"
	     "\t\t[[ $kind != settings/* ]] || compopt -o nospace\n"
	     "\t\tmapfile -t COMPREPLY < <(mailrailctl \"${to[@]}\" complete \"$kind\" \"$word\" "
	     "2>/dev/null)\n"
	     "\t\t;;\n"
	     "\tesac\n"
	     "}\n"
	     "complete -F _mailrailctl mailrailctl");
	return fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;
}

int ctl_completion_zsh(const struct ctl_line *line)
{
	(void)line;
	puts("#compdef mailrailctl\n"
	     "# Completion of mailrailctl for zsh, made by: mailrailctl completion zsh\n"
	     "_mailrailctl()\n"
	     "{\n"
	     "\tlocal -a given to kinds\n"
	     "\tlocal nouns verbs='' options='' settings='' kind before=${words[CURRENT-1]} i\n"
	     "\tfor ((i = 2; i < CURRENT; i++)); do\n"
	     "\t\tcase ${words[i]} in");
	puts("\t\t-s | --socket) to=(--socket \"${words[i+1]}\"); i=$((i + 1)) ;;");
	fputs("\t\t", stdout);
	print_argument_options(CTL_OPTION_BIT(CTL_OPTION_SOCKET));
	puts(") i=$((i + 1)) ;;\n"
	     "\t\t-*) ;;\n"
	     "\t\t*) given+=(\"${words[i]}\") ;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tlocal noun=${given[1]:-} verb=${given[2]:-}");
	print_nouns();
	print_verbs();
	puts("\t[ -n \"$verbs\" ] || verb=");
	print_table();
	puts("\tcase $before in\n"
	     "\t-s | --socket | -f | --file) _files; return ;;\n"
	     "\t-C | --color) compadd auto always never; return ;;\n"
	     "\t-o | --os) compadd linux freebsd windows; return ;;");
	fputs("\t", stdout);
	print_argument_options(COMPLETED_OPTIONS);
	puts(") return ;;\n"
	     "\tesac\n"
	     "\tif [[ $PREFIX == -* ]]; then\n"
	     "\t\tcompadd -- ${=options:---socket --json --color --version --help}\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tif [ ${#given} -eq 0 ]; then\n"
	     "\t\tcompadd -- ${=nouns}\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tif [ ${#given} -eq 1 ] && [ -n \"$verbs\" ]; then\n"
	     "\t\tcompadd -- ${=verbs}\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\ti=${#given}\n"
	     "\t[ -z \"$verbs\" ] || i=$((i - 1))\n"
	     "\tkind=${kinds[i]:-$settings}\n"
	     "\tcase $kind in\n"
	     "\t'' | none) ;;\n"
	     "\tfiles) _files ;;\n"
	     "\t*=) compadd -S '' -- ${=kind//,/ } ;;\n"
	     "\tsettings/*) compadd -S '' -- ${(f)\"$(mailrailctl complete \"$kind\" "
	     "2>/dev/null)\"} ;;\n"
	     "\t*) compadd -- ${(f)\"$(mailrailctl \"${to[@]}\" complete \"$kind\" 2>/dev/null)\"} "
	     ";;\n"
	     "\tesac\n"
	     "}\n"
	     "if [ \"${funcstack[1]}\" = _mailrailctl ]; then\n"
	     "\t_mailrailctl\n"
	     "else\n"
	     "\tcompdef _mailrailctl mailrailctl\n"
	     "fi");
	return fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;
}

/* --- names */

static void print_name(const char *prefix, const char *name)
{
	if (strncmp(name, prefix, strlen(prefix)) == 0)
		puts(name);
}

static void print_setting_names(const json_t *schema, const char *prefix, const char *above)
{
	const char *name;
	json_t *field;

	json_object_foreach (json_object_get(schema, "properties"), name, field) {
		char path[96];

		snprintf(path, sizeof(path), "%s%s%s", above, name,
			 json_object_get(field, "properties") ? "." : "=");
		if (json_object_get(field, "properties"))
			print_setting_names(field, prefix, path);
		else if (above[0] || strcmp(name, "name") != 0)
			print_name(prefix, path);
	}
}

static void complete_settings(const char *part, const char *prefix)
{
	json_t *schema = config_schema();

	print_setting_names(ctl_args_part_schema(schema, part), prefix, "");
	json_decref(schema);
}

static void complete_events(const char *prefix)
{
#define PRINT_KIND(id, name, text, details) print_name(prefix, name);
	EVENT_KINDS(PRINT_KIND)
#undef PRINT_KIND
}

static json_t *ask(const char *socket, const char *method)
{
	json_t *response = NULL;
	struct mr_error error;
	struct rpc_link link;

	if (rpc_link_open(&link, socket, TIMEOUT_MS, &error) < 0)
		return NULL;
	if (rpc_link_send(&link, method, NULL, 1) == 0)
		rpc_link_receive(&link, &response);
	rpc_link_close(&link);
	return response;
}

static void complete_live(const char *socket, const char *method, const char *list,
			  const char *prefix)
{
	json_t *response = ask(socket, method);
	const json_t *result = json_object_get(response, "result");
	size_t i;
	json_t *row;

	json_array_foreach (json_object_get(result, list), i, row) {
		char name[160];

		if (json_object_get(row, "pool") && strcmp(list, "backends") == 0)
			snprintf(name, sizeof(name), "%s/%s", text(row, "pool"), text(row, "name"));
		else
			snprintf(name, sizeof(name), "%s", text(row, "name"));
		print_name(prefix, name);
	}
	json_decref(response);
}

int ctl_complete(const struct ctl_line *line)
{
	static const struct {
		enum ctl_names names;
		const char *method, *list;
	} live[] = {
		{CTL_NAMES_SERVICES, "service.list", "services"},
		{CTL_NAMES_POOLS, "pool.list", "pools"},
		{CTL_NAMES_BACKENDS, "backend.list", "backends"},
		{CTL_NAMES_PORTS, "port.list", "ports"},
		{CTL_NAMES_CAPTURES, "capture.list", "files"},
		{CTL_NAMES_METHODS, "rpc.discover", "methods"},
	};
	const char *names = line->args[0], *prefix = line->args[1] ? line->args[1] : "";

	if (strncmp(names, "settings/", 9) == 0)
		complete_settings(names + 9, prefix);
	if (strcmp(names, names_words[CTL_NAMES_EVENTS]) == 0)
		complete_events(prefix);
	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
		if (strcmp(names, names_words[live[i].names]) == 0)
			complete_live(ctl_options_target(line->options).socket, live[i].method,
				      live[i].list, prefix);
	return CTL_DONE;
}
