# SPDX-License-Identifier: BSD-3-Clause
"""A figure by how many there are of something, as SVG."""

import html
import math

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 72, 32, 48, 104
COLOURS = {'mailrail': '#0b6e4f', 'textbook': '#b3541e', 'bare': '#6b7280'}


def step_of(most):
    """A round distance between lines, of which there are ten at most."""
    step = 10 ** math.floor(math.log10(most))
    for divisor in (10, 5, 2, 1):
        if most / (step / divisor) <= 10:
            return step / divisor
    return step


def power_text(count):
    for unit, size in (('M', 10 ** 6), ('k', 10 ** 3)):
        if count >= size:
            return f'{count // size} {unit}'
    return str(count)


class Plot:
    """Counts go to the right by powers of ten, figures up from zero."""

    def __init__(self, counts, most):
        self.least_power = math.log10(min(counts))
        self.powers = max(math.log10(max(counts)) - self.least_power, 1)
        self.step = step_of(most)
        self.most = math.ceil(most / self.step) * self.step
        self.parts = []

    def x(self, count):
        return LEFT + (math.log10(count) - self.least_power) / self.powers * (WIDTH - LEFT - RIGHT)

    def y(self, figure):
        return HEIGHT - BOTTOM - figure / self.most * (HEIGHT - TOP - BOTTOM)

    def text(self, x, y, text, anchor='middle', size=12, more=''):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
                          f'font-size="{size}" {more}>{html.escape(text)}</text>')

    def line(self, x1, y1, x2, y2, colour='#d1d5db'):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}"/>')

    def grid(self, counts):
        for number in range(round(self.most / self.step) + 1):
            figure = number * self.step
            self.line(LEFT, self.y(figure), WIDTH - RIGHT, self.y(figure))
            self.text(LEFT - 8, self.y(figure) + 4, f'{figure:g}', 'end')
        for count in counts:
            self.line(self.x(count), self.y(0), self.x(count), self.y(0) + 5, '#6b7280')
            self.text(self.x(count), self.y(0) + 20, power_text(count))

    def series(self, points, colour, is_dotted):
        path = ' '.join(f'{self.x(count):.1f},{self.y(figure):.1f}' for count, figure in points)
        dots = 'stroke-dasharray="2 4"' if is_dotted else ''
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                          f'stroke-width="2" {dots}/>')
        if is_dotted:
            return
        for count, figure in points:
            self.parts.append(f'<circle cx="{self.x(count):.1f}" cy="{self.y(figure):.1f}" r="3.5" '
                              f'fill="{colour}"><title>{figure:.1f}</title></circle>')

    def key(self, names):
        for number, name in enumerate(names):
            x = LEFT + 12 + 110 * number
            self.line(x, TOP - 10, x + 22, TOP - 10, COLOURS[name])
            self.text(x + 28, TOP - 6, name, 'start')

    def svg(self):
        body = '\n'.join(self.parts)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
                f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" fill="#111827">\n'
                f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n{body}\n</svg>\n')


def subjects_of(points):
    """Those that have been measured at every point."""
    return [name for name in COLOURS if all(name in point['cycles'] for point in points)]


def plot_write(path, title, counted, figure, points, caption):
    names = subjects_of(points)
    most = max(point['cycles'][name]['median'] for point in points for name in names)
    counts = [point['count'] for point in points]
    plot = Plot(counts, most)
    plot.grid(counts)
    plot.text(WIDTH / 2, 22, title, size=16)
    plot.key(names)
    for name in names:
        for which in ('min', 'median'):
            plot.series([(point['count'], point['cycles'][name][which]) for point in points],
                        COLOURS[name], which == 'min')
    plot.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 42, f'number of {counted}')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    plot.text(20, middle, figure, more=f'transform="rotate(-90 20 {middle:.1f})"')
    for number, line in enumerate(caption):
        plot.text(LEFT, HEIGHT - 34 + 16 * number, line, 'start', 11)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(plot.svg())
