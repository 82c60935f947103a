// Every page works without this file: it adds keys, opening without a reload,
// and the passkey ceremonies, which need a script.
(() => {
  'use strict';
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  document.documentElement.classList.add('js');

  for (const el of all('[data-autosubmit]')) {
    el.addEventListener('change', () => el.form.requestSubmit());
  }
  for (const el of all('[data-tick-all]')) {
    const boxes = all(`input[name="${el.dataset.tickAll}"]:not(:disabled)`, el.form);
    const sum = () => { el.checked = boxes.length > 0 && boxes.every((box) => box.checked); };
    sum();
    for (const box of boxes) box.addEventListener('change', sum);
    el.addEventListener('change', () => {
      for (const box of boxes) box.checked = el.checked;
    });
  }
  one('[data-focus]')?.focus();

  // ---- queue: open an application beside the list

  const NARROW = 760; // CSS pixels; below it the detail is a page of its own
  const HELD = 90; // ms between presses of a held key
  const rows = one('#rows');
  const current = () => one('.row-item.on', rows);
  let timer = 0;
  let lastOpen = 0;

  function open(item) {
    if (!item) return;
    const link = one('a', item);
    const before = current();
    before?.classList.remove('on');
    before && one('a', before).removeAttribute('aria-current');
    item.classList.add('on');
    link.setAttribute('aria-current', 'true');
    item.scrollIntoView({ block: 'nearest' });

    const load = () => {
      htmx.ajax('GET', link.dataset.detail, { target: '#detail', swap: 'innerHTML' });
      history.replaceState(null, '', link.getAttribute('href'));
      one('#detail').scrollTop = 0;
    };
    // The first press loads at once; a held key loads where it comes to rest.
    clearTimeout(timer);
    const now = performance.now();
    if (now - lastOpen < HELD) timer = setTimeout(load, HELD);
    else load();
    lastOpen = now;
  }

  function step(by) {
    const at = current();
    const items = all('.row-item', rows);
    if (!at) return open(items[0]);
    open(items[items.indexOf(at) + by]);
  }

  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-detail]');
    if (!link || !rows || innerWidth <= NARROW) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(link.closest('.row-item'));
  });

  // ---- keyboard

  const GO = 1200; // ms to press the second key after g

  // A letter counts by what it types if that is Latin, else by where it lies:
  // the map works on Russian and Persian layouts.
  function keyOf(event) {
    if (/^[a-z?/]$/i.test(event.key)) return event.key.toLowerCase();
    if (/^Key[A-Z]$/.test(event.code)) return event.code[3].toLowerCase();
    return event.key;
  }

  const press = (selector) => one(selector)?.click();
  const focus = (selector) => {
    const el = one(selector);
    el?.closest('details')?.setAttribute('open', '');
    el?.focus();
    el?.scrollIntoView({ block: 'center' });
  };
  const inDetail = {
    j: () => step(1),
    k: () => step(-1),
    o: () => { const title = one('#detail [data-title]'); title?.focus(); },
  };
  const anywhere = {
    a: () => focus('[data-key="a"]'),
    i: () => focus('[data-key="i"]'),
    d: () => focus('[data-key="d"]'),
    e: () => press('[data-key="e"]'),
    c: () => focus('[data-key="c"]'),
    m: () => focus('[data-key="m"]'),
    '/': () => one('#q')?.focus(),
    '?': () => one('#help')?.showModal(),
    ']': () => press('[rel="next"]'),
    '[': () => press('[rel="prev"]'),
    Escape: () => (rows ? one('a', current() ?? rows)?.focus() : press('[data-key="Escape"]')),
    u: () => press('[data-key="Escape"]'),
    g: () => { went = Date.now(); },
  };
  inDetail.Enter = inDetail.o;
  let went = 0;

  document.addEventListener('keydown', (event) => {
    if (!document.body.classList.contains('staff') || document.body.classList.contains('keys-off')) return;
    const typing = event.target.closest('input:not([type=checkbox], [type=radio]), textarea, select, dialog[open]');
    if (typing) {
      if (event.key === 'Escape' && typing.localName !== 'dialog') typing.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const key = keyOf(event);
    if (key === 'Enter' && event.target.closest('a, button, summary')) {
      if (!event.target.closest('.row-item')) return;
    }

    if (Date.now() - went < GO) {
      went = 0;
      const tab = one(`[data-go="${CSS.escape(key)}"]`);
      if (tab) {
        event.preventDefault();
        tab.click();
        return;
      }
    }
    const act = (rows && inDetail[key]) || anywhere[key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  for (const el of all('[data-open-dialog]')) {
    el.addEventListener('click', () => one(el.dataset.openDialog)?.showModal());
  }
})();
