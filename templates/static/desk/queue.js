/* The queue: rows by keyboard, the preview pane. Needs desk.js; htmx loads the preview. */
(function () {
  'use strict';
  var $ = window.desk.$, $$ = window.desk.$$, visible = window.desk.visible, store = window.desk.store;

  function currentRow() { var a = document.activeElement; return a && a.closest ? a.closest('.qrow') : null; }
  function move(step) {
    var all = $$('[data-rows] .qrow__link').filter(visible);
    if (!all.length) return;
    var row = currentRow() || $('.qrow.is-open'), i = row ? all.indexOf($('.qrow__link', row)) : -1;
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
    if (!visible($('#peek')) || document.activeElement !== e.detail.elt) e.preventDefault();
  });
  document.addEventListener('htmx:afterSwap', function (e) {
    if (e.detail.target.id !== 'peek') return;
    var shown = $('#peek').dataset.session;
    $$('.qrow').forEach(function (row) { row.classList.toggle('is-open', row.id === 's-' + shown); });
  });

  ['htmx:responseError', 'htmx:sendError'].forEach(function (failure) {
    document.addEventListener(failure, function (e) {
      if (e.detail.target.id === 'peek') window.desk.say('The preview could not be loaded. Open the row instead.');
    });
  });

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
