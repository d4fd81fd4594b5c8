// What the pages do beyond HTML: the status page follows the daemon, carries
// out actions in place and filters as one types; the tail page follows its log.
// Without this file every link and button works all the same.
'use strict';

const byID = (id) => document.getElementById(id);

// A connection that is open only while its page is seen. open is given a signal
// that ends it, and resolves or fails when the connection is over; then it is
// opened again, a little later.
function keepOpen(open) {
  const toggle = byID('livetoggle');
  let paused = false;
  let current = null;
  let retry = 0;

  const show = (text) => { toggle.textContent = text; };
  const stop = () => {
    clearTimeout(retry);
    if (current) current.abort();
    current = null;
  };
  const start = async () => {
    if (current || paused || document.hidden) return;
    const mine = current = new AbortController();
    try {
      await open(mine.signal, () => { if (current === mine) show('live'); });
    } catch { /* over is over: tried again below */ }
    if (current !== mine) return;
    current = null;
    show('reconnecting');
    retry = setTimeout(start, 2000);
  };
  const update = () => {
    toggle.setAttribute('aria-pressed', String(!paused));
    if (paused || document.hidden) {
      stop();
      show('paused');
    } else {
      show('connecting');
      start();
    }
  };
  toggle.addEventListener('click', () => { paused = !paused; update(); });
  document.addEventListener('visibilitychange', update);
  addEventListener('pagehide', stop);
  addEventListener('pageshow', (event) => { if (event.persisted) update(); });
  toggle.hidden = false;
  update();
}

// readStream hands the text of a response on as it comes.
async function readStream(url, signal, ready, use) {
  const response = await fetch(url, { signal, cache: 'no-store' });
  if (!response.ok) throw new Error(String(response.status));
  ready();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    use(value);
  }
}

// ---------------------------------------------------------------- status page

