// The screen of test/helpers/emulator.ts as an SVG: text in the reader's own monospace font, blocks as rectangles,
// so that bars have no gaps whatever the font.

const cell = { width: 8.4, height: 18 }
const margin = 12
const colours = { background: '#16181d', plain: '#d5d8de', dim: '#7d838f' }
/** ANSI colours 0 to 15. */
const palette = [
  ...['#3a3f4b', '#e5626b', '#8fc379', '#e2c07a', '#62a8ea', '#c67bdc', '#4fbac8', '#d5d8de'],
  ...['#5c6370', '#f27983', '#a5d893', '#f0d394', '#7dbcf5', '#d996ec', '#69d0de', '#ffffff'],
]

/** @param terminal of @xterm/headless; its first row is the picture's title */
export function screenSvg(terminal) {
  const title = terminal.buffer.active
    .getLine(terminal.buffer.active.baseY)
    ?.translateToString(true)
  const rows = Array.from({ length: terminal.rows }, (_, row) => rowSvg(terminal, row)).join('')
  const width = Math.ceil(terminal.cols * cell.width + 2 * margin)
  const height = Math.ceil(terminal.rows * cell.height + 2 * margin)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title ?? '')}</title>
<rect width="${width}" height="${height}" rx="8" fill="${colours.background}"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
${rows}</g>
</svg>
`
}

function rowSvg(terminal, row) {
  const line = terminal.buffer.active.getLine(terminal.buffer.active.baseY + row)
  const parts = []
  let run
  let blanks = 0
  for (let column = 0; column < terminal.cols; column++) {
    const shown = line?.getCell(column)
    if (!shown || shown.getWidth() === 0) continue
    const text = shown.getChars() || ' '
    const style = styleOf(shown)
    const eighths = '▁▂▃▄▅▆▇█'.indexOf(text) + 1
    if (eighths > 0) parts.push(bar(column, row, eighths, style.fill))
    if (eighths > 0 || text === ' ') {
      blanks += 1
      continue
    }
    // Further to the right a text of its own: not every font is as wide as a cell.
    if (!run || blanks > 1 || run.style.fill !== style.fill || run.style.bold !== style.bold) {
      run = { column, text: '', style }
      parts.push(run)
    } else {
      run.text += ' '.repeat(blanks)
    }
    blanks = 0
    run.text += text
  }
  return parts.map((part) => (typeof part === 'string' ? part : runSvg(part, row))).join('')
}

function styleOf(shown) {
  const fill = shown.isFgPalette()
    ? (palette[shown.getFgColor()] ?? colours.plain)
    : shown.isDim()
      ? colours.dim
      : colours.plain
  return { fill, bold: shown.isBold() !== 0 }
}

function runSvg({ column, text, style }, row) {
  const y = margin + (row + 0.75) * cell.height
  const length = Array.from(text).length * cell.width
  const weight = style.bold ? ' font-weight="bold"' : ''
  return `<text x="${number(margin + column * cell.width)}" y="${number(y)}" textLength="${number(length)}" fill="${style.fill}"${weight}>${escaped(text)}</text>\n`
}

function bar(column, row, eighths, fill) {
  const height = (cell.height * eighths) / 8
  const y = margin + (row + 1) * cell.height - height
  // A hair wider than a cell: no seams where a viewer rounds.
  return `<rect x="${number(margin + column * cell.width)}" y="${number(y)}" width="${number(cell.width + 0.1)}" height="${number(height)}" fill="${fill}"/>\n`
}

function number(value) {
  return Number(value.toFixed(2))
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
