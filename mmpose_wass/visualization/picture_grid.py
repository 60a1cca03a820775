"""Pictures in rows and columns, with titles and captions, laid out to the pixel."""
from __future__ import annotations

import textwrap
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

#: Inches.
_GAP, _EDGE = 0.08, 0.12
_LINE = 0.17
_TITLE = 0.34
_FOOTER = 0.3
_BAR = 0.85
#: Characters of the small font to an inch, a little less than fit; fewer of the bold one.
_CHARACTERS, _BOLD_CHARACTERS = 13.5, 11.5

INK, FAINT = '0.15', '0.42'


class PictureGrid(NamedTuple):
    """A figure of pictures.

    Attributes:
        figure (Figure): The figure.
        panels (list[list[Axes]]): Rows of panels.
        footer (Axes | None): Empty strip below all panels, for a legend.
        bar (Axes | None): Strip at the right, for a colour bar.
    """
    figure: Figure
    panels: List[List[Axes]]
    footer: Optional[Axes]
    bar: Optional[Axes]


def new_picture_grid(row_titles: Sequence[str],
                     column_titles: Sequence[str],
                     tile: Tuple[float, float] = (2.0, 2.0),
                     caption_lines: int = 1,
                     title: str = '',
                     note: str = '',
                     with_footer: bool = True,
                     with_bar: bool = False) -> PictureGrid:
    """Lay out a figure.

    Args:
        row_titles: One for each row, set upright at its left; all empty: no room is left.
        column_titles: One for each column, above it.
        tile: Width and height of a picture in inches.
        caption_lines: Lines of text below each picture.
        title: Above everything, at the left.
        note: A line of explanation below the title.
        with_footer: Whether to leave a strip for a legend.
        with_bar: Whether to leave a strip at the right for a colour bar.

    Returns:
        PictureGrid: The figure, with empty panels.

    Raises:
        ValueError: If there is no row or no column.
    """
    if not row_titles or not column_titles:
        raise ValueError(f'a grid of pictures needs rows and columns, found {len(row_titles)} '
                         f'and {len(column_titles)}')
    wide, tall = tile
    columns, rows = len(column_titles), len(row_titles)
    caption = _LINE * caption_lines + (0.05 if caption_lines else 0)
    wrapped_rows = [_wrap(text, tall, 3) for text in row_titles]
    wrapped_columns = [_wrap(text, wide, 3, _BOLD_CHARACTERS) for text in column_titles]
    left = _EDGE + _LINE * max(_lines(text) for text in wrapped_rows) + (
        0.06 if any(wrapped_rows) else 0)
    heads = _LINE * max(_lines(text) for text in wrapped_columns) + 0.06
    body_width = columns * wide + (columns - 1) * _GAP
    width = max(left + body_width + _EDGE + (_BAR if with_bar else 0), 3.6)
    notes = _wrap(note, width - left - _EDGE, 4)
    top = _EDGE + (_TITLE if title else 0) + _LINE * _lines(notes) + (0.08 if notes else 0) + heads
    height = (top + rows * (tall + caption) + (rows - 1) * _GAP + _EDGE
              + (_FOOTER if with_footer else 0))
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)

    def strip(x: float, y: float, w: float, h: float) -> Axes:
        """An axes, in inches from the figure's upper left corner."""
        return figure.add_axes((x / width, 1 - (y + h) / height, w / width, h / height))

    def write(x: float, y: float, text: str, **style) -> None:
        figure.text(x / width, 1 - y / height, text, **dict(dict(fontsize=9, color=INK), **style))

    if title:
        write(left, _EDGE, title, va='top', fontsize=12, fontweight='bold')
    if notes:
        write(left, _EDGE + (_TITLE if title else 0), notes, va='top', color=FAINT,
              linespacing=1.25)
    panels = []
    for row in range(rows):
        y = top + row * (tall + caption + _GAP)
        write(left - 0.06, y + tall / 2, wrapped_rows[row], rotation=90, ha='right', va='center',
              multialignment='center')
        panels.append([])
        for column in range(columns):
            panel = strip(left + column * (wide + _GAP), y, wide, tall)
            panel.set(xticks=[], yticks=[], facecolor='0.92')
            for spine in panel.spines.values():
                spine.set_visible(False)
            panels[-1].append(panel)
    for column, text in enumerate(wrapped_columns):
        write(left + column * (wide + _GAP) + wide / 2, top - 0.05, text, ha='center',
              va='bottom', fontweight='bold')
    footer = bar = None
    if with_footer:
        footer = strip(left, height - _FOOTER - 0.04, max(body_width, width - left - _EDGE),
                       _FOOTER)
        footer.set_axis_off()
    if with_bar:
        body = rows * (tall + caption) + (rows - 1) * _GAP - caption
        long = min(body, 3.2)
        bar = strip(left + body_width + 0.14, top + (min(body, tall) - long) / 2
                    if body <= long else top, 0.13, long)
    return PictureGrid(figure, panels, footer, bar)


def show_picture(panel: Axes, picture: np.ndarray, caption: str = '', bold: bool = False,
                 smooth: bool = False) -> None:
    """Put a picture into a panel.

    Args:
        panel: The panel.
        picture: ``[H, W, 3]`` (BGR).
        caption: A text below it.
        bold: Whether the text is bold.
        smooth: Whether pixels that are drawn large are blended.
    """
    panel.imshow(picture[..., ::-1], interpolation='bicubic' if smooth else 'antialiased',
                 aspect='equal')
    panel.set(xlim=(-.5, picture.shape[1] - .5), ylim=(picture.shape[0] - .5, -.5))
    if caption:
        text = panel.annotate(caption, (0.5, 0), xycoords='axes fraction', xytext=(0, -3),
                              textcoords='offset points', ha='center', va='top', fontsize=8.5,
                              fontweight='bold' if bold else 'normal', color=INK,
                              annotation_clip=False, linespacing=1.2)
        _shorten(text, panel)


def _shorten(text, panel: Axes) -> None:
    """Make a one-line text fit below its panel; the end of a name tells more than its start."""
    room, whole = panel.get_window_extent().width, text.get_text()
    if '\n' in whole:
        return
    for cut in range(1, len(whole)):
        if text.get_window_extent().width <= room:
            return
        text.set_text('…' + whole[cut:])


def say_empty(panel: Axes, text: str) -> None:
    """Say why a panel has no picture."""
    panel.text(0.5, 0.5, textwrap.fill(text, 24), transform=panel.transAxes, ha='center',
               va='center', fontsize=8.5, color=FAINT)


def to_pixels(figure: Figure, dpi: int = 100) -> np.ndarray:
    """A figure as an image ``[H, W, 3]`` (RGB, uint8), such as visualizer backends take."""
    figure.set_dpi(dpi)
    figure.set_facecolor('white')
    figure.canvas.draw()
    return np.ascontiguousarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])


def _wrap(text: str, inches: float, most: int, characters: float = _CHARACTERS) -> str:
    """Break a text into lines that fit; what is beyond the last line is left out."""
    if not text:
        return ''
    width = max(8, int(inches * characters))
    lines = textwrap.wrap(text, width, break_on_hyphens=True)
    if len(lines) > most:
        lines = lines[:most]
        lines[-1] = lines[-1][:width - 1] + '…'
    return '\n'.join(lines)


def _lines(text: str) -> int:
    return text.count('\n') + 1 if text else 0
