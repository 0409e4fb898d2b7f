"""Texts that stand on another or are cut off, as a browser sees them."""

from __future__ import annotations

#: A function of an element that holds a figure: texts that overlap, in pairs, and those that leave
#: the figure. Touching is allowed: lines of a pixel.
FAULTS = """plot => {
  const box = part => part.getBoundingClientRect(), around = box(plot.querySelector('.main-svg'))
  const texts = [...plot.querySelectorAll('text')].filter(text => text.textContent.trim())
  const size = (a, b, start, end) => Math.min(box(a)[end], box(b)[end]) - Math.max(box(a)[start], box(b)[start])
  const over = (a, b) => size(a, b, 'left', 'right') > 1 && size(a, b, 'top', 'bottom') > 3
  const within = text => box(text).left >= around.left - 1 && box(text).right <= around.right + 1 &&
    box(text).top >= around.top - 1 && box(text).bottom <= around.bottom + 1
  const pairs = texts.flatMap((a, place) => texts.slice(place + 1).filter(b => over(a, b)).map(b => [a.textContent, b.textContent]))
  return [...pairs, ...texts.filter(text => !within(text)).map(text => [text.textContent])]
}"""
