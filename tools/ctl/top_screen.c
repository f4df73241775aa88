/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_screen.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <curses.h>

#include "ctl_result.h"
#include "text_colour.h"
#include "text_table.h"

#define HEAD_LINES   4
#define EVENT_LINES  5 /* with their heading */
#define PAGE_LINES   10
#define WIDE_COLUMNS 110

int top_screen_open(bool colour)
{
	setlocale(LC_ALL, "");
	if (!isatty(STDOUT_FILENO) || !newterm(NULL, stdout, stdin))
		return -ENOTTY;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	if (!colour || !has_colors())
		return 0;
	start_color();
	use_default_colors();
	init_pair(TEXT_GOOD, COLOR_GREEN, -1);
	init_pair(TEXT_MIND, COLOR_YELLOW, -1);
	init_pair(TEXT_BAD, COLOR_RED, -1);
	return 0;
}

void top_screen_close(void)
{
	endwin();
}

/* The rest of the line stays as it is, whatever is in @text. */
static void put(int line, int column, int width, const char *text)
{
	if (line < LINES && column < COLS)
		mvaddnstr(line, column, text, width < COLS - column ? width : COLS - column);
}

static void put_state(int line, int column, int width, const char *word)
{
	const enum text_colour colour = text_colour_of(word);
	const attr_t shade = has_colors() ? COLOR_PAIR(colour) : A_NORMAL;

	attron(shade);
	put(line, column, width, word);
	attroff(shade);
}

static void put_count(int line, int column, double count)
{
	char number[TEXT_COUNT_MAX], right[TEXT_COUNT_MAX];

	text_count_format((uint64_t)(count + 0.5), number);
	snprintf(right, sizeof(right), "%7s", number);
	put(line, column, 7, right);
}

static void draw_head(const struct top_model *model, const char *trouble)
{
	const json_t *node = model->now.parts[TOP_NODE];
	char line[256], uptime[32] = "-";

	if (node)
		snprintf(uptime, sizeof(uptime), "%s",
			 time_text(number(node, "uptime_s") * 1000).text);
	attron(A_REVERSE);
	mvhline(0, 0, ' ', COLS);
	if (trouble)
		snprintf(line, sizeof(line), " waiting for mailraild: %s", trouble);
	else
		snprintf(line, sizeof(line), " mailrail %s  generation %" PRIu64 "  up %s",
			 text(node, "name"), number(node, "generation"), uptime);
	put(0, 0, COLS, line);
	attroff(A_REVERSE);
}

static void draw_totals(const struct top_model *model)
{
	char sessions[TEXT_COUNT_MAX], packets[TEXT_COUNT_MAX], bits[TEXT_COUNT_MAX], line[256];

	text_count_format((uint64_t)(model->sessions_s + 0.5), sessions);
	text_count_format((uint64_t)(model->packets_s + 0.5), packets);
	text_count_format((uint64_t)(model->bits_s + 0.5), bits);
	snprintf(line, sizeof(line),
		 " %s new sessions/s  %s packets/s  %s bit/s  pins %" PRIu64 " of %" PRIu64,
		 sessions, packets, bits, model->pins, model->pin_budget);
	put(1, 0, COLS, line);
}

static void draw_workers(const struct top_model *model)
{
	int column = 1;

	for (uint32_t i = 0; i < model->worker_count && column + 18 < COLS; i++) {
		const struct top_worker *worker = &model->workers[i];
		const int bars = worker->busy > 0 ? (int)(worker->busy * 8 + 0.5) : 0;
		char cell[64], load[16] = "   -";

		if (worker->busy >= 0)
			snprintf(load, sizeof(load), "%3.0f%%", worker->busy * 100);
		snprintf(cell, sizeof(cell), "core %" PRIu32 " [%-8.*s] %s", worker->core, bars,
			 "||||||||", load);
		put(2, column, COLS, cell);
		column += (int)strlen(cell) + 2;
	}
}

/* Where the columns are: addresses and modes are left out when names need the room. */
struct columns {
	int name_width;
	int detail; /* 0: not shown */
	int state, health, counts;
};

static struct columns columns_of(int width)
{
	const int right = width < WIDE_COLUMNS ? 50 : 67;
	const int name_width = width - right > 10 ? width - right : 10;
	int next = name_width + 2;
	struct columns columns = {.name_width = name_width};

	if (width >= WIDE_COLUMNS) {
		columns.detail = next;
		next += 17;
	}
	columns.state = next;
	columns.health = next + 9;
	columns.counts = next + 17;
	return columns;
}

/* Of a name that is too long the end is shown: it tells servers of a pool apart. */
static void draw_name(int line, const struct columns *columns, const char *name)
{
	const int length = (int)strlen(name);

	if (length <= columns->name_width) {
		put(line, 1, columns->name_width, name);
		return;
	}
	put(line, 1, 1, "~");
	put(line, 2, columns->name_width - 1, name + length - columns->name_width + 1);
}

static void draw_row(int line, const struct top_row *row, const struct columns *columns)
{
	draw_name(line, columns, row->name);
	if (columns->detail > 0)
		put(line, columns->detail, 15, row->detail);
	put_state(line, columns->state, 8, row->state);
	put_state(line, columns->health, 8, row->health);
	put_count(line, columns->counts, row->sessions_s);
	put_count(line, columns->counts + 8, row->packets_s);
	put_count(line, columns->counts + 16, row->bits_s);
	if (row->has_pins)
		put_count(line, columns->counts + 24, (double)row->pins);
}

