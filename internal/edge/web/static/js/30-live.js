// A page with data-live hears when something has happened, fetches itself again
// and takes over the new main part. What was typed, chosen or opened stays, and so
// does the focus. Without this file the page is as it was when it was loaded.
(() => {
  'use strict';
  const LIVE = 'main[data-live]';
  const RETRY = 15000; // ms until a stream that was refused is asked for again
  const TYPED = 'input:not([type=hidden]), textarea, select';
  const main = () => document.querySelector(LIVE);
  if (!main() || !window.EventSource) return;

  const said = document.createElement('p');
  said.className = 'vh';
  said.setAttribute('role', 'status');
  document.body.append(said);

  // What names an element in the old part and in the new one.
  function nameOf(el) {
    if (el.id) return '#' + el.id;
    const form = el.closest('form')?.getAttribute('action') ?? '';
    return [el.localName, el.name ?? '', el.getAttribute('href') ?? '', el.value ?? '', form, el.textContent.trim()].join('|');
  }
  const find = (root, el) => [...root.querySelectorAll(el.localName)].find((other) => nameOf(other) === nameOf(el));

  function changed(el) {
    if (el.type === 'checkbox' || el.type === 'radio') return el.checked !== el.defaultChecked;
    if (el.type === 'file') return el.files.length > 0;
    if (el.localName === 'select') return [...el.options].some((o) => o.selected !== o.defaultSelected);
    return el.value !== el.defaultValue;
  }

  function swap(fresh) {
    const old = main();
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const range = focused && 'selectionStart' in focused ? [focused.selectionStart, focused.selectionEnd] : null;
    document.adoptNode(fresh);
    for (const el of old.querySelectorAll('details')) {
      const other = [...fresh.querySelectorAll('details')].find((d) => summary(d) === summary(el));
      if (other) other.open = el.open;
    }
    for (const el of old.querySelectorAll(TYPED)) {
      if (el !== focused && !changed(el)) continue;
      const other = el.id && fresh.querySelector('#' + CSS.escape(el.id));
      if (other && other.localName === el.localName) other.replaceWith(el);
    }
    const next = focused && (fresh.contains(focused) ? focused : find(fresh, focused));
    old.replaceWith(fresh);
    if (!next) return;
    next.focus({ preventScroll: true });
    if (range && range[0] !== null) next.setSelectionRange(range[0], range[1]);
  }
  const summary = (details) => details.querySelector('summary')?.textContent.trim();

  let busy = false;
  let again = false;
  function refresh() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    const request = new XMLHttpRequest();
    request.open('GET', location.href);
    request.responseType = 'document'; // parsed, and no script of it is run
    request.onload = () => {
      const fresh = request.status === 200 && request.response?.querySelector('main');
      if (!fresh || request.response.querySelector('title').textContent !== document.title) return location.assign(location.href);
      swap(fresh);
      said.textContent = fresh.dataset.said ?? '';
      if (!main()) stop();
    };
    request.onloadend = () => {
      busy = false;
      if (again && main()) {
        again = false;
        refresh();
      }
    };
    request.send();
  }

  let source = null;
  let timer = 0;
  function stop() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }
  function start() {
    stop();
    if (document.hidden || !main()) return;
    source = new EventSource(main().dataset.live);
    source.addEventListener('change', (event) => {
      if (main() && event.data !== main().dataset.pulse) refresh();
    });
    source.addEventListener('error', () => {
      if (source?.readyState !== EventSource.CLOSED) return; // the browser asks again by itself
      stop();
      timer = setTimeout(() => {
        if (!document.hidden) refresh();
        start();
      }, RETRY);
    });
  }
  document.addEventListener('visibilitychange', start);
  addEventListener('pagehide', stop);
  addEventListener('pageshow', start);
})();
