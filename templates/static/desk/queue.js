/* The queue and the deliveries: rows by keyboard, the preview pane; selection, and rows that change in place. Needs
   desk.js; htmx loads the preview and swaps the rows. */
(function () {
  'use strict';
  var $ = window.desk.$, $$ = window.desk.$$, visible = window.desk.visible, store = window.desk.store;

  function move(step) {
    var all = $$('[data-rows] .qrow__link').filter(visible);
    if (!all.length) return;
    var row = window.desk.currentRow(), i = row ? all.indexOf($('.qrow__link', row)) : -1;
    var next = all[Math.max(0, Math.min(all.length - 1, i < 0 ? 0 : i + step))];
    next.focus();
    next.closest('.qrow').scrollIntoView({ block: 'nearest' });
  }
  document.addEventListener('keydown', function (e) {
    if (e.key !== 'j' && e.key !== 'k') return;
    var typing = e.target.matches && e.target.matches('textarea, select, input:not([type="radio"]):not([type="checkbox"])');
    if (typing || e.ctrlKey || e.metaKey || e.altKey || store.get('keys') === 'off' || $('dialog[open]')) return;
    e.preventDefault();
    move(e.key === 'j' ? 1 : -1);
  });

  /* A click on a row shows its preview; where there is no room for one, it opens the session. */
  document.addEventListener('click', function (e) {
    var row = e.target.closest('.qrow');
    if (!row || e.target.closest('a, button, input, label, summary') || String(getSelection())) return;
    var link = $('.qrow__link', row);
    if (visible($('#peek'))) link.focus(); else link.click();
  });

  /* No preview is fetched that nobody would see: there is no room, or the focus has moved on. */
  document.addEventListener('htmx:beforeRequest', function (e) {
    if (e.detail.target.id !== 'peek') return;
    var isAgain = e.detail.requestConfig.triggeringEvent && e.detail.requestConfig.triggeringEvent.type === 'desk:peek';
    if (!visible($('#peek')) || (!isAgain && document.activeElement !== e.detail.elt)) e.preventDefault();
  });
  document.addEventListener('htmx:afterSwap', function (e) {
    if (e.detail.target.id !== 'peek') return;
    var shown = $('#peek').dataset.session;
    $$('.qrow').forEach(function (row) { row.classList.toggle('is-open', row.id === 's-' + shown); });
  });

  ['htmx:responseError', 'htmx:sendError', 'htmx:timeout'].forEach(function (failure) {
    document.addEventListener(failure, function (e) {
      if (e.detail.target.id === 'peek') window.desk.say(window.desk.word('peekFailed'));
    });
  });

  /* --- Selection ---------------------------------------------------------- */
  function boxes() { return $$('.q-sel input[name]'); }
  function count() {
    var all = boxes(), n = all.filter(function (box) { return box.checked; }).length, head = $('[data-select-all]');
    if (head) {
      head.checked = n > 0 && n === all.length;
      head.indeterminate = n > 0 && n < all.length;
    }
    return n;
  }
  function unselect() {
    boxes().forEach(function (box) { box.checked = false; });
    count();
  }
  document.addEventListener('change', function (e) {
    if (e.target.matches('[data-select-all]')) boxes().forEach(function (box) { box.checked = e.target.checked; });
    else if (!e.target.matches('.q-sel input')) return;
    var n = count(), words = e.target.form.dataset;
    window.desk.say(n ? (n === 1 ? words.one : words.several).replace('{n}', n) : words.none);
  });
  document.addEventListener('reset', function (e) {
    if ($('.q-sel', e.target)) setTimeout(count);
  });
  /* A file is not swapped in: the browser sends this one itself. */
  document.addEventListener('submit', function (e) {
    if (e.submitter && e.submitter.value === 'export') e.stopImmediatePropagation();
  }, true);

  /* --- Rows that change in place --------------------------------------------- */
  var live = $('#queue-live'), stale = $('#queue-stale'), said = $('#queue-said');
  function look() { if (live) window.htmx.trigger(live, 'desk:look'); }
  document.addEventListener('htmx:configRequest', function (e) {
    if (e.detail.elt !== live) return;
    e.detail.parameters.set('s', $$('[data-rows] [data-mark]').map(function (row) {
      return row.id.slice(2).replace(/-/g, '') + '.' + row.dataset.mark;
    }).join('_'));
    var ask = $('#queue-ask');
    if (ask && ask.dataset.ask) e.detail.parameters.set('asked', ask.dataset.ask);
  });
  /* Nobody looks at a hidden page; it is refreshed as soon as somebody does. */
  document.addEventListener('htmx:beforeRequest', function (e) {
    if (e.detail.elt === live && document.hidden) e.preventDefault();
  });
  document.addEventListener('visibilitychange', function () { if (!document.hidden) look(); });

  /* A row that is replaced keeps its tick and its focus; an open preview follows its row. */
  var held = null;
  document.addEventListener('htmx:oobBeforeSwap', function (e) {
    var row = e.detail.target;
    if (!row.matches('.qrow')) return;
    var fresh = e.detail.fragment.querySelector('.q-sel input'), box = $('.q-sel input', row);
    if (fresh && box) fresh.checked = box.checked;
    var at = document.activeElement;
    held = row.contains(at) ? { id: row.id, name: at.name || '' } : held;
  });
  document.addEventListener('htmx:oobAfterSwap', function (e) {
    var row = e.detail.target.id && document.getElementById(e.detail.target.id);
    if (!row || !row.matches('.qrow')) return;
    count();
    if ($('#peek') && $('#peek').dataset.session === row.id.slice(2)) {
      row.classList.add('is-open');
      window.htmx.trigger($('.qrow__link', row), 'desk:peek');
    }
    if (!held || held.id !== row.id) return;
    var same = held.name && $('[name="' + held.name + '"]', row);
    held = null;
    (same || $('.qrow__link', row)).focus({ preventScroll: true });
  });

  /* What is seen stays, and says how old it is, while nothing newer comes. */
  function isOurs(e) { return e.detail.elt === live || e.detail.elt.matches('#queue-form, .peek__foot'); }
  document.addEventListener('htmx:afterRequest', function (e) {
    if (!stale || !isOurs(e)) return;
    var isWell = e.detail.successful, isAct = e.detail.elt !== live;
    var asOf = isWell && e.detail.xhr.getResponseHeader('Desk-As-Of');
    if (asOf) $('[data-as-of]', stale).textContent = asOf;
    var title = $('[data-stale-title]', stale);
    title.textContent = isAct ? title.dataset.onAct : title.dataset.onLook;
    if (stale.hidden !== isWell) stale.hidden = isWell;
    if (!isWell || !isAct || !asOf) return;
    var submitter = e.detail.requestConfig.triggeringEvent && e.detail.requestConfig.triggeringEvent.submitter;
    if (!submitter || submitter.name !== 'act') return;
    unselect();
    $$('.bulkbar details[open]').forEach(function (menu) { menu.open = false; });
    var words = $('#bulk-rationale');
    if (words) words.value = '';
    said.focus();
    said.scrollIntoView({ block: 'nearest' });
  });
  document.addEventListener('click', function (e) { if (e.target.closest('[data-look]')) look(); });

  /* The tab that is open may be beyond the edge. */
  var tab = $('.tabs [aria-current]');
  if (tab && tab.parentNode.scrollWidth > tab.parentNode.clientWidth) tab.parentNode.scrollLeft = tab.offsetLeft - 32;

  /* --- The preview pane -------------------------------------------------------- */
  var toggle = $('[data-peek-toggle]'), bench = $('.workbench');
  function paint() {
    var off = store.get('peek') === 'off';
    if (bench) bench.classList.toggle('workbench--peek-off', off);
    if (toggle) toggle.setAttribute('aria-pressed', String(!off));
  }
  if (toggle) toggle.addEventListener('click', function () {
    store.set('peek', store.get('peek') === 'off' ? 'on' : 'off');
    paint();
  });
  paint();
}());
