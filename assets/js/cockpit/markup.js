// A page comes as finished HTML (cockpit/presentation/static_html.py), the first one inside the document itself: takes that over as it
// stands, puts later ones in its place, sets the charts into their slots, and follows links without loading the whole page again. What the
// reader has opened, typed or focused outlives a page that is drawn anew; another page begins afresh.
(function () {
  "use strict";
  const React = window.React,
    ReactDOM = window.ReactDOM;
  if (!React || document.body?.classList.contains("wall")) return;

  const REACHED = "a, button, input:not([type=hidden]), select, textarea, summary",
    FIELDS = "input:not([type=hidden]), select, textarea";
  const kept = { path: location.pathname, open: new Set(), fields: new Map(), focus: null };

  const served = () => document.getElementById("shell-served");
  const named = (one) => one.tagName + (one.id || one.name || (one.getAttribute("href") || "") + one.textContent);
  // many rows may have a drawer of the same name: what has an id inside or around it tells them apart
  const drawer = (details) =>
    (details.querySelector("[id]") || details.closest("[id]")).id +
    (details.querySelector("summary") || details).textContent;
  const given = (field) => (field.tagName === "SELECT" ? field.textContent : field.defaultValue);
  const shown = (event) => event.target instanceof Element && event.target.closest("#shell-root, #shell-served");

  function restore(piece) {
    if (kept.path !== location.pathname) {
      kept.path = location.pathname;
      kept.open.clear();
      kept.fields.clear();
      kept.focus = null;
    }
    piece.querySelectorAll("details").forEach((one) => {
      if (kept.open.has(drawer(one))) one.open = true;
    });
    piece.querySelectorAll(FIELDS).forEach((one) => {
      const was = kept.fields.get(named(one));
      if (!was) return;
      // a field that the server fills otherwise than when it was typed into has been answered
      if (was.given === given(one)) {
        one.value = was.value;
        one.checked = was.checked;
      } else kept.fields.delete(named(one));
    });
    if (kept.focus === null || document.activeElement !== document.body) return;
    const { name, home, index } = kept.focus,
      there = document.getElementById(home);
    const again =
      Array.from(piece.querySelectorAll(REACHED)).find((one) => named(one) === name) ||
      (there && (piece.contains(there) || there.contains(piece)) ? there.querySelectorAll(REACHED)[index] : null);
    if (again) again.focus({ preventScroll: true });
  }

  // where the focus is: a link that sorts or turns the page leads elsewhere afterwards, but stands where it stood
  function place(one) {
    const home = one.closest("[id]");
    return { name: named(one), home: home.id, index: Array.from(home.querySelectorAll(REACHED)).indexOf(one) };
  }

  // the nodes themselves move over: what has been typed, opened and scrolled in them since they arrived stays as it is
  function adopt(from, to) {
    from.removeAttribute("id");
    while (from.firstChild)
      if (to.moveBefore) to.moveBefore(from.firstChild, null);
      else to.append(from.firstChild);
    from.remove();
  }

  // children: the charts, in the order of their slots; each is drawn once its slot stands on the page, where it has a width
  function Page({ inside, children }) {
    const root = React.useRef(null),
      [slots, fill] = React.useState([]),
      charts = React.Children.toArray(children);
    React.useLayoutEffect(() => {
      if (served()) adopt(served(), root.current);
      else root.current.innerHTML = inside;
      const found = Array.from(root.current.querySelectorAll("[data-chart]"));
      for (const slot of found) slot.replaceChildren();
      restore(root.current);
      fill(found);
    }, [inside]);
    return React.createElement(
      React.Fragment,
      null,
      React.createElement("div", { ref: root }),
      slots.map((slot, number) =>
        charts[number] ? ReactDOM.createPortal(charts[number], slot, slot.dataset.chart) : null,
      ),
    );
  }

  const Box = ({ id, children }) => React.createElement("div", { id }, children);

  // Dash has fetched its layout: the page that came with the document goes in, and with its address known nothing is asked a second time. Only
  // charts in the colours of the other theme are.
  function begin(layout) {
    const drawn = served() && JSON.parse(document.getElementById("shell-drawn").textContent);
    if (!drawn) return;
    const part = (id) => layout.props.children.find((one) => one.props.id === id).props;
    part("shell-root").children = {
      namespace: "zhengbei",
      type: "Page",
      props: { inside: "", children: drawn.charts },
    };
    part("shell-title").data = document.title;
    const { pathname, search, hash, href } = location;
    if (!drawn.charts.length || drawn.theme === document.documentElement.dataset.theme)
      Object.assign(part("shell-address"), { pathname, search, hash, href });
    window._dashPlotlyJSURL = drawn.plotly; // Dash's own address of it names no version
  }

  document.addEventListener(
    "input",
    (event) => {
      if (shown(event))
        kept.fields.set(named(event.target), {
          given: given(event.target),
          value: event.target.value,
          checked: event.target.checked,
        });
    },
    true,
  );
  document.addEventListener(
    "toggle",
    (event) => {
      if (shown(event)) kept.open[event.target.open ? "add" : "delete"](drawer(event.target));
    },
    true,
  );
  document.addEventListener("focusin", (event) => {
    kept.focus = shown(event) && event.target.matches(REACHED) ? place(event.target) : null;
  });
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest(REACHED)) kept.focus = null;
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-link]");
    if (
      !link ||
      served() ||
      event.defaultPrevented ||
      event.button ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    event.preventDefault();
    const to = new URL(link.href);
    window.dash_clientside.set_props("shell-address", { pathname: to.pathname, search: to.search, hash: to.hash });
  });

  window.zhengbei = { Page, Box, hooks: { layout_post: begin } };
})();