static void draw_heading(int line, const struct columns *columns, const char *heading,
			 const char *detail, const char *state)
{
	static const char *const counts[] = {"NEW/S", "PKT/S", "BIT/S", "PINS"};

	attron(A_BOLD);
	put(line, 1, columns->name_width, heading);
	if (columns->detail > 0)
		put(line, columns->detail, 15, detail);
	put(line, columns->state, 8, state);
	put(line, columns->health, 8, "HEALTH");
	for (int i = 0; i < 4; i++) {
		char right[16];

		snprintf(right, sizeof(right), "%7s", counts[i]);
		put(line, columns->counts + 8 * i, 7, right);
	}
	attroff(A_BOLD);
}

/* Lines of the scrolled part, from @screen->first on. */
struct page {
	int line, last; /* on the screen */
	uint32_t skip;	/* lines that scrolled out on top */
	uint32_t total;
};

static bool next_line(struct page *page)
{
	page->total++;
	if (page->skip > 0) {
		page->skip--;
		return false;
	}
	if (page->line > page->last)
		return false;
	page->line++;
	return true;
}

static void draw_rows(struct page *page, const char *heading, const char *detail, const char *state,
		      const struct top_rows *rows)
{
	const struct columns columns = columns_of(COLS);

	if (next_line(page))
		draw_heading(page->line - 1, &columns, heading, detail, state);
	for (uint32_t i = 0; i < rows->count; i++)
		if (next_line(page))
			draw_row(page->line - 1, &rows->list[i], &columns);
}

static void draw_page(struct top_screen *screen, const struct top_model *model)
{
	const int height = LINES - HEAD_LINES - EVENT_LINES - 1;
	struct page page = {HEAD_LINES, HEAD_LINES + height - 1, screen->first, 0};

	if (screen->view == TOP_VIEW_ALL || screen->view == TOP_VIEW_SERVICES)
		draw_rows(&page, "SERVICE", "ADDRESS", "SERVING", &model->services);
	if (screen->view == TOP_VIEW_ALL || screen->view == TOP_VIEW_POOLS)
		draw_rows(&page, "POOL", "MODE", "SERVING", &model->pools);
	if (screen->view == TOP_VIEW_ALL || screen->view == TOP_VIEW_BACKENDS)
		draw_rows(&page, "BACKEND", "ADDRESS", "STATE", &model->backends);
	/* Nobody scrolls beyond the end, and a list that became shorter comes back. */
	if (height > 0 && page.total < screen->first + (uint32_t)height)
		screen->first = page.total > (uint32_t)height ? page.total - (uint32_t)height : 0;
}

static void draw_events(const struct top_model *model)
{
	const int top = LINES - EVENT_LINES - 1;

	if (top < HEAD_LINES)
		return;
	attron(A_BOLD);
	put(top, 0, COLS, " EVENTS");
	attroff(A_BOLD);
	for (int i = 0; i < EVENT_LINES - 1 && (uint64_t)i < model->event_count; i++) {
		const struct top_event *event =
			&model->events[(model->event_count - 1 - (uint64_t)i) % TOP_EVENTS_KEPT];

		put(top + 1 + i, 1, 8, event->clock);
		put(top + 1 + i, 11, COLS, event->text);
	}
}

static void draw_keys(const struct top_screen *screen)
{
	char line[160];

	snprintf(line, sizeof(line),
		 " q quit  a all  s services  p pools  b backends  < > sort: %s%s  r reverse",
		 top_sort_names[screen->sort], screen->reverse ? " reversed" : "");
	attron(A_REVERSE);
	mvhline(LINES - 1, 0, ' ', COLS);
	put(LINES - 1, 0, COLS, line);
	attroff(A_REVERSE);
}

void top_screen_draw(struct top_screen *screen, struct top_model *model, const char *trouble)
{
	top_rows_sort(&model->services, screen->sort, screen->reverse);
	top_rows_sort(&model->pools, screen->sort, screen->reverse);
	top_rows_sort(&model->backends, screen->sort, screen->reverse);
	erase();
	draw_head(model, trouble);
	draw_totals(model);
	draw_workers(model);
	draw_page(screen, model);
	draw_events(model);
	draw_keys(screen);
	refresh();
}

static void show(struct top_screen *screen, enum top_view view)
{
	screen->view = view;
	screen->first = 0;
}

static void scroll_by(struct top_screen *screen, int lines)
{
	if (lines < 0 && screen->first < (uint32_t)-lines)
		screen->first = 0;
	else
		screen->first += (uint32_t)lines;
}

static void sort_next(struct top_screen *screen, int step)
{
	screen->sort =
		(enum top_sort)(((int)screen->sort + step + TOP_SORT_COUNT) % TOP_SORT_COUNT);
}

static void do_key(struct top_screen *screen, int key)
{
	switch (key) {
	case 'a':
		show(screen, TOP_VIEW_ALL);
		break;
	case 's':
		show(screen, TOP_VIEW_SERVICES);
		break;
	case 'p':
		show(screen, TOP_VIEW_POOLS);
		break;
	case 'b':
		show(screen, TOP_VIEW_BACKENDS);
		break;
	case 'r':
		screen->reverse = !screen->reverse;
		break;
	case '<':
	case KEY_LEFT:
		sort_next(screen, -1);
		break;
	case '>':
	case KEY_RIGHT:
		sort_next(screen, 1);
		break;
	case KEY_UP:
		scroll_by(screen, -1);
		break;
	case KEY_DOWN:
		scroll_by(screen, 1);
		break;
	case KEY_PPAGE:
		scroll_by(screen, -PAGE_LINES);
		break;
	case KEY_NPAGE:
		scroll_by(screen, PAGE_LINES);
		break;
	default: /* KEY_RESIZE too: what is drawn next has the new size */
		break;
	}
}

bool top_screen_keys(struct top_screen *screen)
{
	int key;

	while ((key = getch()) != ERR) {
		if (key == 'q' || key == 'Q')
			return true;
		do_key(screen, key);
	}
	return false;
}
