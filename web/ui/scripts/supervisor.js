// What the pages do beyond HTML: the status page follows the daemon, carries
// out actions in place and filters as one types; the tail page follows its log.
// Without this file every link and button works all the same.
'use strict';

const byID = (id) => document.getElementById(id);

const clockTime = (ms) => new Date(ms).toTimeString().slice(0, 8);

// A connection that is open only while its page is seen. open is given a signal
// that ends it and a function to call whenever something has come; it resolves or
// fails when the connection is over, and is called again a little later. A silence
// of more than patience, in milliseconds, ends it too; 0 is for ever. While there
// is no contact the page says since when, and looks like it. keepOpen returns a
// function that tells whether there is contact now.
function keepOpen(patience, open) {
  const toggle = byID('livetoggle');
  const contact = byID('contact');
  let state = '';
  let paused = false;
  let current = null; // what ends the present connection
  let retry = 0;
  let silence = 0;
  let since = 0; // when contact was lost; 0: it was not

  const show = (next, text = next) => {
    state = next;
    document.body.dataset.contact = next;
    toggle.textContent = text;
    contact.hidden = next !== 'lost';
  };
  const stop = () => {
    clearTimeout(retry);
    clearTimeout(silence);
    if (current) current.abort();
    current = null;
  };
  const lost = (when, why) => {
    since ||= when;
    contact.textContent = `${why} since ${clockTime(since)}. What is shown here may be out of date.`;
    show('lost', 'reconnecting');
  };
  const listen = (mine) => {
    const heard = Date.now();
    clearTimeout(silence);
    if (patience) silence = setTimeout(() => { lost(heard, 'No contact'); mine.abort(); }, patience);
  };
  const start = async () => {
    if (current || paused || document.hidden) return;
    const mine = current = new AbortController();
    let why = 'No contact';
    listen(mine);
    try {
      await open(mine.signal, () => {
        if (current !== mine) return;
        listen(mine);
        since = 0;
        if (state !== 'live') show('live');
      });
    } catch (error) {
      if (error.status) why = `The server answers ${error.message}`;
    }
    if (current !== mine) return;
    stop();
    lost(Date.now(), why);
    retry = setTimeout(start, 2000);
  };
  const update = () => {
    toggle.setAttribute('aria-pressed', String(!paused));
    stop();
    if (paused || document.hidden) {
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
  return () => state === 'live';
}

// readStream hands the text of a response on as it comes.
async function readStream(url, signal, heard, use) {
  const response = await fetch(url, { signal, cache: 'no-store' });
  if (!response.ok) throw Object.assign(new Error(`${response.status} ${response.statusText}`), { status: response.status });
  heard();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
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

  // What a link or a button is called, so that the one in its place is found when
  // the part of the page around it was replaced.
  const identity = (element) => element.getAttribute('aria-label') || element.dataset.filter ||
    element.getAttribute('href') || element.textContent;
  const find = (id) => [...document.querySelectorAll('#buttons :is(a, button), #table :is(a, button)')]
    .find((element) => identity(element) === id);

  // A disabled button cannot have the focus, and the next key would hit whatever
  // has it then. So the one that has it is only called disabled until it is left.
  function focus(button) {
    if (button.disabled) {
      button.disabled = false;
      button.ariaDisabled = 'true';
      button.addEventListener('blur', () => {
        if (document.activeElement !== button) button.disabled = button.ariaDisabled === 'true';
      });
    }
    button.focus({ preventScroll: true });
  }

  // keepFocus changes the page and puts the focus back to where it was.
  function keepFocus(change) {
    const focused = document.activeElement;
    const id = area.contains(focused) && identity(focused);
    change();
    if (!id || focused.isConnected) return;
    const again = find(id);
    if (again) focus(again);
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
      for (const id of pending) busy(id, true);
    });
    filter();
    uptimes();
  }

  function say(text, failed) {
    const message = document.createElement('div');
    message.className = 'status_msg';
    message.toggleAttribute('data-failed', failed);
    message.textContent = text;
    const close = document.createElement('button');
    close.type = 'button';
    close.className = 'close';
    close.textContent = 'Close';
    byID('note').replaceChildren(message, close);
  }
  const failure = (text) => /^(ERROR|No such|unexpected)/.test(text);

  const pending = new Set(); // what is being done, by the identity of its button
  const pressed = new Map(); // when each was pressed last

  function busy(id, is) {
    const button = find(id);
    if (button) button.ariaBusy = is ? 'true' : null;
  }

  // send posts an action as the form would, but the page stays. The answer is a
  // redirection to the page with the message in its address, or a question.
  async function send(url, body, id) {
    pending.add(id);
    busy(id, true);
    try {
      const response = await fetch(url, { method: 'POST', body });
      const message = response.redirected && new URL(response.url).searchParams.get('message');
      const page = message ? null : new DOMParser().parseFromString(await response.text(), 'text/html');
      const question = page && page.querySelector('form#ask');
      if (message) {
        say(message, failure(message));
      } else if (question && response.ok) {
        ask(question, id);
      } else {
        const reason = page.getElementById('reason');
        say(`ERROR: ${id}: ${reason ? reason.textContent : `the server answers ${response.status} ${response.statusText}`}`, true);
      }
    } catch {
      say(`ERROR: ${id}: no answer from the server; it may or may not have been done`, true);
    }
    pending.delete(id);
    busy(id, false);
  }

  // ask puts the server's question before the page.
  function ask(form, id) {
    const dialog = document.createElement('dialog');
    dialog.append(document.adoptNode(form));
    document.body.append(dialog);
    dialog.addEventListener('close', () => {
      dialog.remove();
      const button = find(id);
      if (button) focus(button);
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      dialog.close();
      send(form.action, new URLSearchParams(), id);
    });
    form.querySelector('a').addEventListener('click', (event) => {
      event.preventDefault();
      dialog.close();
    });
    dialog.showModal();
  }

  byID('actions').addEventListener('submit', (event) => {
    const button = event.submitter;
    if (!button) return;
    event.preventDefault();
    const id = identity(button);
    const now = Date.now();
    const again = now - (pressed.get(id) || 0) < 500; // a double click is meant as one
    pressed.set(id, now);
    if (button.ariaDisabled || pending.has(id) || again) return;
    send(button.formAction, new URLSearchParams(new FormData(event.target, button)), id);
  });
  byID('note').addEventListener('click', (event) => {
    if (!event.target.closest('.close')) return;
    event.preventDefault();
    byID('note').replaceChildren();
    setFilter(box.value); // and so takes the message out of the address
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
    // A key that is held presses a button once.
    if (event.key === 'Enter' && event.repeat && event.target.closest('button, a')) event.preventDefault();
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
  // Server-sent events, read by fetch: unlike an EventSource it tells a refusal
  // from a broken connection and asks for what is new since the last mark.
  const live = keepOpen(40000, (signal, heard) => {
    let rest = '';
    return readStream(`live?mark=${holder().dataset.mark}`, signal, heard, (text) => {
      const events = (rest + text).split('\n\n');
      rest = events.pop();
      for (const event of events) {
        if (event.startsWith('data: ')) apply(JSON.parse(event.slice(6)));
      }
    });
  });
  setInterval(() => { if (!document.hidden && live()) uptimes(); }, 1000);
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

  let size = log.textContent.length;

  function append(text) {
    const follow = atEnd();
    log.append(text);
    size += text.length;
    if (size > most) {
      log.textContent = log.textContent.slice(-most / 2);
      size = log.textContent.length;
    }
    if (follow) toEnd();
  }

  toEnd();

  // The stream begins with the last kilobyte, most of which is here already.
  keepOpen(0, (signal, heard) => {
    let first = true;
    return readStream(log.dataset.follow, signal, heard, (text) => {
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
