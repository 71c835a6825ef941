// A page as an SVG: its boxes, its texts line by line, and its charts as lines. For pictures in documents, so it is
// told of what this dashboard has, and of nothing else.
(width, height) => {
  const out = [];
  const n = (value) => `${+value.toFixed(1)}`;
  const esc = (text) => text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
  const clear = (colour) => colour === "transparent" || /^rgba\(.*, 0\)$/.test(colour);
  const put = (tag, attributes, text) => {
    const said = Object.entries(attributes).map(([name, value]) => `${name}="${esc(String(value))}"`).join(" ");
    out.push(text === undefined ? `<${tag} ${said}/>` : `<${tag} ${said}>${esc(text)}</${tag}>`);
  };

  const box = (element, style, at) => {
    const radius = Math.min(parseFloat(style.borderRadius) || 0, at.height / 2);
    const sides = ["Top", "Right", "Bottom", "Left"].map((side) => ({ wide: parseFloat(style[`border${side}Width`]), colour: style[`border${side}Color`], kind: style[`border${side}Style`] }));
    const even = sides.every((one) => one.wide === sides[0].wide && one.colour === sides[0].colour && one.kind !== "none");
    const fill = clear(style.backgroundColor) ? "none" : style.backgroundColor;
    const ring = even && sides[0].wide > 0 && !clear(sides[0].colour);
    const inset = ring ? sides[0].wide / 2 : 0;
    if (fill !== "none" || ring) {
      put("rect", { x: n(at.x + inset), y: n(at.y + inset), width: n(at.width - 2 * inset), height: n(at.height - 2 * inset), rx: n(radius), fill,
        ...(ring ? { stroke: sides[0].colour, "stroke-width": sides[0].wide, ...(sides[0].kind === "dashed" ? { "stroke-dasharray": "3 3" } : {}) } : {}) });
    }
    if (even) return;
    const places = [[at.x, at.y, at.right, at.y], [at.right, at.y, at.right, at.bottom], [at.x, at.bottom, at.right, at.bottom], [at.x, at.y, at.x, at.bottom]];
    sides.forEach(({ wide, colour, kind }, side) => {
      if (!wide || kind === "none" || clear(colour)) return;
      const [x1, y1, x2, y2] = places[side], half = (side === 0 || side === 3 ? 1 : -1) * wide / 2;
      put("line", { x1: n(x1 + (side % 2 ? half : 0)), x2: n(x2 + (side % 2 ? half : 0)), y1: n(y1 + (side % 2 ? 0 : half)), y2: n(y2 + (side % 2 ? 0 : half)), stroke: colour, "stroke-width": wide });
    });
  };

  const lines = (node) => {
    const found = [], range = document.createRange();
    for (const word of node.data.matchAll(/\S+/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      for (const at of range.getClientRects()) {
        const last = found.at(-1);
        if (last && Math.abs(last.y - at.y) < 2) { last.text += ` ${word[0]}`; last.right = at.right; break; }
        found.push({ text: word[0], x: at.x, right: at.right, y: at.y, height: at.height });
        break;
      }
    }
    return found;
  };

  const text = (node, style) => lines(node).filter((one) => one.right > one.x).forEach((one) => {
    const size = parseFloat(style.fontSize);
    put("text", { x: n(one.x), y: n(one.y + one.height / 2 + size * 0.36), fill: style.color, "font-size": n(size), "font-weight": style.fontWeight,
      textLength: n(one.right - one.x), lengthAdjust: "spacingAndGlyphs",
      ...(style.fontFamily.includes("monospace") ? { "font-family": "monospace" } : {}),
      ...(style.textDecorationLine === "none" ? {} : { "text-decoration": style.textDecorationLine }) }, one.text);
  });

  const chart = (plot) => {
    const at = plot.over.getBoundingClientRect(), ids = plot.axes.map((axis) => axis.scale);
    const place = (value, axis) => (axis ? at.y : at.x) + plot.valToPos(value, ids[axis]);
    plot.axes.forEach((axis, which) => (axis._splits || []).forEach((value, number) => {
      const name = axis._values[number];
      if (!name) return;
      if (which) put("line", { x1: n(at.x), x2: n(at.right), y1: n(place(value, 1)), y2: n(place(value, 1)), stroke: axis.grid.stroke(), "stroke-width": 1 });
      const spot = which ? { x: n(at.x - 6), y: n(place(value, 1) + 4), "text-anchor": "end" } : { x: n(place(value, 0)), y: n(at.bottom + 16), "text-anchor": "middle" };
      put("text", { ...spot, fill: axis.stroke(), "font-size": 11 }, `${name}`);
    }));
    const dots = (column) => column.map((value, number) => value == null ? null : `${n(place(plot.data[0][number], 0))},${n(Math.min(at.bottom, Math.max(at.y, place(value, 1))))}`).filter(Boolean);
    plot.bands.forEach(({ series: [high, low], fill }) => put("polygon", { points: [...dots(plot.data[high]), ...dots(plot.data[low]).reverse()].join(" "), fill: fill(plot, 0) }));
    plot.series.slice(1).filter((one) => one.width > 0).forEach((one) => {
      const number = plot.series.indexOf(one);
      put("polyline", { points: dots(plot.data[number]).join(" "), fill: "none", stroke: one.stroke(plot, number), "stroke-width": 2, ...(one.dash ? { "stroke-dasharray": one.dash.join(" ") } : {}) });
    });
  };

  const progress = (element, style, at) => {
    const high = 6, y = at.y + (at.height - high) / 2;
    put("rect", { x: n(at.x), y: n(y), width: n(at.width), height: high, rx: 3, fill: style.borderColor, "fill-opacity": 0.3 });
    put("rect", { x: n(at.x), y: n(y), width: n(at.width * element.position), height: high, rx: 3, fill: style.accentColor });
  };

  const walk = (element) => {
    const style = getComputedStyle(element), at = element.getBoundingClientRect();
    if (style.display === "none" || style.visibility === "hidden" || style.clipPath !== "none" || at.y > height || at.right < 0) return;
    const plot = (window.plots || []).find((one) => one.root === element);
    if (plot) { chart(plot); return; }
    if (at.width && at.height && element !== document.body) box(element, style, at);
    if (element.tagName === "PROGRESS") { progress(element, style, at); return; }
    element.childNodes.forEach((node) => {
      if (node.nodeType === Node.TEXT_NODE) text(node, style);
      if (node.nodeType === Node.ELEMENT_NODE && (element.tagName !== "DETAILS" || element.open || node.tagName === "SUMMARY")) walk(node);
    });
  };
  walk(document.body);
  const ground = getComputedStyle(document.documentElement).backgroundColor;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif">\n<rect width="100%" height="100%" fill="${ground}"/>\n${out.join("\n")}\n</svg>\n`;
}