function statusPage() {
  const area = byID('table');
  const box = byID('filterbox');
  let clock = 0; // how far the server's clock is ahead of ours, in seconds

  const holder = () => area.querySelector('[data-mark]');
  const rows = () => area.querySelectorAll('tr[data-name]');

  function setClock(now) { clock = now - Date.now() / 1000; }

  // The filter: every word is part of the name or of the state; one with a
  // colon begins the name. The same rule as the server's.
  function matches(words, row) {
    const name = row.dataset.name.toLowerCase();
    const state = row.dataset.state;
    return words.every((word) => word.includes(':')
      ? name.startsWith(word) : name.includes(word) || state.includes(word));
  }
  function filter() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    const all = rows();
    for (const row of all) {
      row.hidden = !matches(words, row);
      if (!row.hidden) shown++;
    }
    byID('matches').textContent = words.length ? `${shown} of ${all.length} shown` : '';
  }
  function setFilter(text) {
    box.value = text;
    filter();
    const url = new URL(location.href);
    url.searchParams.delete('message');
    if (text) url.searchParams.set('filter', text); else url.searchParams.delete('filter');
    history.replaceState(null, '', url);
  }

  function uptimes() {
    const now = Date.now() / 1000 + clock;
    for (const row of area.querySelectorAll('tr[data-start]')) {
      const text = row.cells[1].firstElementChild;
      const up = Math.max(0, Math.floor(now - Number(row.dataset.start)));
      const two = (n) => String(n).padStart(2, '0');
      const days = Math.floor(up / 86400);
      const words = (days ? `${days} day${days === 1 ? '' : 's'}, ` : '') +
        `${Math.floor(up / 3600) % 24}:${two(Math.floor(up / 60) % 60)}:${two(up % 60)}`;
      const next = text.textContent.replace(/uptime .*$/, `uptime ${words}`);
      if (next !== text.textContent) text.textContent = next;
    }
  }

  // keepFocus changes the page and puts the focus back to where it was: on the
  // same button, or else on what the same row offers now.
  function keepFocus(change) {
    const focused = document.activeElement;
    const inside = focused && area.contains(focused);
    const row = inside && focused.closest('tr[data-name]');
    const name = inside && focused.getAttribute('name');
    const label = inside && focused.getAttribute('aria-label');
    change();
    if (!inside || focused.isConnected) return;
    const find = (root, test) => [...root.querySelectorAll('button, a:not(.hidden)')].find(test);
    const again = row && [...rows()].find((r) => r.dataset.name === row.dataset.name);
    const target = again
      ? find(again, (b) => b.name === name) || find(again, (b) => b.closest('.action'))
      : find(area, (b) => b.getAttribute('aria-label') === label);
    if (target) target.focus();
  }

  function fragment(html) {
    const template = document.createElement('template');
    template.innerHTML = html;
    return template.content;
  }

  function apply(update) {
    setClock(update.now);
    keepFocus(() => {
      if (update.table !== undefined) {
        area.replaceChildren(fragment(update.table));
      } else {
        if (update.head !== undefined) byID('head').replaceChildren(fragment(update.head));
        const old = new Map([...rows()].map((row) => [row.dataset.name, row]));
        for (const html of update.rows || []) {
          const row = fragment(html).querySelector('tr');
          const before = old.get(row.dataset.name);
          if (before) before.replaceWith(row);
        }
      }
      holder().dataset.mark = update.mark;
    });
    filter();
    uptimes();
  }

  function say(text, failed) {
    const box = document.querySelector('.status_msg') || document.querySelector('#main > .hidden');
    box.className = 'status_msg';
    box.setAttribute('role', 'status');
    box.toggleAttribute('data-failed', failed);
    box.textContent = text;
  }
  const failure = (text) => /^(ERROR|No such|unexpected)/.test(text);

  // An action: posted as the form would post it, but the page stays. The answer
  // is a redirection to the page with the message in its address.
  async function act(form, button) {
    button.setAttribute('aria-busy', 'true');
    button.disabled = true;
    try {
      const body = new URLSearchParams(new FormData(form, button));
      const response = await fetch(button.formAction, { method: 'POST', body });
      if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
      const message = new URL(response.url).searchParams.get('message') || 'Done';
      say(message, failure(message));
    } catch (error) {
      say(`ERROR: ${button.getAttribute('aria-label') || button.textContent}: ${error.message}`, true);
    }
    button.disabled = false;
    button.removeAttribute('aria-busy');
  }

  byID('actions').addEventListener('submit', (event) => {
    if (!event.submitter) return;
    event.preventDefault();
    act(event.target, event.submitter);
  });
  byID('filter').addEventListener('submit', (event) => {
    event.preventDefault();
    setFilter(box.value);
  });
  box.addEventListener('input', () => setFilter(box.value));
  area.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-filter]');
    if (!link) return;
    event.preventDefault();
    setFilter(box.value === link.dataset.filter ? '' : link.dataset.filter);
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === '/' && !event.target.closest('input, select, textarea')) {
      event.preventDefault();
      box.focus();
    } else if (event.key === 'Escape' && event.target === box) {
      setFilter('');
    }
  });

  byID('filter').querySelector('button').hidden = true;
  setClock(Number(holder().dataset.now));
  filter();
  setInterval(() => { if (!document.hidden) uptimes(); }, 1000);

  // Server-sent events, read by fetch: unlike an EventSource it tells a refusal
  // from a broken connection and asks for what is new since the last mark.
  keepOpen((signal, ready) => {
    let pending = '';
    return readStream(`live?mark=${holder().dataset.mark}`, signal, ready, (text) => {
      const events = (pending + text).split('\n\n');
      pending = events.pop();
      for (const event of events) {
        if (event.startsWith('data: ')) apply(JSON.parse(event.slice(6)));
      }
    });
  });
}

// ------------------------------------------------------------------ tail page

// overlap returns how much of the beginning of next is the end of text.
function overlap(text, next) {
  for (let n = Math.min(text.length, next.length); n > 0; n--) {
    if (text.endsWith(next.slice(0, n))) return n;
  }
  return 0;
}

function tailPage(log) {
  const most = 4 << 20; // characters kept on the page
  const atEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 40;
  const toEnd = () => scrollTo(0, document.documentElement.scrollHeight);

  function append(text) {
    const stay = !atEnd();
    log.append(text);
    if (log.textContent.length > most) log.textContent = log.textContent.slice(-most / 2);
    if (!stay) toEnd();
  }

  for (const select of document.querySelectorAll('#options select')) {
    select.addEventListener('change', () => select.form.submit());
  }
  toEnd();

  // The stream begins with the last kilobyte, most of which is here already.
  keepOpen((signal, ready) => {
    let first = true;
    return readStream(log.dataset.follow, signal, ready, (text) => {
      if (first) {
        text = text.replace(/^\ufffd+/, ''); // it may begin inside a character
        text = text.slice(overlap(log.textContent.slice(-1024), text));
        first = false;
      }
      if (text) append(text);
    });
  });
}

if (byID('table')) statusPage();
const log = document.querySelector('pre[data-follow]');
if (log) tailPage(log);
